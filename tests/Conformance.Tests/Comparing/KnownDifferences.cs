namespace Conclave.Conformance.Tests.Comparing;

/// <summary>Every place where Conclave and the packaged etcd 3.4.23 rightly differ. Nothing else may differ, and what is listed has to. docs/compatibility.md shows the same table.</summary>
internal static class KnownDifferences
{
    public static IReadOnlyList<KnownDifference> All { get; } = [.. OfVersions.All, .. OfLimits.All, .. OfWords.All, .. OfRecipes.All];
}
