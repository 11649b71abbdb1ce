using System.Globalization;
using System.Text;

namespace Conclave.Layers.Serving;

/// <summary>Where the configuration is kept. Nobody but the server writes there.</summary>
public static class ConfigKeys
{
    public const string Root = "/conclave/";

    /// <summary>Behind every key of <see cref="Root"/>.</summary>
    public const string RootEnd = "/conclave0";

    public const string DefaultSpace = "default";

    private const int NameCharsMax = 64;

    public static string Head(string space) => $"{Root}{space}/head";

    public static string Release(string space, long release) => $"{Root}{space}/r/{release:x16}";

    public static string Drafts(string space) => $"{Root}{space}/d/";

    public static string Draft(string space, string name) => Drafts(space) + name;

    public static string AllFacts(string space) => $"{Root}{space}/f/";

    public static string Facts(string space, string node) => AllFacts(space) + node;

    public static string Requests(string space) => $"{Root}{space}/q/";

    public static string Request(string space, ReadOnlySpan<byte> id) => Requests(space) + Convert.ToHexStringLower(id);

    public static string Rollouts(string space) => $"{Root}{space}/o/";

    /// <summary>The record of a release's rollout.</summary>
    public static string Rollout(string space, long release) => $"{Rollouts(space)}{release:x16}";

    /// <summary>What takes a release back that is under rollout; gone when that ends.</summary>
    public static string Inverse(string space, long release) => $"{Root}{space}/b/{release:x16}";

    /// <summary>A name that permissions are looked up by; no such key is ever written.</summary>
    public static string Entry(string space, string document, string scope, string key) => $"{Document(space, document)}{scope}/{key}";

    public static string Document(string space, string document) => $"{Root}{space}/e/{document}/";

    public static string Node(string space, string node) => $"{Root}{space}/n/{node}";

    public static string Secrets(string space) => $"{Root}{space}/k/";

    public static string Secret(string space, string name) => Secrets(space) + name;

    /// <summary>The end of the range of all keys that begin with this, which ends in a slash.</summary>
    public static string EndOf(string prefix) => prefix[..^1] + '0';

    public static byte[] Bytes(string key) => Encoding.UTF8.GetBytes(key);

    /// <summary>Names of spaces and drafts: 1 to 64 of a-z, A-Z, 0-9, dot, dash and underscore, not beginning with a dot.</summary>
    public static bool IsName(string name) => name.Length is > 0 and <= NameCharsMax && name[0] != '.' && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');

    /// <summary>The space that a key below <see cref="Root"/> belongs to.</summary>
    public static string SpaceOf(string key) => key.IndexOf('/', Root.Length) is > 0 and int end ? key[Root.Length..end] : key[Root.Length..];

    /// <summary>A number as it is kept.</summary>
    public static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    public static long Number(ReadOnlySpan<byte> decimalText) => long.Parse(decimalText, NumberStyles.None, CultureInfo.InvariantCulture);
}
