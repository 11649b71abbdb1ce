namespace Conclave.Raft.Tests;

/// <summary>A few nodes and a network that delivers in order, at once, unless a link is cut.</summary>
internal sealed class TestCluster
{
    private readonly Dictionary<NodeId, TestNode> _nodes = [];
    private readonly HashSet<(NodeId From, NodeId To)> _cut = [];
    private readonly HashSet<NodeId> _down = [];
    private readonly Func<RaftOptions, RaftOptions>? _change;
    private readonly CoreFaults _faults;

    public TestCluster(int size, Func<RaftOptions, RaftOptions>? change = null, CoreFaults faults = CoreFaults.None)
    {
        (_change, _faults) = (change, faults);
        Membership = Membership.Of([.. Enumerable.Range(1, size).Select(i => new NodeId((ulong)i))]);
        foreach (NodeId id in Membership.Voters) _nodes[id] = new TestNode(TestNode.OptionsFor(id.Value, change), Membership, faults);
    }

    /// <summary>Nodes with these logs, as <see cref="TestNode.Terms"/> draws them, in the term of the newest entry.</summary>
    public static TestCluster WithLogs(params string[] logs)
    {
        var cluster = new TestCluster(logs.Length);
        for (int i = 0; i < logs.Length; i++)
        {
            List<Entry> entries = TestNode.LogOf(logs[i]);
            Term term = entries.Count == 0 ? default : entries[^1].Term;
            var id = new NodeId((ulong)i + 1);
            cluster._nodes[id] = new TestNode(TestNode.OptionsFor(id.Value),
                new RecoveredState { HardState = new HardState(term, NodeId.None), Bootstrap = cluster.Membership, Entries = entries });
        }
        return cluster;
    }

    public Membership Membership { get; }
    public IEnumerable<TestNode> Nodes => _nodes.Values;
    public TestNode this[ulong id] => _nodes[new NodeId(id)];
    public TestNode? Leader => _nodes.Values.Where(n => n.Core.Role == RaftRole.Leader && !_down.Contains(n.Id)).MaxBy(n => n.Core.Term);

    /// <summary>What the network lost, for tests that deliver it later.</summary>
    public List<Message> Lost { get; } = [];

    public void Cut(ulong from, ulong to) => _cut.Add((new NodeId(from), new NodeId(to)));

    public void Isolate(ulong id)
    {
        foreach (NodeId other in _nodes.Keys)
        {
            if (other.Value == id) continue;
            Cut(id, other.Value);
            Cut(other.Value, id);
        }
    }

    public void Heal() => _cut.Clear();

    /// <summary>The process dies: nothing unsynced survives, and nothing reaches or leaves it.</summary>
    public void Kill(ulong id, bool linksNotice = false)
    {
        var dead = new NodeId(id);
        _down.Add(dead);
        this[id].Sent.Clear();
        if (!linksNotice) return;
        foreach (TestNode node in Up()) node.Step(RaftInput.LinkDown(dead));
    }

    public TestNode Restart(ulong id, EntryId lostEnd = default)
    {
        var node = new NodeId(id);
        _down.Remove(node);
        return _nodes[node] = _nodes[node].Restart(lostEnd);
    }

    /// <summary>A connection between the two is made anew; both sides notice.</summary>
    public void Relink(ulong a, ulong b)
    {
        this[a].Step(RaftInput.LinkUp(new NodeId(b)));
        this[b].Step(RaftInput.LinkUp(new NodeId(a)));
    }

    /// <summary>A node with an empty disk that knows no members: it waits for a leader to bring it the log.</summary>
    public TestNode Join(ulong id)
    {
        _down.Remove(new NodeId(id));
        return _nodes[new NodeId(id)] = new TestNode(TestNode.OptionsFor(id, _change), new Membership(), _faults);
    }

    /// <summary>The other followers stop hearing their leader, and the node alone gets time until it asks for votes; then everything runs to its end.</summary>
    public TestNode Elect(ulong id)
    {
        StartCampaign(id);
        Run();
        Assert.Equal(RaftRole.Leader, this[id].Core.Role);
        return this[id];
    }

    /// <summary>As <see cref="Elect"/>, up to the moment when the pre-vote requests are ready to leave.</summary>
    public TestNode StartCampaign(ulong id)
    {
        TestNode node = this[id];
        foreach (TestNode other in Up())
            if (other != node && other.Core.Role == RaftRole.Follower) other.Step(RaftInput.LinkDown(other.Core.Leader));
        for (int i = 0; i < 2 * node.Options.ElectionTimeoutTicks && node.Core.Role == RaftRole.Follower; i++) node.Tick();
        return node;
    }

    /// <summary>Delivers and syncs until nothing moves.</summary>
    public void Run(int roundsMax = 1000, bool sync = true)
    {
        for (int round = 0; round < roundsMax; round++)
        {
            bool moved = false;
            foreach (TestNode node in Up())
            {
                if (sync && node.Sync()) moved = true;
                moved |= Deliver(node);
            }
            if (!moved) return;
        }
        Assert.Fail("The cluster never comes to rest.");
    }

    /// <summary>Ticks everybody once and runs, <paramref name="ticks"/> times.</summary>
    public void RunTicks(int ticks)
    {
        for (int i = 0; i < ticks; i++)
        {
            foreach (TestNode node in Up()) node.Tick();
            Run();
        }
    }

    public bool RunTicksUntil(Func<bool> condition, int ticksMax)
    {
        for (int i = 0; i < ticksMax && !condition(); i++) RunTicks(1);
        return condition();
    }

    public List<TestNode> Up() => [.. _nodes.Values.Where(n => !_down.Contains(n.Id))];

    private bool Deliver(TestNode node)
    {
        if (node.Sent.Count == 0) return false;
        Message[] messages = [.. node.Sent];
        node.Sent.Clear();
        foreach (Message message in messages)
        {
            if (_cut.Contains((message.From, message.To)) || _down.Contains(message.To) || !_nodes.ContainsKey(message.To)) Lost.Add(message);
            else _nodes[message.To].Receive(message);
        }
        return true;
    }
}
