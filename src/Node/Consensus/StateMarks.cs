using Conclave.Raft;
using Conclave.Store;

namespace Conclave.Node.Consensus;

/// <summary>Lets members compare their states: the leader puts marks into the log, and each member hashes its state at the mark and reports the hash.</summary>
/// <param name="replica">This member.</param>
/// <param name="interval">From mark to mark; zero for none.</param>
internal sealed class StateMarks(Replica replica, TimeSpan interval)
{
    private readonly MarkSchedule _schedule = new(interval);
    private readonly Lock _gate = new();
    private Task _hashing = Task.CompletedTask;

    /// <summary>
    /// What a member loaded when it started has been compared with nobody's, and in a quiet cluster nothing would lead to a mark. A report on no mark
    /// changes nothing and is an entry like any other, so the next mark comes when it is due.
    /// </summary>
    private readonly Announcement _start = new(() =>
        replica.Proposals.ProposeAsync(CommandKind.StateReport, CommandBody.StateReport(markIndex: 0, replica.Self.Value, hash: 0)).AsTask());

    /// <summary>Proposes the next mark when it is time. Called a few times a second.</summary>
    /// <param name="now">Time since the start of the node.</param>
    public void Pass(TimeSpan now)
    {
        if (interval == TimeSpan.Zero || replica.Members.Others().IsEmpty) return;
        if (replica.Status.Leader != NodeId.None) _start.Pass();
        if (!replica.IsLeader)
        {
            _schedule.OnFollowing(now);
            return;
        }

        StoreView view = replica.View;
        if (!_schedule.TryTake(now, view.Marks, IsAnythingNew(view))) return;
        ulong term = replica.Status.Term;
        replica.LookAtCore(core => Propose(core, term, view.Marks.Number + 1));
    }

    /// <summary>A mark was applied, and this is the state just behind it. Hashes in the background; while it is at one, further marks pass.</summary>
    public void OnMarked(StoreView view)
    {
        ulong self = replica.Self.Value;
        if (view.Marks.Scheme != StoreView.StateHashScheme || !view.Marks.Members.ContainsKey(self)) return;
        lock (_gate)
        {
            if (!_hashing.IsCompleted) return;
            // Nobody waits for the report: when it is lost, the next mark comes.
            _hashing = Task.Run(() => _ = replica.Proposals.ProposeAsync(CommandKind.StateReport, CommandBody.StateReport(view.Marks.Index, self, view.StateHash())).AsTask());
        }
    }

    public Task StopAsync()
    {
        lock (_gate) return _hashing;
    }

    /// <summary>Reports are entries too: a quiet cluster is not to mark its own marks.</summary>
    private static bool IsAnythingNew(StoreView view) =>
        view.AppliedIndex > view.Marks.Index + (ulong)view.Marks.Members.Values.Count(member => member.Report is not null);

    private void Propose(RaftCore core, ulong term, ulong number)
    {
        // Voters of two configurations cannot be counted as one.
        if (core.Role != RaftRole.Leader || core.Term.Value != term || core.Membership.IsJoint) return;
        var peers = new List<PeerStatus>();
        core.CopyPeers(peers);
        List<MarkedMember> members = [];
        foreach (NodeId id in core.Membership.Members())
        {
            LogIndex durable = id == replica.Self ? core.Durable : peers.Find(peer => peer.Node == id).Match;
            // What is not committed yet may still be taken back, in order; nobody is to be blamed for it.
            members.Add(new MarkedMember(id.Value, core.Membership.Voters.Contains(id), Math.Min(durable.Value, core.Commit.Value)));
        }

        replica.ProposeAsLeader(term, CommandKind.StateMark, CommandBody.StateMark(number, members.ToArray()));
    }
}
