namespace Conclave.Raft;

public sealed partial class RaftCore
{
    private SnapshotId? _installing; // given to the driver and not yet reported back
    private LogIndex _compactedFor; // snapshot index for which compaction was last worked out

    /// <summary>A received snapshot is with the driver; the log is not compacted meanwhile.</summary>
    internal bool IsInstalling => _installing is not null;

    private void OnSnapshotTaken(SnapshotId id)
    {
        Invariant.Holds(id.Last.Index <= Commit, "A snapshot holds committed entries only.");
        if (Snapshot is { } current && id.Last.Index <= current.Last.Index) return;
        Snapshot = id;
        if (id.Last.Index > _log.Base.Index)
            Invariant.Holds(_log.Contains(id.Last), "A snapshot of the own state ends at an entry of the own log.");
        if (!HasAnyConfigFault)
            Invariant.Holds(_configs.At(id.Last.Index) is not { } known || known.Equals(id.Membership), "A snapshot carries the membership that is committed at its last entry.");
    }

    /// <summary>
    /// Forgets what the snapshot covers, but for a tail that spares a slow follower the snapshot. Never more than is durable: a log
    /// on disk that is shorter than its own base would be a gap after a restart.
    /// </summary>
    private void Compact()
    {
        if (Snapshot is not { } snapshot || _installing is not null) return;
        LogIndex covered = LogIndex.Min(snapshot.Last.Index, _durable);
        if (covered <= _compactedFor || covered <= _log.Base.Index) return;
        _compactedFor = covered;

        LogIndex target = covered, oldest = _log.Base.Index;
        long keptBytes = 0;
        for (int kept = 0; kept < _options.SnapshotTrailingEntries && target > oldest; kept++)
        {
            keptBytes += _log[target].Payload.Length;
            if (keptBytes > _options.SnapshotTrailingBytesMax && !HasFault(CoreFaults.KeepLongTail)) break;
            target = target.Previous;
        }
        if (target <= oldest) return;
        _log.CompactTo(target);
        _configs.CompactTo(target);
        _output.CompactTo = _log.Base;
    }

    private void WantSnapshotFor(Progress peer)
    {
        Invariant.Holds(Snapshot is not null, "Only what a snapshot covers is compacted.");
        peer.BecomeSnapshot(Snapshot.Last.Index, NextSequence);
        _output.SnapshotsWanted.Add(peer.Node);
    }

    private void OnSnapshotSendFinished(NodeId to, bool ok)
    {
        if (Role != RaftRole.Leader || _roster.Find(to) is not { State: ReplicationState.Snapshot } peer) return;
        if (!ok && HasFault(CoreFaults.NoSnapshotRedrive)) return;
        LogIndex next = ok ? peer.PendingSnapshot.Next : peer.Match.Next;
        peer.BecomeProbe(LogIndex.Min(next, _log.Last.Index.Next), NextSequence);
        // The follower still has to install it, or is out of reach: its next sign of life goes on.
        peer.Paused = true;
    }

    private void OnSnapshotReply(SnapshotReply reply)
    {
        if (Role != RaftRole.Leader || _roster.Find(reply.From) is not { } peer || reply.Last > _log.Last.Index) return;
        // Any place the log here can continue from will do, also one below the snapshot that was sent: the follower may have got
        // that from somebody else. Match stays: the next append proves it.
        if (peer.State != ReplicationState.Replicate && (peer.State == ReplicationState.Snapshot || peer.Next <= reply.Last.Next))
            peer.BecomeProbe(reply.Last.Next, NextSequence);
    }

    private void OnSnapshotReceived(NodeId from, Term term, SnapshotId id)
    {
        if (term > Term) BecomeFollower(term, from);
        // A snapshot holds committed entries only, so it is as good from a deposed leader. While another one is being installed
        // it has to wait; the leader asks again.
        if (_installing is not null) return;
        if (id.Last.Index <= Commit)
        {
            ReplySnapshot(); // useless here: say where this node stands instead
            return;
        }
        if (_log.Contains(id.Last))
        {
            // The log has it all; what was missing is only the knowledge that it is committed. Entries beyond it stay.
            CommitTo(id.Last.Index);
            ReplySnapshot();
            return;
        }
        Invariant.Holds(Role != RaftRole.Leader, "A leader's log contains everything that was ever committed.");
        if (Role != RaftRole.Follower) BecomeFollower(Term, NodeId.None);
        _installing = id;
        _output.InstallSnapshot = id;
    }

    private void OnSnapshotInstalled(SnapshotId id)
    {
        Invariant.Holds(_installing == id, "The driver installs what it was given.");
        Invariant.Holds(id.Last.Index > Commit, "Nothing is committed while a snapshot is being installed.");
        _installing = null;
        Snapshot = id;
        // Nothing of the old log survives, also not what is longer than the snapshot: it disagreed with committed entries.
        _log.Reset(id.Last);
        CapPendingWrites(LogIndex.Zero);
        (_handedOver, _durable, _truncateFrom) = (id.Last.Index, id.Last.Index, null);
        (Commit, Applied, _emitted) = (id.Last.Index, id.Last.Index, id.Last.Index);
        _compactedFor = id.Last.Index;
        if (!HasFault(CoreFaults.OldConfigAfterSnapshot))
        {
            _configs.Reset(id.Last.Index, id.Membership);
            PutInForce();
        }
        EndRecoveryIfReached();
        ReplySnapshot();
    }

    private void ReplySnapshot()
    {
        if (Leader == NodeId.None || Leader == Self) return;
        Reply(new SnapshotReply { From = Self, To = Leader, Term = Term, Last = Commit });
    }
}
