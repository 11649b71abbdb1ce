namespace Conclave.Conformance.Tests.Comparing;

/// <summary>A place where the packaged etcd 3.4 and Conclave, which behaves as 3.6, rightly answer differently.</summary>
/// <param name="Id">Short name, as in docs/compatibility.md.</param>
/// <param name="Where">Places such as <c>lease/an id in use: json: 2 LeaseGrant $.status</c>, '*' standing for anything. What lies below a place belongs to it. Each has to be met.</param>
/// <param name="Etcd">What etcd 3.4 says there, as JSON; <see cref="Absent"/>, or <see cref="Any"/>.</param>
/// <param name="Conclave">What Conclave says there, likewise.</param>
/// <param name="What">The difference in words.</param>
/// <param name="Why">The reason.</param>
internal sealed record KnownDifference(string Id, IReadOnlyList<string> Where, string Etcd, string Conclave, string What, string Why)
{
    /// <summary>There is nothing.</summary>
    public const string Absent = "(absent)";

    /// <summary>Anything, for words that are nobody's promise.</summary>
    public const string Any = "(any)";

    /// <summary>First of its places that covers that one; null when none does.</summary>
    public string? PlaceCovering(string place) => Where.FirstOrDefault(pattern => Covers(pattern, place));

    /// <summary>Whether the place is one that the pattern names, or lies below it.</summary>
    public static bool Covers(string pattern, string place) => Covers(pattern.AsSpan(), place.AsSpan());

    private static bool Covers(ReadOnlySpan<char> pattern, ReadOnlySpan<char> place)
    {
        int star = pattern.IndexOf('*');
        if (star < 0)
            return place.StartsWith(pattern) && (place.Length == pattern.Length || place[pattern.Length] is '.' or '[');
        if (!place.StartsWith(pattern[..star]))
            return false;
        ReadOnlySpan<char> after = pattern[(star + 1)..];
        if (after.IsEmpty)
            return true;
        int next = after.IndexOf('*');
        ReadOnlySpan<char> literal = next < 0 ? after : after[..next];
        // The text up to the next star may stand at several positions; each is tried.
        for (int at = star; at <= place.Length - literal.Length; at++)
        {
            if (place[at..].StartsWith(literal) && Covers(after, place[at..]))
                return true;
        }
        return false;
    }

    /// <summary>Group of a place of <see cref="Where"/>.</summary>
    public static string GroupOf(string pattern) => pattern[..pattern.IndexOf('/', StringComparison.Ordinal)];
}
