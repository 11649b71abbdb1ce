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
    private ulong _origin;   // whose state this member was given since a majority last agreed with it; 0 for nobody's
    private volatile HeldReport? _held;
    private volatile bool _isUrgent;

    /// <summary>A report that waits for others, see <see cref="StateTrust.MayReport"/>.</summary>
    private sealed record HeldReport(ulong MarkIndex, ulong Hash);

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
        ReportHeld();
        if (!replica.IsLeader)
        {
            _schedule.OnFollowing(now);
            return;
        }

        if (_isUrgent) _schedule.Hurry();
        _isUrgent = false;
        StoreView view = replica.View;
        if (!_schedule.TryTake(now, view.Marks, IsAnythingNew(view))) return;
        ulong term = replica.Status.Term;
        replica.LookAtCore(core => Propose(core, term, view.Marks.Number + 1));
    }

    /// <summary>
    /// The log of a member ended before what it had acknowledged. Only this leader has seen it; a mark puts on record how far that member had come, and then everybody
    /// refuses it, whoever leads next. Any thread.
    /// </summary>
    public void OnLogReverted() => _isUrgent = true;

    /// <summary>A mark was applied, and this is the state just behind it. Hashes in the background; while it is at one, further marks pass.</summary>
    public void OnMarked(StoreView view)
    {
        ulong self = replica.Self.Value;
        if (view.Marks.Scheme != StoreView.StateHashScheme || !view.Marks.Members.ContainsKey(self)) return;
        lock (_gate)
        {
            if (!_hashing.IsCompleted) return;
            _hashing = Task.Run(() => OnHashed(view.Marks.Index, view.StateHash()));
        }
    }

    /// <summary>The state was replaced by a snapshot from that member. On the apply worker, so before any mark that follows on it.</summary>
    public void OnGivenState(NodeId origin) => Volatile.Write(ref _origin, origin.Value);

    public Task StopAsync()
    {
        lock (_gate) return _hashing;
    }

    private void OnHashed(ulong markIndex, ulong hash)
    {
        ulong origin = Volatile.Read(ref _origin);
        if (origin == 0 || StateTrust.MayReport(replica.View.Marks, replica.Self.Value, origin, hash)) Report(markIndex, hash);   // of no account if there is a newer mark
        else _held = new HeldReport(markIndex, hash);   // the passes see to it
    }

    private void ReportHeld()
    {
        ClusterMarks marks = replica.View.Marks;
        ulong self = replica.Self.Value, origin = Volatile.Read(ref _origin);
        // It was only reported when others said the same, or had agreed already: a majority that includes it is one without it, or with somebody who has the state from elsewhere.
        if (origin != 0 && marks.AgreedHash is { } agreed && marks.Members.TryGetValue(self, out MemberMark mine) && mine.Report == agreed)
            Interlocked.CompareExchange(ref _origin, 0, origin);
        if (_held is not { } held || held.MarkIndex > marks.Index) return;
        if (held.MarkIndex == marks.Index && !StateTrust.MayReport(marks, self, origin, held.Hash)) return;
        Interlocked.CompareExchange(ref _held, null, held);
        if (held.MarkIndex == marks.Index) Report(held.MarkIndex, held.Hash);
    }

    /// <summary>Nobody waits for it: when it is lost, the next mark comes.</summary>
    private void Report(ulong markIndex, ulong hash) =>
        _ = replica.Proposals.ProposeAsync(CommandKind.StateReport, CommandBody.StateReport(markIndex, replica.Self.Value, hash)).AsTask();

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
            ulong acknowledged = Math.Max(Math.Min(durable.Value, core.Commit.Value), replica.ObservedOf(id).Value);
            members.Add(new MarkedMember(id.Value, core.Membership.Voters.Contains(id), acknowledged));
        }

        replica.ProposeAsLeader(term, CommandKind.StateMark, CommandBody.StateMark(number, members.ToArray()));
    }
}
