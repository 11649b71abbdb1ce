using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Conclave.Node.Options;
using Conclave.Raft;

namespace Conclave.Node.Peers;

/// <summary>What <see cref="MemberInfo"/> holds here: the peer URLs of a member in UTF-8, joined by commas.</summary>
internal static class MemberUrls
{
    public static MemberInfo InfoOf(NodeId node, IEnumerable<Uri> urls) => new(node, Encode(urls));

    public static byte[] Encode(IEnumerable<Uri> urls) => Encoding.UTF8.GetBytes(string.Join(',', urls.Select(NodeOptions.Plain)));

    /// <summary>Empty for anything that is not a list of URLs.</summary>
    public static ImmutableArray<Uri> Decode(ReadOnlySpan<byte> bytes)
    {
        var urls = ImmutableArray.CreateBuilder<Uri>();
        foreach (string part in Encoding.UTF8.GetString(bytes).Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!TryParse(part, out Uri? url)) return [];
            urls.Add(url);
        }

        return urls.ToImmutable();
    }

    /// <summary>Scheme http or https, a host, a port and nothing else. As with etcd the port has to be there: 80 is nobody's guess for where a member listens.</summary>
    public static bool TryParse(string text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Uri? url) =>
        Uri.TryCreate(text, UriKind.Absolute, out url) && url.Scheme is "http" or "https" && url.Host.Length > 0 && url.UserInfo.Length == 0
        && text.EndsWith(string.Create(CultureInfo.InvariantCulture, $":{url.Port}"), StringComparison.Ordinal);
}
