using Conclave.Node.Options;
using Conclave.Node.Peers;
using Conclave.Raft;
using Conclave.Storage;
using Conclave.Store;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Consensus;

/// <summary>What a node finds in its data directory, put together: log, newest snapshot, and the store that it holds.</summary>
/// <remarks>Never less than what was there: a log that begins after a snapshot which is missing or damaged stops the start.</remarks>
/// <param name="Log">Open.</param>
/// <param name="Snapshots">Of the same directory.</param>
/// <param name="Store">Loaded from the newest snapshot.</param>
/// <param name="Recovered">For the core.</param>
/// <param name="Cluster">Who this node is: by its flags, by its directory, or by what the cluster said.</param>
/// <param name="Credentials">What it shows to the others, but for how far its log reaches.</param>
/// <param name="Membership">As of <paramref name="Store"/>.</param>
internal sealed record ReplicaDisk(DurableLog Log, SnapshotStore Snapshots, KeyValueStore Store, RecoveredState Recovered, ClusterIdentity Cluster, MemberCredentials Credentials, Membership Membership)
{
    /// <exception cref="StorageException">The directory cannot be used; the message names the file, the place and the remedy.</exception>
    /// <exception cref="JoinRefusedException">The directory is empty, and the cluster to join does not know this member or does not answer.</exception>
    public static ReplicaDisk Open(NodeOptions options, IFileSystem files, ILogger logger)
    {
        try
        {
            RefuseEtcds(options, files);
            return RequireHelp(OpenForFlags(options, files, logger), options, files, logger);
        }
        catch (FileSystemException failure)
        {
            throw KnownIncarnations.AsStorageException(failure);   // mostly a directory of another user
        }
    }

    /// <summary>etcd keeps its keys in snap/db of the same member directory, and its log in wal/ there unless told otherwise. Beside them an empty store would be made, and nobody told that the keys are not in it.</summary>
    private static void RefuseEtcds(NodeOptions options, IFileSystem files)
    {
        string directory = MemberDirectoryOf(options);
        if (Files(directory).Count > 0) return;
        if (!Files(Path.Combine(directory, "snap")).Contains("db") && !Files(Path.Combine(directory, "wal")).Any(name => name.EndsWith(".wal", StringComparison.Ordinal))) return;
        throw new StorageException(StorageErrorKind.WrongFormat, options.DataDir, null, "It holds the data of an etcd, which only etcd can read.",
            "Give this node a directory of its own (--data-dir), and copy the keys from the running etcd: docs/operations/from-etcd.md.");

        IReadOnlyList<string> Files(string path)
        {
            try
            {
                return files.List(path);
            }
            catch (FileSystemException none) when (none.Error == FileError.NotFound)
            {
                return [];
            }
        }
    }

    private static ReplicaDisk OpenForFlags(NodeOptions options, IFileSystem files, ILogger logger)
    {
        if (options.InitialClusterState == ClusterState.Existing) return OpenAny(options, files, logger, null) ?? Join(options, files, logger);
        ClusterIdentity flags = ClusterIdentity.From(options);
        try
        {
            return OpenAs(options, flags, Membership.Of([.. flags.Members.Select(m => m.Id)]), files, logger);
        }
        catch (StorageException other) when (other.Kind is StorageErrorKind.WrongCluster or StorageErrorKind.WrongMember)
        {
            // Not what these flags would have founded. It may be a member that was added later, or that has moved.
            if (OpenAny(options, files, logger, other) is { } opened) return opened;
            throw;
        }
    }

    public static StoreOptions StoreOptionsOf(NodeOptions options) => new()
    {
        QuotaBytes = options.QuotaBytes,
        WatchProgressMilliseconds = Math.Max(100, (long)options.WatchProgressInterval.TotalMilliseconds),
    };

    /// <summary>
    /// The flags may name others who are gone long since: then there is nobody to repair from. What is left of the log does not decide that: what is
    /// missing may be the very entries that added the others. Somebody who is to join a running cluster can ask it.
    /// </summary>
    private static ReplicaDisk RequireHelp(ReplicaDisk disk, NodeOptions options, IFileSystem files, ILogger logger)
    {
        if (RepairHelp.Of(disk.Recovered.LostEnd, Newest(disk), disk.Cluster.Self, OthersVote.IsThere(files, MemberDirectoryOf(options))) != HelpFrom.Nobody) return disk;
        string asked = "";
        if (options.InitialClusterState == ClusterState.Existing && options.InitialCluster.Any(m => m.Name != options.Name))
        {
            try
            {
                ClusterIdentity cluster = Introduced(options, logger, disk.Log.Identity);
                if (cluster.Members.Any(m => m.Id != cluster.Self)) return disk with { Cluster = cluster };
            }
            catch (JoinRefusedException refusal)
            {
                asked = $" Asked for the other members: {refusal.Message}";
            }
        }

        disk.Log.Dispose();
        throw new StorageException(StorageErrorKind.Corrupt, options.DataDir, null,
            $"The log was damaged and may have reached {disk.Recovered.LostEnd}; as far as the rest of it says, this member is the only one that votes, so nobody else has what is missing.{asked}",
            "If members were added since, and a majority of them runs: conclave member replace, with this member's name, says how to replace it; or start it with --initial-cluster-state=existing and "
            + "an --initial-cluster that names them all, and it catches up from them. If it was alone, restore a backup into a new data directory. What was damaged is kept under quarantine/ in the member directory.");
    }

    /// <summary>Opens whatever member's directory it is, if the flags can mean it; null when it is empty.</summary>
    private static ReplicaDisk? OpenAny(NodeOptions options, IFileSystem files, ILogger logger, StorageException? otherwise)
    {
        ReplicaDisk? opened = null;
        try
        {
            opened = OpenAs(options, null, Membership.Of(), files, logger);
        }
        catch (StorageException empty) when (empty.Kind == StorageErrorKind.NotFormatted)
        {
            return null;
        }

        try
        {
            Membership newest = Newest(opened);
            if (DirectoryClaim.Resolve(options, opened.Log.Identity, opened.Recovered.Bootstrap, newest) is not { } cluster)
                return opened with { Cluster = KnownToCluster(options, logger, opened.Log.Identity, newest, otherwise) };
            // Without a membership it knows nobody yet, and has to ask again who is there.
            if (newest.Voters.IsEmpty) cluster = Introduced(options, logger, opened.Log.Identity);
            return opened with { Cluster = cluster };
        }
        catch
        {
            opened.Log.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The addresses are not those that the directory knows. The member may have been moved while it was down, or its log may have lost the entry that says where it listens:
    /// the cluster knows.
    /// </summary>
    private static ClusterIdentity KnownToCluster(NodeOptions options, ILogger logger, StorageIdentity found, Membership newest, StorageException? otherwise)
    {
        if (options.InitialClusterState != ClusterState.Existing || options.InitialCluster.All(m => m.Name == options.Name)) throw otherwise ?? NotMeant(options, found, newest, "");
        try
        {
            return Introduced(options, logger, found);
        }
        catch (JoinRefusedException refusal)
        {
            throw NotMeant(options, found, newest, $" Asked whether it has moved: {refusal.Message}.");
        }
    }

    private static ReplicaDisk Join(NodeOptions options, IFileSystem files, ILogger logger) =>
        OpenAs(options, Introduced(options, logger, null), Membership.Of(), files, logger);

    /// <remarks>Blocks: a node without an identity has nothing else to do. Bounded by the patience of <see cref="Joining"/>.</remarks>
    private static ClusterIdentity Introduced(NodeOptions options, ILogger logger, StorageIdentity? found)
    {
        ClusterIdentity cluster = Task.Run(() => Joining.AskAsync(options, Joining.Patience, logger)).GetAwaiter().GetResult();
        if (found is null || found.ClusterId == cluster.ClusterId && found.NodeId == cluster.Self.Value) return cluster;
        throw new JoinRefusedException($"{options.DataDir} belongs to member {found.NodeId:x} of cluster {found.ClusterId:x}, and the one that is to listen here is member {cluster.Self} of {cluster.ClusterId:x}. "
            + "If that is right, move the directory away and start again");
    }

    private static ReplicaDisk OpenAs(NodeOptions options, ClusterIdentity? cluster, Membership bootstrap, IFileSystem files, ILogger logger)
    {
        string directory = MemberDirectoryOf(options);
        var layout = new DurableLogOptions
        {
            ClusterId = cluster?.ClusterId ?? 0,
            NodeId = cluster?.Self.Value ?? 0,
            Bootstrap = bootstrap,
            // Alone, nobody has what this disk has lost.
            AllowRepair = RepairHelp.MayExist(options.InitialClusterState, options.InitialCluster.Count, OthersVote.IsThere(files, directory)),
        };
        var log = DurableLog.Open(files, directory, layout, out RecoveredLog recovered);
        try
        {
            foreach (string note in recovered.Notes) Node.Log.RecoveryNote(logger, note);
            var snapshots = new SnapshotStore(files, directory, recovered.Identity.ClusterId);
            var notes = new List<string>();
            Loaded? loaded = snapshots.LoadNewest(log, file => Load(file, options), notes);
            foreach (string note in notes) Node.Log.RecoveryNote(logger, note);
            KeyValueStore store = loaded?.Store ?? new KeyValueStore(StoreOptionsOf(options));
            RecoveredState state = log.StartFrom(recovered, loaded?.Id);
            if (state.LostEnd != EntryId.Zero) Node.Log.LogLostEnd(logger, state.LostEnd.Index.Value == ulong.MaxValue ? $"of term {state.LostEnd.Term}" : $"up to {state.LostEnd}");
            Node.Log.Recovered(logger, state.Entries.Count, state.Base.Index.Value, state.HardState.Term.Value, store.View.Revision);
            cluster ??= new ClusterIdentity(recovered.Identity.ClusterId, new NodeId(recovered.Identity.NodeId), []);
            return new ReplicaDisk(log, snapshots, store, state, cluster, CredentialsOf(log, state), loaded?.Id.Membership ?? recovered.Bootstrap);
        }
        catch
        {
            log.Dispose();
            throw;
        }
    }

    private static string MemberDirectoryOf(NodeOptions options) => Path.Combine(options.DataDir, "member");

    private static MemberCredentials CredentialsOf(DurableLog log, RecoveredState state) =>
        new(log.Identity.Incarnation, log.Boot, log.BootNonce, LogIndex.Max(log.Last.Index, state.Snapshot?.Last.Index ?? LogIndex.Zero), state.LostEnd);

    private static Membership Newest(ReplicaDisk disk)
    {
        for (int i = disk.Recovered.Entries.Count - 1; i >= 0; i--)
        {
            Entry entry = disk.Recovered.Entries[i];
            if (entry.Kind == EntryKind.Membership && Membership.TryDecode(entry.Payload.Span, out Membership? membership)) return membership;
        }

        return disk.Membership;
    }

    private static StorageException NotMeant(NodeOptions options, StorageIdentity found, Membership newest, string asked)
    {
        string urls = string.Join(',', MemberUrls.Decode(newest.InfoOf(new NodeId(found.NodeId)).Span).Select(NodeOptions.Plain));
        return new StorageException(StorageErrorKind.WrongMember, options.DataDir, null,
            $"It belongs to member {found.NodeId:x} of cluster {found.ClusterId:x}, which listens at {(urls.Length == 0 ? "an address that it does not know itself" : urls)}, "
            + $"and this member advertises {string.Join(',', options.InitialAdvertisePeerUrls.Select(NodeOptions.Plain))}.{asked}",
            "Check --data-dir and --initial-advertise-peer-urls; every member has a directory of its own. After a move, tell the cluster first (conclave member update), and start it with --initial-cluster-state=existing.");
    }

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
                "It was written by another version, or by a program with a bug. Keep the file. While a majority of the other members runs, replace this one: conclave member replace, with this member's name.", damage);
        }
    }
}
