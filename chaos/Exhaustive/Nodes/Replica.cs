using Conclave.Raft;

namespace Conclave.Exhaustive;

/// <summary>How every node of a run is built.</summary>
/// <param name="Voters">Members 1 to this one vote from the start; the others do not know anybody.</param>
/// <param name="SyncDisk">A write is durable before anything else happens.</param>
/// <param name="CheckReleases">Whether saying something before it is durable is a violation in itself (I8).</param>
/// <param name="Lose">Names of message types that never arrive.</param>
/// <param name="Faults">Deliberate bugs.</param>
internal sealed record ReplicaOptions(int Voters, bool SyncDisk, bool CheckReleases, IReadOnlySet<string> Lose, CoreFaults Faults);

/// <summary>One real core with its disk. Equal inputs give equal replicas.</summary>
internal sealed class Replica
{
    private readonly ReplicaOptions _options;
    private readonly RaftOutput _output = new();
    private readonly RaftOptions _coreOptions;
    private int _starts;

    public Replica(NodeId self, ReplicaOptions options)
    {
        _options = options;
        _coreOptions = new RaftOptions
        {
            Self = self,
            Seed = 1, // drawn numbers are overwritten, see CoreTime
            ElectionTimeoutTicks = CoreTime.ElectionTimeoutTicks,
            HeartbeatTicks = CoreTime.HeartbeatTicks,
            ReadTimeoutTicks = int.MaxValue / 2,
            DiskStallTicks = int.MaxValue / 2,
        };
        Bootstrap = self.Value <= (ulong)options.Voters ? new Membership { Voters = [.. Enumerable.Range(1, options.Voters).Select(id => new NodeId((ulong)id))] } : new Membership();
        Core = Start();
    }

    public RaftCore Core { get; private set; }
    public Disk Disk { get; } = new();
    public Membership Bootstrap { get; }

    /// <summary>Carries out one input.</summary>
    /// <param name="input">What happens.</param>
    /// <param name="message">The message of a <see cref="NodeInputKind.Deliver"/>.</param>
    /// <param name="effects">Gets what comes out.</param>
    public void Apply(NodeInput input, Message? message, NodeEffects effects)
    {
        var before = new CoreMarks(Core);
        _output.Clear();
        try
        {
            switch (input.Kind)
            {
                case NodeInputKind.Deliver: Core.Step(RaftInput.Received(message!), _output); break; // the caller has looked it up
                case NodeInputKind.Persist: Persist(effects); break;
                case NodeInputKind.Campaign: TickUntilCampaign(); break;
                case NodeInputKind.Doubt: Tick(CoreTime.ElectionTimeoutTicks); break;
                case NodeInputKind.Heartbeat: Tick(CoreTime.HeartbeatTicks); break;
                // One tick more: whoever was last heard when it began was not heard for more than an election timeout at its end.
                case NodeInputKind.QuorumCheck: Tick(CoreTime.ElectionTimeoutTicks + 1); break;
                case NodeInputKind.ChangeMembership: Core.Step(RaftInput.ChangeMembership(1, NodeInput.ChangeOf(input.Argument)), _output); break;
                case NodeInputKind.Transfer: Core.Step(RaftInput.Transfer(new NodeId((ulong)input.Argument)), _output); break;
                case NodeInputKind.Propose: Core.Step(RaftInput.Propose(new[] { new Proposal((ulong)input.Argument, new[] { (byte)input.Argument }) }), _output); break;
                case NodeInputKind.Read: Core.Step(RaftInput.Read((ulong)input.Argument), _output); break;
                case NodeInputKind.Crash: Crash(effects); return;
            }
            Finish(effects);
            while (_options.SyncDisk && Disk.Pending.Count > 0)
            {
                Persist(effects);
                Finish(effects);
            }
            before.CheckAfter(Core, Bootstrap, effects);
        }
        catch (InvariantViolationException broken)
        {
            effects.Break($"the core stops itself: {broken.Message}");
        }
        CoreTime.Normalize(Core);
    }

    private RaftCore Start()
    {
        var recovered = new RecoveredState { HardState = Disk.HardState, Bootstrap = Bootstrap, Entries = [.. Disk.Log] };
        var core = new RaftCore(_coreOptions, recovered, _options.Faults);
        CoreTime.NumberStart(core, ++_starts);
        CoreTime.Normalize(core);
        return core;
    }

    private void Crash(NodeEffects effects)
    {
        Disk.Pending.Clear();
        Core = Start();
        // I7: what was durable is there again, and nothing else.
        bool kept = Core.Term == Disk.HardState.Term && Core.VotedFor == Disk.HardState.VotedFor && Core.LastEntry.Index.Value == (ulong)Disk.Log.Count;
        ConfigRules.Check(Core, Bootstrap, effects);
        if (!kept) effects.Break($"I7: starts with term {Core.Term} vote {Core.VotedFor} last {Core.LastEntry} from {Disk.HardState} and {Disk.Log.Count} entries on its disk");
    }

    /// <summary>Ends the batch and carries out what came out of it. Applying takes no time.</summary>
    private void Finish(NodeEffects effects)
    {
        Membership decides = Core.Membership; // a flush counts first, and changes the membership after that
        Core.Flush(_output);
        if (_output.Committed.Count > 0) Core.Step(RaftInput.Applied(Core.Commit), _output);
        // Before the writes below: these messages do not wait for them.
        foreach (OutboundMessage message in _output.Messages) Send(message, effects);
        foreach (PersistOp op in _output.Persists) Disk.Accept(op);
        foreach (ReadOnlyMemory<Entry> run in _output.Committed)
            foreach (Entry entry in run.Span) effects.Committed.Add(new Commitment(entry, NodeState.SetOf(decides.Voters), NodeState.SetOf(decides.VotersOutgoing)));
        effects.Reads.AddRange(_output.Reads);
        foreach (NodeId accused in _output.LogReverted) effects.Break($"I11: says that n{accused} lost what it had acknowledged, and no disk here loses anything");
        _output.Clear();
    }

    private void Persist(NodeEffects effects)
    {
        PendingWrite write = Disk.WriteNext();
        foreach (OutboundMessage message in write.DependentMessages) Send(message, effects);
        Core.Step(RaftInput.Persisted(write.Ticket), _output);
    }

    private void Send(OutboundMessage outbound, NodeEffects effects)
    {
        if (_options.CheckReleases && Releases.Problem(outbound.Message, Disk) is { } problem) effects.Break(problem);
        effects.Messages.Add(outbound.Message);
    }

    private void Tick(int count)
    {
        for (int i = 0; i < count; i++) Core.Step(RaftInput.Tick(), _output);
    }

    private void TickUntilCampaign()
    {
        ulong round = CoreTime.RoundOf(Core);
        for (int i = 0; i < 2 * CoreTime.ElectionTimeoutTicks && CoreTime.RoundOf(Core) == round; i++) Tick(1);
    }
}
