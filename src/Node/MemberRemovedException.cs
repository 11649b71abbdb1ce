using Conclave.Raft;

namespace Conclave.Node;

/// <summary>This member was removed from its cluster: there is nothing left for it to do.</summary>
public sealed class MemberRemovedException(string name, NodeId self, string how, string dataDir) : Exception(
    $"member {name} ({self}) was removed from the cluster, {how}. Its id is never used again. To bring this machine back, move {Path.GetFullPath(dataDir)} away, "
    + $"add it as a new member (conclave member add {name}), and start it with --initial-cluster-state existing.");
