using Conclave.Conformance.Tests.Cases;

namespace Conclave.Conformance.Tests.Suite;

/// <summary>All cases there are.</summary>
internal static class Groups
{
    public static IReadOnlyList<CaseGroup> All { get; } = [new RangeCases(), new PutCases(), new DeleteCases(), new TxnCompareCases(), new TxnCases(), new CompactionCases(), new WatchCases(), new LeaseCases(), new LockCases(), new ElectionCases(), new MaintenanceCases(), new GatewayCases(), new GrpcCases(), new AuthManagementCases(), new AuthCases(), new ClusterCases()];

    public static CaseGroup Named(string name) => All.Single(group => group.Name == name);
}
