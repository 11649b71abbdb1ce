using System.Diagnostics.CodeAnalysis;

namespace Conclave.Client;

/// <summary>Reads endpoints as people write them.</summary>
public static class EndpointAddress
{
    /// <summary>Accepts <c>http://host:port</c>, <c>https://host:port</c> and <c>host:port</c>; the port defaults to 2379. A path is refused.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out Uri? address)
    {
        address = null;
        string trimmed = text.Trim();
        string whole = trimmed.Contains("://", StringComparison.Ordinal) ? trimmed : "http://" + trimmed;
        if (!Uri.TryCreate(whole, UriKind.Absolute, out Uri? parsed)
            || parsed.Scheme is not ("http" or "https") || parsed.Host.Length == 0 || parsed.PathAndQuery != "/" || parsed.UserInfo.Length > 0)
            return false;

        // A URI hides whether 80 or 443 was written out; only a port that was not written becomes the client port.
        bool hasPort = whole.TrimEnd('/').EndsWith($":{parsed.Port}", StringComparison.Ordinal);
        address = hasPort ? parsed : new UriBuilder(parsed) { Port = DefaultClientPort }.Uri;
        return true;
    }

    /// <inheritdoc cref="TryParse"/>
    /// <exception cref="ArgumentException">The text is not an address.</exception>
    public static Uri Parse(string text) =>
        TryParse(text, out Uri? address) ? address : throw new ArgumentException($"\"{text}\" is not an address.", nameof(text));

    private const int DefaultClientPort = 2379;
}
