// The namespace is that of the comparison, which asks for it by this name.
#pragma warning disable IDE0130
namespace Conclave.Compatibility.Tests.Support;
#pragma warning restore IDE0130

/// <summary>Every place where these clients rightly see something else from Conclave than from the packaged etcd 3.4.23. Nothing else may differ.</summary>
internal static class KnownDifferences
{
    private static readonly KnownDifference[] All = [];

    public static KnownDifference? Explaining(string line, string path) => All.FirstOrDefault(known => known.Covers(line, path));
}
