using Conclave.Conformance.Tests.Cases;

namespace Conclave.Conformance.Tests.Suite;

/// <summary>All cases there are.</summary>
internal static class Groups
{
    public static IReadOnlyList<CaseGroup> All { get; } = [new RangeCases(), new PutCases(), new DeleteCases(), new TxnCompareCases(), new TxnCases(), new CompactionCases()];

    public static CaseGroup Named(string name) => All.Single(group => group.Name == name);
}
