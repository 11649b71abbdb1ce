using System.Collections.Immutable;
using Conclave.Node.Peers;
using Conclave.Raft;
using Conclave.Storage;
using Conclave.Store;

namespace Conclave.Node.Consensus;

/// <content>What the core decides and the apply loop meets is carried out here.</content>
internal sealed partial class Replica : IConsensusEffects, IApplyObserver
{
    void IConsensusEffects.Persist(List<PersistOp> operations, SnapshotId? install, EntryId? compactTo) => _logWriter.Enqueue(operations, install, compactTo);

    void IConsensusEffects.Apply(List<ReadOnlyMemory<Entry>> committed) => _apply.Enqueue(committed);

    void IConsensusEffects.SendSnapshot(NodeId to)
    {
        if (_repair.MaySpread)
        {
            _streams.Send(to, Status.Term);
            return;
        }

        _repair.OnHeldBack(to);
        ToCore(RaftInput.SnapshotSendFinished(to, ok: false));   // it asks again with the next sign of life
    }

    void IConsensusEffects.OnRole(RoleChange change)
    {
        if (change.Role != RaftRole.Leader) Leases.Demote();
        if (change.Leader != NodeId.None) Interlocked.Increment(ref _leaderChanges);
        _roles.OnRole(change);
    }

    void IConsensusEffects.OnMembership(Membership inForce)
    {
        Members.InForce = inForce;
        FollowRole();
        _peers.Update();
    }

    void IConsensusEffects.OnMembershipVerdict(in MembershipVerdict verdict) => Changes.OnVerdict(verdict);

    void IConsensusEffects.OnLogReverted(NodeId member)
    {
        _peers.Revert(member);
        _marks.OnLogReverted();
    }

    void IApplyObserver.OnMembershipApplied(EntryId entry, Membership membership)
    {
        if (_store.AppliedIndex <= entry.Index.Value) _snapshots.OnMembership(membership);   // else it came with a later one, with another member's state
        FollowMembership(membership);
        Changes.OnApplied(entry);
    }

    void IApplyObserver.OnSnapshotWanted() => _snapshots.TakeNow(_store.View, new EntryId(new LogIndex(_store.View.AppliedIndex), new Term(_store.View.AppliedTerm)));

    void IApplyObserver.OnTermApplied(ulong term)
    {
        Leases.Promote(View, () => IsLeader && Status.Term == term);
    }

    void IApplyObserver.OnLeaseGranted(LeaseState lease) => Leases.OnGranted(lease, IsAppliedFirst);

    void IApplyObserver.OnLeaseRevoked(long id) => Leases.OnRevoked(id, IsAppliedFirst);

    /// <summary>What is being applied was not in the log when this process began.</summary>
    private bool IsAppliedFirst => _store.AppliedIndex > _store.Counts.CountedBefore;

    void IApplyObserver.OnBatchApplied(ulong index, ulong term, int entries, long payloadBytes) =>
        _snapshots.OnApplied(_store.View, new EntryId(new LogIndex(index), new Term(term)), payloadBytes);

    void IApplyObserver.OnServerWrote() => ServerWrote?.Invoke();

    void IApplyObserver.OnLiveWrote() => LiveWrote?.Invoke();

    void IApplyObserver.OnStateMarked(StoreView view) => _marks.OnMarked(view);

    void IApplyObserver.OnStateReplaced(SnapshotId snapshot)
    {
        _snapshots.OnReplaced(snapshot);
        _repair.OnReplaced(snapshot.Last.Index.Value);
        StateTaken?.Invoke();
    }

    void IApplyObserver.OnSnapshotInstalled(SnapshotId snapshot)
    {
        _snapshots.OnInstalled(snapshot);
        _marks.OnGivenState(_streams.LastSender);
        FollowMembership(snapshot.Membership);
        StateTaken?.Invoke();
        Log.SnapshotTakenOver(_logger, snapshot.Last.Index.Value, Status.Leader.ToString());
    }

    void IConsensusEffects.OnFatal(Exception cause) => OnFatal(cause);

    void IApplyObserver.OnFatal(Exception cause) => OnFatal(cause);

    /// <summary>The committed membership is another one. On the apply worker.</summary>
    private void FollowMembership(Membership membership)
    {
        try
        {
            if (_log.LostEnd == EntryId.Zero) _othersVote.Follow(membership, Members.InForce);   // what a repair brings back, it brings back from the beginning
        }
        catch (FileSystemException failure)
        {
            OnFatal(KnownIncarnations.AsStorageException(failure));   // a later repair would rely on it
            return;
        }

        Membership before = Members.Committed;
        Members.Committed = membership;
        // Only what is not joint is settled; and a node that is still on its way through the log may see itself come again.
        NodeId[] gone = [.. before.Members().Where(node => !membership.Includes(node))];
        if (gone.Contains(Self)) OnSelfRemoved("as the log says");
        FollowRole();   // behind it: who was removed does not vote either, and must not be taken for a learner, which refuses for good what another member would do
        _gate.Remove([.. gone.Where(node => node != Self)]);
        _peers.Update();
    }

    /// <summary>A voter that has just started has not applied yet what it finds in its log; it would take itself for something less.</summary>
    private void FollowRole() => Volatile.Write(ref _isLearner, !Members.InForce.IsVoter(Self) && !Members.Committed.IsVoter(Self));

    private void OnSelfRemoved(string how)
    {
        if (Interlocked.Exchange(ref _removed, 1) != 0) return;
        var removed = new MemberRemovedException(_options.Name, Self, how, _options.DataDir);
        Log.Removed(_logger, removed.Message);
        // Neither at once: this member may have led its own removal, and its clients and the others are to hear the end of it.
        _ = Task.Delay(RemovalAnswersGrace).ContinueWith(_ => EndRequests(), TaskScheduler.Default);
        _ = Task.Delay(RemovalGrace).ContinueWith(_ => _onFatal(removed), TaskScheduler.Default);
    }

    /// <summary>No further entry comes here: whoever waits for one is told so, and does not wait out its time limit.</summary>
    private void EndRequests()
    {
        Proposals.Stop();
        Reads.Stop();
    }

    private void LoadSnapshot(SnapshotId snapshot) => _store.Install(_snapshots.Load(snapshot, ReplicaDisk.StoreOptionsOf(_options)));

    private void OnFatal(Exception cause)
    {
        if (Interlocked.Exchange(ref _failed, 1) != 0) return;
        Log.Fatal(_logger, cause.Message, cause);
        _onFatal(cause);
    }
}
