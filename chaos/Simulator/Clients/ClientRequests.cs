using Conclave.Raft;
using Conclave.Store;

namespace Conclave.Simulator;

internal enum WriteEnd
{
    /// <summary>Applied; the answer is known.</summary>
    Acknowledged,

    /// <summary>Certainly never appended anywhere.</summary>
    Refused,

    /// <summary>Committed one day, once, or never.</summary>
    Unknown,
}

/// <summary>What a client was told about its write.</summary>
/// <param name="End">Which of the three.</param>
/// <param name="Index">Where it was applied, when acknowledged.</param>
/// <param name="Outcome">The store's answer, when acknowledged by a store.</param>
/// <param name="Leader">Who to ask instead, when refused and known.</param>
internal readonly record struct WriteResult(WriteEnd End, LogIndex Index, ApplyOutcome Outcome, NodeId Leader);

/// <summary>The requests of all clients that are under way, and what their nodes tell them: the part of a driver that pairs calls with entries.</summary>
/// <remarks>Tables are sorted before they are walked: the order of a hash table must not decide what happens next.</remarks>
internal sealed class ClientRequests(SimWorld world)
{
    private const long TimeoutUs = 3_000_000;
    private const int LargeMax = 3;

    private readonly Dictionary<(int Node, LogIndex Index), (Term Term, ulong Operation)> _appended = [];
    private readonly Dictionary<ulong, Write> _writes = []; // under way
    private readonly Dictionary<ulong, Read> _reads = []; // under way
    private readonly Dictionary<ulong, StoreRequest> _requests = []; // all there ever were, for the oracle
    private readonly HashSet<ulong> _refused = [];
    private ulong _lastId;
    private int _large;
    private LogIndex _acknowledged; // latest index that any client has seen, by a write or a read

    private readonly record struct Write(int Node, byte[] Payload, Action<WriteResult>? Done);

    private readonly record struct Read(int Node, LogIndex AtLeast, Action<SimNode?>? Done);

    /// <summary>How long a value is: mostly little, and a few times in a run as much as a proposal may hold.</summary>
    public int DrawValueBytes(RandomStream random)
    {
        int bytes = random.Below(world.Plan.ValueBytesMax);
        if (world.Plan.LargeValueBytes == 0 || _large == LargeMax || random.Below(50) > 0) return bytes;
        _large++;
        return world.Plan.LargeValueBytes;
    }

    public int UnderWay => _writes.Count + _reads.Count;

    public bool IsUnderWay(ulong id) => _writes.ContainsKey(id) || _reads.ContainsKey(id);

    public bool WasRefused(ulong operation) => _refused.Contains(operation);

    /// <summary>What an operation asks of the store; null for registers, and for entries that are no commands.</summary>
    public StoreRequest? RequestOf(ulong operation) => _requests.GetValueOrDefault(operation);

    /// <summary>A proposal with a number of its own.</summary>
    /// <param name="random">The client's.</param>
    /// <param name="draw">Makes the request from the number; null for one at random.</param>
    public Proposal Create(RandomStream random, Func<ulong, StoreRequest>? draw = null)
    {
        ulong id = ++_lastId;
        if (!world.Plan.RealStore) return new Proposal(id, RegisterMachine.Command(id, random.Below(RegisterMachine.Registers), DrawValueBytes(random)));
        StoreRequest request = _requests[id] = draw?.Invoke(id) ?? StoreCommands.Draw(world, random, id);
        return new Proposal(id, Store.Command.Encode(request.Kind, origin: 0, id, request.Body(), request.Session));
    }

    /// <summary>Sends writes to a node, in one batch.</summary>
    /// <param name="node">Up.</param>
    /// <param name="batch">From <see cref="Create"/>.</param>
    /// <param name="done">Called once for each.</param>
    public void Send(SimNode node, Proposal[] batch, Action<WriteResult>? done)
    {
        foreach (Proposal proposal in batch) _writes[proposal.Id] = new Write(node.Slot, proposal.Payload.ToArray(), done);
        node.Take(RaftInput.Propose(batch));
        world.Call(TimeoutUs, () =>
        {
            foreach (Proposal proposal in batch) End(proposal.Id, new WriteResult(WriteEnd.Unknown, default, default, default));
        });
    }

    /// <summary>Asks for a linearizable read.</summary>
    /// <param name="node">Up.</param>
    /// <param name="done">Called once: with the node when its state may be read now, with null when there will be no answer.</param>
    public ulong SendRead(SimNode node, Action<SimNode?>? done)
    {
        ulong id = ++_lastId;
        _reads[id] = new Read(node.Slot, _acknowledged, done);
        if (world.Has(DriverFaults.ReadLocally)) node.ServeSoon(new ReadVerdict(id, ReadOutcome.Ready, LogIndex.Zero));
        else node.Take(RaftInput.Read(id));
        world.Call(TimeoutUs, () => EndRead(id, null));
        return id;
    }

    public void OnProposalVerdict(SimNode node, ProposalVerdict verdict)
    {
        if (verdict.Outcome != ProposalOutcome.Appended)
        {
            // A refusal is a promise: this operation will never appear in any log.
            _refused.Add(verdict.Id);
            End(verdict.Id, new WriteResult(WriteEnd.Refused, default, default, verdict.Leader));
            return;
        }
        _appended[(node.Slot, verdict.Entry.Index)] = (verdict.Entry.Term, verdict.Id);
        if (world.Has(DriverFaults.AckWhenAppended)) Acknowledge(node, verdict.Entry.Index, verdict.Id);
    }

    public void OnApplied(SimNode node, in Entry entry)
    {
        if (!_appended.Remove((node.Slot, entry.Index), out (Term Term, ulong Operation) mine)) return;
        if (mine.Term != entry.Term && !world.Has(DriverFaults.AckByIndexAlone))
            End(mine.Operation, new WriteResult(WriteEnd.Unknown, default, default, default)); // somebody else's entry took the place
        else
            Acknowledge(node, entry.Index, mine.Operation);
    }

    public void OnRoleChange(SimNode node, RoleChange change)
    {
        if (world.Has(DriverFaults.AckByIndexAlone)) return; // whatever comes out at that index, under whichever leader
        foreach (((int Node, LogIndex Index) place, (Term Term, ulong Operation) what) in _appended.Where(a => a.Key.Node == node.Slot).OrderBy(a => a.Key.Index).ToList())
        {
            if (change.Role == RaftRole.Leader && change.Term == what.Term) continue;
            _appended.Remove(place);
            if (world.Has(DriverFaults.RefuseWhatWasAppended))
            {
                _refused.Add(what.Operation);
                End(what.Operation, new WriteResult(WriteEnd.Refused, default, default, default));
            }
            else if (world.Has(DriverFaults.ResendUnknown) && _writes.TryGetValue(what.Operation, out Write write))
            {
                node.Take(RaftInput.Propose(new[] { new Proposal(what.Operation, write.Payload) }));
            }
            else
            {
                End(what.Operation, new WriteResult(WriteEnd.Unknown, default, default, default));
            }
        }
    }

    public void OnNodeGone(SimNode node)
    {
        foreach ((int Node, LogIndex Index) place in _appended.Keys.Where(k => k.Node == node.Slot).ToList()) _appended.Remove(place);
        foreach (ulong id in _writes.Where(w => w.Value.Node == node.Slot).Select(w => w.Key).Order().ToList()) End(id, new WriteResult(WriteEnd.Unknown, default, default, default));
        foreach (ulong id in _reads.Where(r => r.Value.Node == node.Slot).Select(r => r.Key).Order().ToList()) EndRead(id, null);
    }

    public void OnReadRefused(ulong id)
    {
        world.Statistics.ReadsRefused++;
        EndRead(id, null);
    }

    /// <summary>The state that is read equals the state of every node at that index, so the read is right exactly if the index is late enough.</summary>
    public void OnReadServed(SimNode node, ReadVerdict verdict)
    {
        if (!_reads.TryGetValue(verdict.ReadId, out Read read)) return;
        LogIndex served = node.Machine.Applied.Index;
        if (served < read.AtLeast)
            throw new SimulationFailure($"I14: {node.Id} served a read at index {served} that began after a client had seen {read.AtLeast}.");
        world.Statistics.ReadsServed++;
        Saw(served);
        world.Checker.Contents?.OnReadServed(node);
        EndRead(verdict.ReadId, node);
    }

    private void Acknowledge(SimNode node, LogIndex index, ulong operation)
    {
        if (!_writes.TryGetValue(operation, out Write write)) return; // given up meanwhile
        CommittedLog committed = world.Checker.Committed;
        if (index > committed.Last) throw new SimulationFailure($"I13: operation {operation} is acknowledged at {index}, and only {committed.Last} is committed.");
        if (committed[index].Operation != operation)
            throw new SimulationFailure($"I13: operation {operation} is acknowledged at {committed[index].Id}, which holds {committed[index].Operation}.");
        ApplyOutcome outcome = (node.Machine as StoreMachine)?.LastOutcome ?? default;
        world.Checker.Contents?.OnAnswer(node, index, operation, outcome);
        world.Statistics.WritesAcknowledged++;
        Saw(index);
        _writes.Remove(operation);
        write.Done?.Invoke(new WriteResult(WriteEnd.Acknowledged, index, outcome, default));
    }

    private void Saw(LogIndex index) => _acknowledged = LogIndex.Max(_acknowledged, index);

    private void End(ulong id, in WriteResult result)
    {
        if (!_writes.Remove(id, out Write write)) return;
        if (result.End == WriteEnd.Unknown) world.Statistics.WritesUnknown++;
        write.Done?.Invoke(result);
    }

    private void EndRead(ulong id, SimNode? served)
    {
        if (_reads.Remove(id, out Read read)) read.Done?.Invoke(served);
    }
}
