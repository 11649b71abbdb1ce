namespace Conclave.Node.Http.Gateway;

/// <summary>Prefixes of the JSON gateway. Old ones live on: Debian's clients still begin with /v3alpha.</summary>
internal static class GatewayPaths
{
    private const string Current = "/v3/";

    private static readonly string[] Aliases = ["/v3beta/", "/v3alpha/"];

    private static readonly string[] Own = [Current, "/v1/"];

    /// <summary>The path as the registry knows it.</summary>
    public static string Canonical(string path)
    {
        foreach (string alias in Aliases)
        {
            if (path.StartsWith(alias, StringComparison.Ordinal))
                return string.Concat(Current, path.AsSpan(alias.Length));
        }

        return path;
    }

    /// <summary>True when a canonical path can only mean a call, known or not.</summary>
    public static bool IsBelowPrefix(string path)
    {
        foreach (string prefix in Own)
        {
            if (path.StartsWith(prefix, StringComparison.Ordinal))
                return true;
        }

        return false;
    }
}
