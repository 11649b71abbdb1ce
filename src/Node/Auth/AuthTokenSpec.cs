using Conclave.Node.Options;

namespace Conclave.Node.Auth;

/// <summary>What --auth-token says: <c>simple</c>, or <c>jwt,pub-key=FILE,priv-key=FILE,sign-method=RS256,ttl=10m</c> as etcd reads it.</summary>
/// <param name="IsJwt">JSON web tokens.</param>
/// <param name="SignMethod">Of the tokens, such as RS256.</param>
/// <param name="PublicKeyFile">PEM; null when the private key is there.</param>
/// <param name="PrivateKeyFile">PEM, or the shared secret itself for HS256 and its like; null on a member that only checks tokens.</param>
/// <param name="Ttl">How long a token is good.</param>
internal sealed record AuthTokenSpec(bool IsJwt, string SignMethod, string? PublicKeyFile, string? PrivateKeyFile, TimeSpan Ttl)
{
    public static readonly string[] SignMethods = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "HS256", "HS384", "HS512"];

    private static readonly TimeSpan TtlDefault = TimeSpan.FromMinutes(5);

    /// <exception cref="FormatException">It cannot be read; the message says why.</exception>
    public static AuthTokenSpec Parse(string text)
    {
        string[] parts = text.Split(',', StringSplitOptions.TrimEntries);
        if (parts[0] == "simple" && parts.Length == 1) return new AuthTokenSpec(false, "", null, null, TtlDefault);
        if (parts[0] != "jwt") throw new FormatException("use 'simple' or 'jwt,sign-method=...,priv-key=FILE'");
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string part in parts[1..])
        {
            string[] pair = part.Split('=', 2);
            if (pair.Length != 2 || pair[0] is not ("pub-key" or "priv-key" or "sign-method" or "ttl"))
                throw new FormatException($"'{part}' is none of pub-key=FILE, priv-key=FILE, sign-method=METHOD and ttl=TIME");
            if (!values.TryAdd(pair[0], pair[1])) throw new FormatException($"{pair[0]} is there twice");
        }

        string? publicKey = values.GetValueOrDefault("pub-key"), privateKey = values.GetValueOrDefault("priv-key");
        if (!values.TryGetValue("sign-method", out string? method)) throw new FormatException($"add sign-method=, one of {string.Join(", ", SignMethods)}");
        if (method == "EdDSA") throw new FormatException("sign-method EdDSA is not available on this platform; use ES256");
        if (!SignMethods.Contains(method)) throw new FormatException($"sign-method '{method}' is none of {string.Join(", ", SignMethods)}");
        if (privateKey is null && (publicKey is null || method.StartsWith("HS", StringComparison.Ordinal))) throw new FormatException("add priv-key=FILE");
        return new AuthTokenSpec(true, method, publicKey, privateKey, values.TryGetValue("ttl", out string? ttl) ? NodeFlags.Duration(ttl) : TtlDefault);
    }
}

/// <summary>A key that --auth-token names cannot be used.</summary>
public sealed class AuthKeyException(string message, Exception? cause = null) : Exception(message, cause);
