using System.Diagnostics;
using Conclave.Node.Consensus;
using Conclave.Node.Services;
using Conclave.Node.Services.Locks;
using Conclave.Store;
using Microsoft.Extensions.Logging;

namespace Conclave.Node;

/// <summary>What has to be looked at a few times a second: time limits, expired leases, the quota, compaction, idle watches.</summary>
internal sealed class Housekeeping(ServiceContext context, WatchService watches, LockQueue locks, SpaceWatch space, ILogger logger)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200), LeaseInterval = TimeSpan.FromMilliseconds(500), WatchInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan PublishRetryInterval = TimeSpan.FromSeconds(5);

    /// <summary>A gap between two passes above this is a pause of the process, or as good as one.</summary>
    private static readonly TimeSpan PauseMin = TimeSpan.FromSeconds(1);

    private readonly List<(long Id, ulong Incarnation)> _expired = [];
    private readonly AutoCompactor _compactor = new(context.Options.AutoCompaction);
    private readonly RecoveryWatch _recovery = new();
    private TimeSpan _lastPass, _leasesDue, _watchesDue, _lastWatches, _publishDue;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Interval);
        long start = Stopwatch.GetTimestamp();
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
            {
                try
                {
                    Pass(Stopwatch.GetElapsedTime(start));
                }
                catch (Exception problem)
                {
                    // Time limits and leases hang on this loop: one bad pass must not be its last.
                    Log.HousekeepingFailed(logger, problem);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    private void Pass(TimeSpan now)
    {
        Replica replica = context.Replica;
        // Before anything expires by a clock that ran while this process did not.
        if (now - _lastPass > PauseMin) replica.Leases.OnPause();
        _lastPass = now;
        replica.Sweep();
        if (now >= _leasesDue)
        {
            _leasesDue = now + LeaseInterval;
            RevokeExpired(replica);
            space.Look();
            Compact(replica, now);
            replica.DescribeMembers();
            replica.CompareStates(now);
            replica.RetrySnapshot();
            replica.LookForLeader();
            ForgetRemoved(replica);
            WatchRecovery(replica, now);
        }

        if (now >= _watchesDue)
        {
            watches.OnTimer((long)now.TotalMilliseconds, now - _lastWatches);
            locks.OnTimer(now - _lastWatches);
            (_watchesDue, _lastWatches) = (now + WatchInterval, now);
        }

        if (now >= _publishDue) PublishAttributes(replica, now);
    }

    private void RevokeExpired(Replica replica)
    {
        ConsensusStatus status = replica.Status;   // before the leases: what they say is then at least as new as this term
        _expired.Clear();
        replica.Leases.CollectExpired(_expired);
        // With the incarnation: a client may revoke and grant the same id before this reaches the log.
        foreach ((long id, ulong incarnation) in _expired) replica.ProposeAsLeader(status.Term, CommandKind.LeaseRevoke, CommandBody.LeaseRevoke(id, incarnation));
    }

    private void Compact(Replica replica, TimeSpan now)
    {
        long revision = _compactor.Observe(now, replica.View.Revision);
        if (revision <= Math.Max(0, replica.View.CompactRevision) || !replica.IsLeader) return;
        replica.ProposeAsLeader(replica.Status.Term, CommandKind.Compact, CommandBody.Compact(revision));
    }

    /// <summary>Tells the cluster this member's name and client addresses, until it has heard them.</summary>
    private void PublishAttributes(Replica replica, TimeSpan now)
    {
        _publishDue = now + PublishRetryInterval;
        byte[] attributes = ClusterService.OwnAttributes(context.Options);
        if (replica.View.MemberAttributes.TryGetValue(context.Cluster.Self.Value, out ReadOnlyMemory<byte> known) && known.Span.SequenceEqual(attributes)) return;
        Forget(replica.Proposals.ProposeAsync(CommandKind.MemberAttributes, CommandBody.MemberAttributes(context.Cluster.Self.Value, attributes)));
    }

    /// <summary>What members said of themselves goes when they do: ids are never used again. So do their alarms, which nobody else would take back.</summary>
    private static void ForgetRemoved(Replica replica)
    {
        ConsensusStatus status = replica.Status;
        if (status.Role != Raft.RaftRole.Leader) return;
        Raft.Membership committed = replica.Members.Committed;   // before the view: who is in that and not in this has left
        foreach (ulong id in replica.View.MemberAttributes.Keys)
        {
            if (!committed.Includes(new Raft.NodeId(id)) && !replica.Members.Includes(new Raft.NodeId(id))) replica.ProposeAsLeader(status.Term, CommandKind.MemberAttributes, CommandBody.MemberAttributes(id, []));
        }

        // Only of who is known to have been a member: an operator may raise an alarm for any number.
        foreach (ActiveAlarm alarm in replica.View.Alarms)
        {
            if (replica.IsRemoved(new Raft.NodeId(alarm.MemberId))) replica.ProposeAsLeader(status.Term, CommandKind.Alarm, CommandBody.Alarm(activate: false, alarm.MemberId, alarm.Alarm));
        }
    }

    private void WatchRecovery(Replica replica, TimeSpan now)
    {
        Raft.EntryId lost = replica.LostEnd;
        ConsensusStatus status = replica.Status;
        if (!_recovery.IsDue(now, lost, status.Leader)) return;
        string awaited = lost.Index.Value == ulong.MaxValue ? $"an entry of a term after {lost.Term}" : $"entry {lost}, or one of a later term";
        string[] missing = [.. replica.Peers.All.Where(link => !link.IsUp).Select(link => replica.Members.NameOf(link.Peer))];
        Log.WaitingToRecover(logger, awaited, status.LastIndex, missing.Length == 0 ? "none" : string.Join(", ", missing));
    }

    /// <summary>Nobody waits for it: the next pass looks at the state, not at the answer.</summary>
    private static void Forget(ValueTask<ProposalResult> proposal) => _ = proposal.AsTask();
}
