using Conclave.Node.Options;
using Conclave.Raft;
using Conclave.Storage;
using Conclave.Store;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Consensus;

/// <summary>What a node finds in its data directory, put together: log, newest snapshot, and the store that it holds.</summary>
/// <remarks>Never less than what was there: a log that begins after a snapshot which is missing or damaged stops the start.</remarks>
internal sealed record ReplicaDisk(DurableLog Log, SnapshotStore Snapshots, KeyValueStore Store, RecoveredState Recovered, StorageIdentity Identity, Membership Membership)
{
    /// <exception cref="StorageException">The directory cannot be used; the message names the file, the place and the remedy.</exception>
    public static ReplicaDisk Open(NodeOptions options, ClusterIdentity cluster, IFileSystem files, ILogger logger)
    {
        Membership bootstrap = Membership.Of([.. cluster.Members.Select(m => m.Id)]);
        string directory = Path.Combine(options.DataDir, "member");
        var log = DurableLog.Open(files, directory, new DurableLogOptions { ClusterId = cluster.ClusterId, NodeId = cluster.Self.Value, Bootstrap = bootstrap }, out RecoveredLog recovered);
        try
        {
            foreach (string note in recovered.Notes) Node.Log.RecoveryNote(logger, note);
            var snapshots = new SnapshotStore(files, directory, cluster.ClusterId);
            var notes = new List<string>();
            Loaded? loaded = snapshots.LoadNewest(recovered.Base, file => Load(file, options), notes);
            foreach (string note in notes) Node.Log.RecoveryNote(logger, note);
            KeyValueStore store = loaded?.Store ?? new KeyValueStore(StoreOptionsOf(options));
            RecoveredState state = log.StartFrom(recovered, loaded?.Id);
            Node.Log.Recovered(logger, state.Entries.Count, state.Base.Index.Value, state.HardState.Term.Value, store.View.Revision);
            return new ReplicaDisk(log, snapshots, store, state, recovered.Identity, loaded?.Id.Membership ?? recovered.Bootstrap);
        }
        catch
        {
            log.Dispose();
            throw;
        }
    }

    public static StoreOptions StoreOptionsOf(NodeOptions options) => new()
    {
        QuotaBytes = options.QuotaBytes,
        WatchProgressMilliseconds = Math.Max(100, (long)options.WatchProgressInterval.TotalMilliseconds),
    };

    private sealed record Loaded(SnapshotId Id, KeyValueStore Store);

    private static Loaded Load(SnapshotFile file, NodeOptions options)
    {
        using Stream content = file.OpenContent();
        try
        {
            return new Loaded(file.Id, KeyValueStore.Load(content, StoreOptionsOf(options)));
        }
        catch (StoreDamagedException damage)
        {
            throw new StorageException(StorageErrorKind.Corrupt, file.Path, null, $"The snapshot's checksums are right, but its content is not: {damage.Message}",
                "It was written by another version, or by a program with a bug. Keep the file. If all other members are running and in sync, start this one with an empty data directory, after restarting each of them with --forget-member-disk and this member's name.", damage);
        }
    }
}
