namespace Conclave.Conformance.Tests.Comparing;

/// <summary>Every place where Conclave and the packaged etcd 3.4.23 rightly differ. Nothing else may differ, and what is listed has to. docs/compatibility.md shows the same table.</summary>
internal static class KnownDifferences
{
    public static IReadOnlyList<(string Heading, IReadOnlyList<KnownDifference> Differences)> Sections { get; } =
    [
        ("Where etcd changed after 3.4", OfVersions.All),
        ("Where Conclave does what etcd's own description says, or is stricter", OfLimits.All),
        ("Locks and elections", OfRecipes.All),
        ("Users and permissions", OfAuth.All),
        ("Words that are nobody's promise", OfWords.All),
    ];

    public static IReadOnlyList<KnownDifference> All { get; } = [.. Sections.SelectMany(section => section.Differences)];
}
