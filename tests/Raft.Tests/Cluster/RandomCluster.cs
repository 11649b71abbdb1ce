namespace Conclave.Raft.Tests;

/// <summary>
/// A cluster that lives through whatever a seed makes up: messages lost, doubled and out of order, crashes, damaged disks, snapshots, and members
/// that come and go. Checks after every step what must never happen.
/// </summary>
internal sealed class RandomCluster
{
    private const int MembersMax = 6;

    private enum Event { Tick, Deliver, Sync, Settle, Propose, Read, Change, Transfer, Crash, Restart, Snapshot, Stream, Link, Damage, Partition, Join }

    private readonly Random _random;
    private readonly CoreFaults _faults;
    private readonly SortedDictionary<NodeId, TestNode> _nodes = [];
    private readonly HashSet<NodeId> _down = [];
    private readonly List<Message> _network = [];
    private readonly HashSet<(NodeId From, NodeId To)> _cut = [];
    private readonly int[] _weights = [60, 60, 25, 7, 13, 7, 6, 3, 3, 6, 3, 3, 2, 2, 2, 4]; // of the events, in their order
    private readonly List<(NodeId From, NodeId To, Term Term, SnapshotId Id)> _streams = [];
    private readonly Dictionary<NodeId, (int Committed, int Reads, int Wanted)> _seen = [];
    private readonly Dictionary<ulong, (ulong Least, NodeId Node)> _reads = []; // by id: what a read must see
    private readonly Membership _bootstrap;
    private readonly bool _canDamage;
    private byte _payload;
    private ulong _readId;

    public RandomCluster(int seed, CoreFaults faults = CoreFaults.None, int size = 3)
    {
        (_random, _faults) = (new Random(seed), faults);
        _bootstrap = Membership.Of([.. Enumerable.Range(1, size).Select(i => new NodeId((ulong)i))]);
        foreach (NodeId id in _bootstrap.Voters) Add(id, _bootstrap);
        // Where two voters need each other, the other cannot be elected without this one's vote, nor this one get back what the vote depends on.
        _canDamage = size >= 3 && seed % 3 > 0;
        // Every run has its own taste: what is rare in all of them would never happen several times in one.
        for (int i = 0; i < _weights.Length; i++)
            _weights[i] = _random.Next(4) switch { 0 => _weights[i] / 4, 1 => _weights[i] * 3, _ => _weights[i] };
    }

    public SafetyCheck Check { get; } = new();
    public int MembershipsCommitted => Check.Committed.Count(e => e.Kind == EntryKind.Membership);
    public int Damages { get; private set; }
    public IEnumerable<TestNode> Nodes => _nodes.Values;

    public void Run(int steps)
    {
        for (int i = 0; i < steps; i++) Disturb();
    }

    /// <summary>Everything works from here on. True when the members agree, nothing is halfway, and a new proposal is committed everywhere.</summary>
    public bool Heals(int ticks = 250)
    {
        _streams.Clear();
        _cut.Clear();
        foreach (NodeId id in _down.ToArray()) Restart(id, relink: true);
        foreach (NodeId a in _nodes.Keys)
            foreach (NodeId b in _nodes.Keys)
                if (a != b) Step(a, RaftInput.LinkUp(b));
        Calm(ticks);
        // A node that knows only the term of what it lost waits for an entry of a later one.
        if (_nodes.Values.Any(n => n.Core.IsRecovering) && Leader is { } old)
            Step(old.Id, RaftInput.Transfer(old.Core.Membership.Voters.FirstOrDefault(id => id != old.Id && !_nodes[id].Core.IsRecovering)));
        Calm(30);
        if (Leader is not { } leader) return false;
        Step(leader.Id, RaftInput.Propose(new[] { new Proposal(1, new[] { ++_payload }) }));
        Calm(20);
        Membership membership = leader.Core.Membership;
        return !membership.IsJoint && leader.Core.Commit == leader.Core.LastEntry.Index
            && membership.Members().All(id => _nodes[id].Core.Commit == leader.Core.Commit && _nodes[id].Core.Membership == membership && !_nodes[id].Core.IsRecovering);
    }

    public override string ToString() => string.Join('\n', _nodes.Values.Select(n =>
        $"{n.Id}: {n.Core.Role} of {n.Core.Term} under {n.Core.Leader}, log {n.Core.LogBase}..{n.Core.LastEntry} durable {n.Core.Durable} commit {n.Core.Commit}"
        + (n.Core.IsRecovering ? $" lost {n.StillLost}" : "") + $"; voters {Show(n.Core.Membership.Voters)} leaving {Show(n.Core.Membership.VotersOutgoing)}"
        + $" learners {Show(n.Core.Membership.Learners)} joining {Show(n.Core.Membership.Joining)}"));

    private static string Show(IEnumerable<NodeId> nodes) => $"[{string.Join(' ', nodes)}]";

    private TestNode? Leader => Up().Where(n => n.Core.Role == RaftRole.Leader).MaxBy(n => n.Core.Term);

    private List<TestNode> Up() => [.. _nodes.Values.Where(n => !_down.Contains(n.Id))];

    private void Calm(int ticks)
    {
        for (int i = 0; i < ticks; i++)
        {
            foreach (NodeId id in _nodes.Keys) Step(id, RaftInput.Tick());
            for (int round = 0; round < 6; round++) Settle();
        }
    }

    private void Disturb()
    {
        List<TestNode> up = Up();
        TestNode node = up[_random.Next(up.Count)];
        switch (Draw())
        {
            case Event.Tick: Step(node.Id, RaftInput.Tick()); break;
            case Event.Deliver: DeliverOne(); break;
            case Event.Sync: Sync(node); break;
            case Event.Settle: for (int i = 0; i < 3; i++) Settle(); break;
            case Event.Propose: Step((_random.Next(4) > 0 ? Leader ?? node : node).Id, RaftInput.Propose(new[] { new Proposal(1, new[] { ++_payload }) })); break;
            case Event.Read: Read(node); break;
            case Event.Change: Change(Leader ?? node); break;
            case Event.Transfer: Step((Leader ?? node).Id, RaftInput.Transfer(_random.Next(2) == 0 ? NodeId.None : up[_random.Next(up.Count)].Id)); break;
            case Event.Crash: Crash(node); break;
            case Event.Restart: if (_down.Count > 0) Restart(_down.Order().ElementAt(_random.Next(_down.Count)), relink: _random.Next(3) > 0); break;
            case Event.Snapshot: TakeSnapshot(node); break;
            case Event.Stream: FinishStream(); break;
            case Event.Link: Relink(node.Id, up[_random.Next(up.Count)].Id, isUp: _random.Next(2) == 0); break;
            case Event.Damage: Damage(node); break;
            case Event.Partition: Partition(); break;
            case Event.Join: _cut.Clear(); break;
            default: throw new InvalidOperationException("An event has no handler.");
        }
    }

    private Event Draw()
    {
        int at = _random.Next(_weights.Sum());
        int which = 0;
        while (at >= _weights[which]) at -= _weights[which++];
        return (Event)which;
    }

    /// <summary>Some nodes hear nothing of some others, one way or both.</summary>
    private void Partition()
    {
        _cut.Clear();
        int group = _random.Next(1, 1 << _nodes.Count);
        bool oneWay = _random.Next(4) == 0;
        foreach (NodeId a in _nodes.Keys)
            foreach (NodeId b in _nodes.Keys)
                if ((group >> (int)a.Value - 1 & 1) > (group >> (int)b.Value - 1 & 1))
                {
                    _cut.Add((a, b));
                    if (!oneWay) _cut.Add((b, a));
                }
    }

    private void Add(NodeId id, Membership bootstrap)
    {
        var options = new RaftOptions
        {
            Self = id,
            Seed = (ulong)_random.NextInt64(),
            ElectionTimeoutTicks = 10,
            HeartbeatTicks = 2,
            ReadTimeoutTicks = 40,
            DiskStallTicks = 30,
            SnapshotTrailingEntries = 2,
            AppendBytesMax = 3,
            InflightCountMax = 3,
            CampaignDelayTicks = id.Value == 1 ? 3 : 0,
        };
        _nodes[id] = new TestNode(options, bootstrap, _faults);
    }

    private void Step(NodeId id, RaftInput input)
    {
        TestNode node = _nodes[id];
        node.Step(input);
        Collect(node);
    }

    /// <summary>Takes out what the node said and committed, and checks it.</summary>
    private void Collect(TestNode node)
    {
        _network.AddRange(node.Sent);
        node.Sent.Clear();
        (int committed, int reads, int wanted) = _seen.GetValueOrDefault(node.Id);
        for (; committed < node.Committed.Count; committed++) Check.OnCommitted(node, node.Committed[committed]);
        for (; reads < node.Reads.Count; reads++)
        {
            ReadVerdict verdict = node.Reads[reads];
            if (_reads.Remove(verdict.ReadId, out var read) && verdict.Outcome == ReadOutcome.Ready) Check.OnRead(node, verdict.Index, read.Least);
        }
        for (; wanted < node.SnapshotsWanted.Count; wanted++)
            if (node.Core.Snapshot is { } snapshot) _streams.Add((node.Id, node.SnapshotsWanted[wanted], node.Core.Term, snapshot));
        _seen[node.Id] = (committed, reads, wanted);
        Check.OnState(node);
        if (node.Core.Applied < node.Core.Commit && node.Installing is null) node.Step(RaftInput.Applied(node.Core.Commit));
    }

    private void Sync(TestNode node)
    {
        if (node.Unsynced.Count == 0) return;
        IoTicket ticket = node.SyncSilently(_random.Next(node.Unsynced.Count) + 1);
        Step(node.Id, RaftInput.Persisted(ticket));
    }

    private void DeliverOne()
    {
        if (_network.Count == 0) return;
        int at = _random.Next(Math.Min(_network.Count, 12));
        Message message = _network[at];
        if (_random.Next(20) > 0) _network.RemoveAt(at); // else it comes again
        if (_random.Next(12) > 0) Deliver(message);
    }

    private void Deliver(Message message)
    {
        if (!_down.Contains(message.To) && _nodes.ContainsKey(message.To) && !_cut.Contains((message.From, message.To))) Step(message.To, RaftInput.Received(message));
    }

    /// <summary>Everybody's disk is quick and everything on its way arrives.</summary>
    private void Settle()
    {
        foreach (TestNode node in Up())
            while (node.Unsynced.Count > 0) Sync(node);
        Message[] messages = [.. _network];
        _network.Clear();
        foreach (Message message in messages) Deliver(message);
        while (_streams.Count > 0) FinishStream();
    }

    private void Read(TestNode node)
    {
        _reads[++_readId] = ((ulong)Check.Committed.Count, node.Id);
        Step(node.Id, RaftInput.Read(_readId));
    }

    private void Change(TestNode node)
    {
        Membership now = node.Core.Membership;
        if (now.Members().Length == 0) return;
        NodeId member = now.Members()[_random.Next(now.Members().Length)];
        (MembershipChangeKind kind, NodeId id) = _random.Next(5) switch
        {
            0 or 1 when _nodes.Count < MembersMax => (_random.Next(3) > 0 ? MembershipChangeKind.AddVoter : MembershipChangeKind.AddLearner, new NodeId((ulong)_nodes.Count + 1)),
            2 when now.Learners.Length > 0 => (MembershipChangeKind.Promote, now.Learners[_random.Next(now.Learners.Length)]),
            3 => (MembershipChangeKind.Describe, NodeId.None),
            _ => (MembershipChangeKind.Remove, member),
        };
        if (kind == MembershipChangeKind.Remove && now.Voters.Length <= (_canDamage ? 3 : 1)) return;
        if (!_nodes.ContainsKey(id) && id != NodeId.None) Add(id, new Membership());
        MemberInfo[] infos = kind == MembershipChangeKind.Describe ? [new MemberInfo(member, new[] { ++_payload })] : [];
        Step(node.Id, RaftInput.ChangeMembership(1, new MembershipChange(kind, id, [.. infos])));
    }

    private void Crash(TestNode node)
    {
        _down.Add(node.Id);
        foreach (ulong id in _reads.Where(r => r.Value.Node == node.Id).Select(r => r.Key).ToArray()) _reads.Remove(id);
        if (_down.Count == _nodes.Count) Restart(node.Id, relink: true);
    }

    private void Restart(NodeId id, bool relink, EntryId lostEnd = default)
    {
        _down.Remove(id);
        _seen.Remove(id);
        _nodes[id] = _nodes[id].Restart(lostEnd == EntryId.Zero ? _nodes[id].StillLost : lostEnd);
        Collect(_nodes[id]);
        if (!relink) return;
        foreach (NodeId other in _nodes.Keys)
            if (other != id) Relink(id, other, isUp: !_down.Contains(other));
    }

    private void Relink(NodeId a, NodeId b, bool isUp)
    {
        if (a == b) return;
        // What was on its way over the old connection is gone; answers that were already taken from it are not.
        if (_random.Next(2) == 0) _network.RemoveAll(m => (m.From == a && m.To == b) || (m.From == b && m.To == a));
        if (!_down.Contains(a)) Step(a, isUp ? RaftInput.LinkUp(b) : RaftInput.LinkDown(b));
        if (!_down.Contains(b)) Step(b, isUp ? RaftInput.LinkUp(a) : RaftInput.LinkDown(a));
    }

    /// <summary>One disk at a time loses its end and says so: two at once could lose what only they hold.</summary>
    private void Damage(TestNode node)
    {
        if (_nodes.Values.Any(n => n.Core.IsRecovering) || node.DiskEntries.Count == 0) return;
        if (node.Installing is not null || !_canDamage) return;
        EntryId last = node.DiskEntries[^1].Id;
        ulong keep = node.DiskSnapshot?.Last.Index.Value ?? 0;
        ulong after = keep + (ulong)_random.NextInt64((long)(last.Index.Value - Math.Min(keep, last.Index.Value)) + 1);
        if (after >= last.Index.Value) return;
        node.LoseAfter(after);
        Damages++;
        Restart(node.Id, relink: true, _random.Next(4) == 0 ? last with { Index = new LogIndex(ulong.MaxValue) } : last);
    }

    private void TakeSnapshot(TestNode node)
    {
        LogIndex applied = node.Core.Applied;
        if (applied <= node.Core.LogBase.Index || node.Installing is not null) return;
        Membership? committed = Check.MembershipAt(applied, node.Bootstrap.Voters.Length > 0 ? node.Bootstrap : null);
        if (committed is null) return;
        var id = new SnapshotId(node.Core.Log.IdAt(applied), committed);
        node.DiskSnapshot = id;
        // The disk's log must reach the snapshot, or a restart would have to reset it: what a driver does first, this one avoids.
        while (node.Unsynced.Count > 0) Sync(node);
        Step(node.Id, RaftInput.SnapshotTaken(id));
    }

    private void FinishStream()
    {
        if (_streams.Count == 0) return;
        int at = _random.Next(_streams.Count);
        (NodeId from, NodeId to, Term term, SnapshotId id) = _streams[at];
        _streams.RemoveAt(at);
        bool arrives = _nodes.ContainsKey(to) && !_down.Contains(to) && _random.Next(4) > 0;
        if (arrives)
        {
            Step(to, RaftInput.SnapshotReceived(from, term, id));
            if (_nodes[to].Installing is not null)
            {
                if (_random.Next(2) == 0) for (int i = 0; i < 5; i++) DeliverOne();
                _nodes[to].InstallSnapshot();
                Collect(_nodes[to]);
            }
        }
        if (!_down.Contains(from)) Step(from, RaftInput.SnapshotSendFinished(to, arrives));
    }
}
