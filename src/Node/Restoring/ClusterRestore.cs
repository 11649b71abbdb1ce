using Conclave.Node.Options;
using Conclave.Node.Peers;
using Conclave.Raft;
using Conclave.Storage;
using Conclave.Store;

namespace Conclave.Node.Restoring;

/// <summary>Makes the data directory of one member of a new cluster out of a backup. Done for every member, with the same file and the same members.</summary>
/// <remarks>
/// Every member gets the state as its first snapshot, at the log position that the state itself names, and an empty log behind it: as if all had just been
/// brought up to that point. The directory is built under another name, so what is there under the right one is whole.
/// </remarks>
public static class ClusterRestore
{
    private const string Building = "member.restoring", Finished = "member";

    /// <param name="options">Name, data directory, members and token; the rest has no effect.</param>
    /// <param name="backup">The file.</param>
    /// <returns>The state that the member will start from.</returns>
    /// <exception cref="BackupException">The file or the directory cannot be used.</exception>
    public static StoreView Run(NodeOptions options, BackupFile backup)
    {
        RequireEmpty(options.DataDir);
        KeyValueStore store = backup.Load();
        store.BeginNewCluster();
        NodeOptions identified = RestoredCluster.With(options, backup.Sha256);
        string building = Path.Combine(options.DataDir, Building);
        try
        {
            new PosixFileSystem().CreateDirectory(options.DataDir);
            Build(ClusterIdentity.From(identified), building, store.View);
            RestoredCluster.Write(options.DataDir, backup.Sha256);
            Directory.Move(building, Path.Combine(options.DataDir, Finished));
            new PosixFileSystem().SyncDirectory(options.DataDir);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or StorageException or FileSystemException)
        {
            throw new BackupException($"{options.DataDir} could not be written: {problem.Message} Remove what is in it, then restore again.", problem);
        }

        return store.View;
    }

    private static void Build(ClusterIdentity cluster, string directory, StoreView view)
    {
        Membership membership = Membership.Of([.. cluster.Members.Select(m => m.Id)]) with { Infos = [.. cluster.Members.Select(m => MemberUrls.InfoOf(m.Id, m.PeerUrls))] };
        var last = new EntryId(new LogIndex(view.AppliedIndex), new Term(view.AppliedTerm));
        var files = new PosixFileSystem();
        var layout = new DurableLogOptions { ClusterId = cluster.ClusterId, NodeId = cluster.Self.Value, Bootstrap = Membership.Of([.. cluster.Members.Select(m => m.Id)]) };
        using DurableLog log = DurableLog.Open(files, directory, layout, out _);
        using (SnapshotWriter writer = new SnapshotStore(files, directory, cluster.ClusterId).Create(new SnapshotId(last, membership)))
        {
            KeyValueStore.Save(view, writer);
            writer.Commit().Dispose();
        }

        log.ResetTo(last, new HardState(last.Term, NodeId.None));
    }

    private static void RequireEmpty(string dataDir)
    {
        if (File.Exists(dataDir)) throw new BackupException($"{dataDir} is a file; --data-dir names a directory that is empty or not there yet.");
        if (!Directory.Exists(dataDir)) return;
        string[] there = [.. Directory.EnumerateFileSystemEntries(dataDir).Select(p => Path.GetFileName(p)!).Order(StringComparer.Ordinal).Take(4)];
        if (there.Length == 0) return;
        throw new BackupException($"{dataDir} is not empty: it holds {string.Join(", ", there.Take(3))}{(there.Length > 3 ? " and more" : "")}. "
            + "A backup goes into an empty directory; move this one away if the old data is not needed any more.");
    }
}
