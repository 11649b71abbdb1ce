using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>Clients that write and read, each one thing at a time, and remember what they were told.</summary>
/// <remarks>Tables are sorted before they are walked: the order of a hash table must not decide what happens next.</remarks>
internal sealed class ClientLoad(SimWorld world)
{
    private const long TimeoutUs = 3_000_000;

    private readonly Dictionary<(int Node, LogIndex Index), (Term Term, ulong Operation)> _appended = [];
    private readonly Dictionary<ulong, Write> _writes = []; // under way
    private readonly Dictionary<ulong, Read> _reads = []; // under way
    private readonly HashSet<ulong> _refused = []; // certainly never appended
    private Client[] _clients = [];
    private ulong _lastId;
    private LogIndex _acknowledged; // latest index that any client has seen, by a write or a read

    /// <summary>New work is taken up; off while the cluster heals.</summary>
    public bool Active { get; set; } = true;

    public int UnderWay => _writes.Count + _reads.Count;

    private sealed class Client
    {
        public required RandomStream Random;
        public int Node;
        public int Pending; // operations of the present turn
        public long Turn;
    }

    private readonly record struct Write(int Client, long Turn, int Node, int Attempts);

    private readonly record struct Read(int Client, long Turn, LogIndex AtLeast);

    public void Start()
    {
        _clients = new Client[world.Plan.Clients];
        for (int i = 0; i < _clients.Length; i++)
        {
            RandomStream random = world.Streams.Client(i);
            _clients[i] = new Client { Random = random, Node = random.Below(world.Nodes.Count) };
            world.After(random.Between(0, world.Plan.ThinkMaxUs), new SimEvent(SimEventKind.ClientTurn, -1, -1, i, null));
        }
    }

    public bool WasRefused(ulong operation) => _refused.Contains(operation);

    public void Turn(int number)
    {
        Client client = _clients[number];
        if (!Active || !world.Nodes[client.Node].IsUp)
        {
            client.Node = client.Random.Below(world.Nodes.Count);
            Next(number);
            return;
        }
        client.Turn++;
        bool write = client.Random.Permille(world.Plan.WritePermille);
        int burst = 1 + client.Random.Below(world.Plan.BurstMax);
        client.Pending = burst;
        SimNode node = world.Nodes[client.Node];
        if (write) Propose(node, number, burst);
        else
            for (int i = 0; i < burst; i++) StartRead(node, number);
        world.After(TimeoutUs, new SimEvent(SimEventKind.ClientTimeout, -1, -1, number, client.Turn));
    }

    /// <summary>One write at the node, whatever the clients do; its id.</summary>
    public ulong Probe(SimNode node)
    {
        ulong id = ++_lastId;
        _writes[id] = new Write(-1, 0, node.Slot, 0);
        node.Take(RaftInput.Propose(new[] { new Proposal(id, NodeMachine.Command(world, world.Streams.Client(-1), id)) }));
        return id;
    }

    /// <summary>One read at the node, whatever the clients do; its id.</summary>
    public ulong ProbeRead(SimNode node) => StartRead(node, -1);

    public bool IsUnderWay(ulong id) => _writes.ContainsKey(id) || _reads.ContainsKey(id);

    public void TimeOut(int number, long turn)
    {
        Client client = _clients[number];
        if (client.Turn != turn || client.Pending == 0) return;
        foreach ((ulong id, Write write) in _writes.Where(w => w.Value.Client == number).OrderBy(w => w.Key).ToList()) Forget(id, write);
        foreach ((ulong id, _) in _reads.Where(r => r.Value.Client == number).OrderBy(r => r.Key).ToList()) _reads.Remove(id);
        client.Pending = 0;
        client.Node = client.Random.Below(world.Nodes.Count);
        Next(number);
    }

    public void OnProposalVerdict(SimNode node, ProposalVerdict verdict)
    {
        if (verdict.Outcome == ProposalOutcome.Appended)
        {
            _appended[(node.Slot, verdict.Entry.Index)] = (verdict.Entry.Term, verdict.Id);
            return;
        }
        // A refusal is a promise: this operation will never appear in any log.
        _refused.Add(verdict.Id);
        if (!_writes.Remove(verdict.Id, out Write write)) return;
        if (write.Client < 0) return;
        Client client = _clients[write.Client];
        client.Node = verdict.Leader == NodeId.None ? client.Random.Below(world.Nodes.Count) : (int)verdict.Leader.Value - 1;
        Finish(write.Client, write.Turn);
    }

    public void OnApplied(SimNode node, in Entry entry)
    {
        if (!_appended.Remove((node.Slot, entry.Index), out (Term Term, ulong Operation) mine)) return;
        if (!_writes.Remove(mine.Operation, out Write write)) return; // given up meanwhile
        if (mine.Term != entry.Term)
        {
            Finish(write.Client, write.Turn); // somebody else's entry took the place
            return;
        }
        if (NodeMachine.OperationOf(world.Plan, entry) != mine.Operation) throw new SimulationFailure($"I13: {entry.Id} was given to operation {mine.Operation} and holds {NodeMachine.OperationOf(world.Plan, entry)}.");
        world.Statistics.WritesAcknowledged++;
        Saw(entry.Index);
        Finish(write.Client, write.Turn);
    }

    public void OnRoleChange(SimNode node, RoleChange change)
    {
        foreach (((int Node, LogIndex Index) place, (Term Term, ulong Operation) what) in _appended.Where(a => a.Key.Node == node.Slot).OrderBy(a => a.Key.Index).ToList())
        {
            if (change.Role == RaftRole.Leader && change.Term == what.Term) continue;
            _appended.Remove(place);
            if (_writes.TryGetValue(what.Operation, out Write write)) Forget(what.Operation, write);
        }
    }

    public void OnNodeGone(SimNode node)
    {
        foreach ((int Node, LogIndex Index) place in _appended.Keys.Where(k => k.Node == node.Slot).ToList()) _appended.Remove(place);
        foreach ((ulong id, Write write) in _writes.Where(w => w.Value.Node == node.Slot).OrderBy(w => w.Key).ToList()) Forget(id, write);
    }

    public void OnReadRefused(ulong id)
    {
        world.Statistics.ReadsRefused++;
        if (_reads.Remove(id, out Read read)) Finish(read.Client, read.Turn);
    }

    /// <summary>The state that is read equals the state of every node at that index, so the read is right exactly if the index is late enough.</summary>
    public void OnReadServed(SimNode node, ReadVerdict verdict)
    {
        if (!_reads.Remove(verdict.ReadId, out Read read)) return;
        LogIndex served = node.Machine.Applied.Index;
        if (served < read.AtLeast)
            throw new SimulationFailure($"I14: {node.Id} served a read at index {served} that began after a client had seen {read.AtLeast}.");
        world.Statistics.ReadsServed++;
        Saw(served);
        Finish(read.Client, read.Turn);
    }

    private void Propose(SimNode node, int client, int burst)
    {
        var batch = new Proposal[burst];
        for (int i = 0; i < burst; i++)
        {
            ulong id = ++_lastId;
            _writes[id] = new Write(client, _clients[client].Turn, node.Slot, 0);
            batch[i] = new Proposal(id, NodeMachine.Command(world, _clients[client].Random, id));
        }
        node.Take(RaftInput.Propose(batch));
    }

    private ulong StartRead(SimNode node, int client)
    {
        ulong id = ++_lastId;
        _reads[id] = new Read(client, client < 0 ? 0 : _clients[client].Turn, _acknowledged);
        node.Take(RaftInput.Read(id));
        return id;
    }

    private void Saw(LogIndex index) => _acknowledged = LogIndex.Max(_acknowledged, index);

    /// <summary>Its end is unknown: it may be committed one day, once, or never.</summary>
    private void Forget(ulong id, Write write)
    {
        _writes.Remove(id);
        world.Statistics.WritesUnknown++;
        Finish(write.Client, write.Turn);
    }

    private void Finish(int number, long turn)
    {
        if (number < 0) return;
        Client client = _clients[number];
        if (client.Turn != turn || client.Pending == 0 || --client.Pending > 0) return;
        if (client.Random.Below(8) == 0) client.Node = client.Random.Below(world.Nodes.Count);
        Next(number);
    }

    private void Next(int number) => world.After(_clients[number].Random.Between(1, world.Plan.ThinkMaxUs), new SimEvent(SimEventKind.ClientTurn, -1, -1, number, null));
}
