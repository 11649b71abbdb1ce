using System.Diagnostics;
using Conclave.Node.Peers;
using Conclave.Raft;
using Conclave.Store;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Consensus;

/// <summary>Heals a member whose state differs from what the majority agrees on: another member's state takes the place of its own.</summary>
/// <remarks>
/// The log is right, or the cluster would not have accepted it; what was made of it is wrong. So the log stays, and the consensus core hears nothing:
/// 1. This member stops applying and asks a healthy one for its state behind the last entry applied here.
/// 2. That one writes a snapshot and sends it like any other, but with term 0: not for the core.
/// 3. Its content replaces the store's. The entries up to its index are passed over when their turn comes, and the rest is applied.
/// Until a later report of this member agrees with the majority it serves no clients (<see cref="IsQuarantined"/>) and gives leadership away.
/// </remarks>
internal sealed class StateRepair(Replica replica, ApplyLoop apply, SnapshotKeeper snapshots, SnapshotStreams streams, PeerTransport peers, ILogger logger)
{
    /// <summary>Term of a snapshot stream that replaces a state and nothing else. No leader has it.</summary>
    public const ulong StateTerm = 0;

    /// <summary>Behind the index in a <see cref="PeerFrameKind.StateWanted"/> that is the answer no.</summary>
    public const byte Refusal = 0;

    private static readonly TimeSpan PatienceWithMember = TimeSpan.FromSeconds(60), BetweenTries = TimeSpan.FromSeconds(5), BetweenNotes = TimeSpan.FromMinutes(1), SnapshotPatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    private readonly CancellationTokenSource _stop = new();
    private Task _healing = Task.CompletedTask, _serving = Task.CompletedTask;
    private long _triedAt;
    private long _heldBackAt;   // of the consensus worker
    private ulong _replacedIndex;

    // Written by the healing task, read by the one that receives.
    private volatile StateRequest? _wanted;

    /// <summary>The majority found this member's state to be wrong, and no later report has shown that it is right again.</summary>
    public bool IsQuarantined => replica.View.Marks.VerdictOn(replica.Self.Value) == MemberVerdict.Differs;

    /// <summary>Nothing speaks against giving this member's state to others.</summary>
    public bool MaySpread => StateTrust.MaySpread(replica.View.Marks, replica.Self.Value);

    /// <summary>Called a few times a second.</summary>
    public void Pass()
    {
        if (!IsQuarantined) return;
        if (replica.IsLeader) replica.GiveUpLeadership();
        if (!_healing.IsCompleted || !NeedsState(replica.View) || (_triedAt != 0 && Stopwatch.GetElapsedTime(_triedAt) < BetweenTries)) return;
        _triedAt = Stopwatch.GetTimestamp();
        _healing = Task.Run(HealAsync);
    }

    /// <summary>A member asks for a state that has applied at least this index.</summary>
    public void OnWanted(NodeId member, ulong index)
    {
        if (!MaySpread || !_serving.IsCompleted || _stop.IsCancellationRequested) Refuse(member, index);
        else _serving = Task.Run(() => ServeAsync(member, index));
    }

    /// <summary>A member that was asked for its state says that it will not come.</summary>
    public void OnRefused(NodeId member, ulong index) => _wanted?.OnRefused(member, index);

    /// <summary>A member needs a snapshot, and this one's state is not to be spread. Says so now and then.</summary>
    public void OnHeldBack(NodeId member)
    {
        if (_heldBackAt != 0 && Stopwatch.GetElapsedTime(_heldBackAt) < BetweenNotes) return;
        _heldBackAt = Stopwatch.GetTimestamp();
        RepairLog.HeldBack(logger, member);
    }

    /// <summary>A snapshot of term <see cref="StateTerm"/> has arrived and is on disk.</summary>
    public void OnReceived(NodeId from, SnapshotId snapshot)
    {
        if (_wanted is { } wanted && wanted.Answers(from, snapshot)) apply.EnqueueReplace(snapshot, wanted.Done);
    }

    /// <summary>The state was replaced up to this index.</summary>
    public void OnReplaced(ulong index) => Volatile.Write(ref _replacedIndex, index);

    public async Task StopAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_healing, _serving).ConfigureAwait(false);
    }

    /// <summary>The report that was wrong is of the state as it is, not of one that was replaced since.</summary>
    private bool NeedsState(StoreView view)
    {
        ClusterMarks marks = view.Marks;
        return marks.Index > Volatile.Read(ref _replacedIndex) && marks.AgreedHash is { } agreed
            && marks.Members.TryGetValue(replica.Self.Value, out MemberMark mine) && mine.Report is { } report && report != agreed;
    }

    private async Task HealAsync()
    {
        RepairLog.Quarantined(logger, replica.View.Marks.Index);
        try
        {
            foreach (NodeId member in Candidates())
            {
                if (!await TryHealFromAsync(member).ConfigureAwait(false)) continue;
                RepairLog.Healed(logger, member);
                return;
            }

            RepairLog.NotHealed(logger);
        }
        catch (OperationCanceledException)
        {
            // The node stops; it begins again after its next start.
        }
        finally
        {
            _wanted = null;
            apply.Resume();
        }
    }

    private async Task<bool> TryHealFromAsync(NodeId member)
    {
        apply.Pause();   // for each anew: what waits is bounded
        await Task.Delay(2 * Poll, _stop.Token).ConfigureAwait(false);   // what was being applied when it was paused is applied; if not, the state is refused below
        var wanted = new StateRequest(member, replica.View.AppliedIndex + 1);
        _wanted = wanted;
        if (!peers.Send(member, PeerFrameKind.StateWanted, wanted.Index, null, [])) return false;
        try
        {
            return await wanted.Answered.WaitAsync(PatienceWithMember, _stop.Token).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <summary>Voters that agree with the majority, the leader first: it is sure to be up.</summary>
    private IEnumerable<NodeId> Candidates()
    {
        StoreView view = replica.View;
        NodeId leader = replica.Status.Leader;
        return replica.Members.Others()
            .Where(id => view.Marks.Members.TryGetValue(id.Value, out MemberMark mark) && mark.Report is not null && mark.Report == view.Marks.AgreedHash)
            .OrderBy(id => id == leader ? 0 : 1);
    }

    /// <summary>So that it asks another at once. When the answer is lost, it asks another later.</summary>
    private void Refuse(NodeId member, ulong index) => peers.Send(member, PeerFrameKind.StateWanted, index, tag: Refusal, []);

    private async Task ServeAsync(NodeId member, ulong index)
    {
        try
        {
            snapshots.Want(index);
            long start = Stopwatch.GetTimestamp();
            while (snapshots.Newest.Last.Index.Value < index && Stopwatch.GetElapsedTime(start) < SnapshotPatience) await Task.Delay(Poll, _stop.Token).ConfigureAwait(false);
            // Nothing may have been applied behind the index for so long; or it is this member that was found to be wrong meanwhile.
            bool sent = snapshots.Newest.Last.Index.Value >= index && MaySpread && await streams.SendStateAsync(member).ConfigureAwait(false);
            if (!sent) Refuse(member, index);
        }
        catch (OperationCanceledException)
        {
            // The node stops; the other one asks again.
        }
    }
}

internal static partial class RepairLog
{
    [LoggerMessage(2120, LogLevel.Error, "The state of this member at index {Index} differs from what the majority agrees on. It serves no clients until another member's state has replaced its own.")]
    public static partial void Quarantined(ILogger logger, ulong index);

    [LoggerMessage(2121, LogLevel.Warning, "The state of this member was replaced by that of {Member}. It serves clients again once the next report agrees. Look for the cause: memory, disk, or a bug worth reporting.")]
    public static partial void Healed(ILogger logger, NodeId member);

    [LoggerMessage(2122, LogLevel.Error, "No healthy member has sent its state. It is tried again.")]
    public static partial void NotHealed(ILogger logger);

    [LoggerMessage(2123, LogLevel.Error, "Member {Member} needs a snapshot and gets none: the state of this leader differs from another member's, and no majority has found it right. If that does not end, decide which member is right, make it the leader (etcdctl move-leader) and disarm the alarms (etcdctl alarm disarm).")]
    public static partial void HeldBack(ILogger logger, NodeId member);
}
