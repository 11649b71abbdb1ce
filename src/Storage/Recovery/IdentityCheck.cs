namespace Conclave.Storage;

/// <summary>Whether a file belongs to the cluster and the member that the options name.</summary>
internal static class IdentityCheck
{
    internal static SuperblockFinding Of(DurableLogOptions options, StorageIdentity identity, string file, out StorageException? problem)
    {
        problem = null;
        if (options.ClusterId != 0 && identity.ClusterId != options.ClusterId)
        {
            problem = new StorageException(StorageErrorKind.WrongCluster, file, 16, $"It belongs to cluster {identity.ClusterId:x}, not to {options.ClusterId:x}.",
                "Check the data directory and the cluster token; a node never joins another cluster with old data.");
            return SuperblockFinding.OtherCluster;
        }
        if (options.NodeId != 0 && identity.NodeId != options.NodeId)
        {
            problem = new StorageException(StorageErrorKind.WrongMember, file, 24, $"It belongs to member {identity.NodeId:x}, not to {options.NodeId:x}.",
                "Check the data directory and the member's name; every member has a directory of its own.");
            return SuperblockFinding.OtherMember;
        }
        return SuperblockFinding.Whole;
    }
}
