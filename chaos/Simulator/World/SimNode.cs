using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>A node: the core with a driver around it that does what the real one does, one event at a time. The parts: Disk, Apply, Snapshots.</summary>
internal sealed partial class SimNode
{
    private readonly SimWorld _world;
    private readonly int _slot;
    private readonly Membership _bootstrap; // empty for a node that joins
    private readonly RandomStream _random, _diskRandom;
    private readonly RaftOutput _output = new();
    private readonly List<RaftInput> _inbox = [];
    private bool _batchScheduled;
    private long _clockUs, _clockSetAt;
    private long _pausedUntil;
    private RaftCore? _core;
    private RaftOptions? _options;
    private int? _stalledTicks;
    private bool _timerFails;
    private const long WakeUs = 1_000;

    /// <summary>As in src/Node/Consensus/ConsensusLoop.</summary>
    private const int LateTicksMax = 2;

    public SimNode(SimWorld world, int slot, Membership bootstrap)
    {
        (_world, _slot, _bootstrap) = (world, slot, bootstrap);
        (_random, _diskRandom, _rareRandom) = (world.Streams.Driver(slot), world.Streams.Disk(slot), world.Streams.RarePaths(slot));
        Id = new NodeId((ulong)slot + 1);
        _disk = world.Plan.RealDisk ? new FileDisk(world.Streams.DiskSeed(slot), Id.Value, hasPeers: world.Plan.Nodes > 1 || slot > 0, world.Mutation.ToStorageFaults(), !world.Plan.NoReservations) : new ListDisk();
        Machine = NodeMachine.Empty(world);
    }

    public NodeId Id { get; }
    public int Slot => _slot;
    public bool IsUp => _core is not null;
    public bool IsPaused => _world.Now < _pausedUntil;

    /// <summary>How often it started.</summary>
    public int Life { get; private set; }

    /// <summary>Only while up.</summary>
    public RaftCore Core => _core!;

    /// <summary>Those of the core; only while up.</summary>
    public RaftOptions Options => _options!;

    /// <summary>Of all its lives.</summary>
    public long Ticks { get; private set; }

    /// <summary>Those of them that its cores have taken.</summary>
    public long TicksTaken { get; private set; }

    /// <summary>How long a tick of its clock takes; less is a clock that runs fast.</summary>
    public long TickUs
    {
        get;
        set
        {
            (_clockUs, _clockSetAt) = (ClockUs, Math.Max(_clockSetAt, _world.Now));
            field = value;
        }
    } = Plan.TickUs;

    /// <summary>This node's own monotonic clock.</summary>
    public long ClockMs => ClockUs / 1_000;

    // Set to a moment to come while the machine is suspended.
    private long ClockUs => _clockUs + Math.Max(0, _world.Now - _clockSetAt) * Plan.TickUs / TickUs;

    /// <summary>The clock on this node's wall. Nobody but deliberate bugs looks at it.</summary>
    public long WallClockMs => _world.Now / 1_000 + WallClockOffsetMs;

    public long WallClockOffsetMs { get; set; }

    /// <summary>Leases and watches; null while it is down, and in runs without the real store.</summary>
    public NodeServices? Services { get; private set; }

    public void Start()
    {
        if (IsUp || _isGone || _isLost) return;
        (IsWanted, Life) = (true, Life + 1);
        if (!TryOpenDisk(out RecoveredState recovered)) return;
        _starts = _starts.Begin(new MemberStart(_disk.Boot, _disk.Nonce));
        Plan plan = _world.Plan;
        var options = new RaftOptions
        {
            Self = Id,
            Seed = _world.Streams.CoreSeed(_slot, Life),
            ElectionTimeoutTicks = plan.ElectionTimeoutTicks,
            HeartbeatTicks = plan.HeartbeatTicks,
            AppendBytesMax = plan.AppendBytesMax,
            InflightCountMax = plan.InflightCountMax,
            SnapshotTrailingEntries = plan.TrailingEntries,
            ReadTimeoutTicks = 3 * plan.ElectionTimeoutTicks,
            DiskStallTicks = 3 * plan.ElectionTimeoutTicks,
            CampaignDelayTicks = plan.CampaignDelayTicks * _slot,
        };
        if (plan.TightMemory)
            options = options with { ProposalBytesMax = 4_000, UncommittedBytesMax = 8_000, InflightBytesMax = 4_000, ReadsPendingMax = 10, SnapshotTrailingBytesMax = 1_000 };
        _options = options;
        _core = new RaftCore(options, recovered, _world.Mutation.ToCoreFaults());
        OfferRarePaths();
        _world.Note($"{Id} starts: {_core.Term} log {_core.LogBase}..{_core.LastEntry} snapshot {_core.Snapshot?.Last}");
        Counted = _core.Membership;
        _world.Checker.OnStart(this);
        _world.Checker.Members.OnStart(this, recovered);
        ReportFormerLife();
        if (_world.Plan.RealStore) Services = new NodeServices(_world, this);
        Later(SimEventKind.Tick, _random.Between(1, TickUs));
        foreach (SimNode other in _world.Nodes)
            if (other is { IsUp: true } && other != this) Link(other);
        ScheduleBatch();
    }

    public void Crash(bool powerCut)
    {
        if (!IsUp) return;
        _world.Statistics.Crashes++;
        _world.Note($"{Id} {(powerCut ? "loses power" : "is killed")}");
        (_core, Services) = (null, null);
        _disk.Crash(powerCut || _lied); // what only the cache knows does not outlive the process that relied on it
        _inbox.Clear();
        _output.Clear();
        (_batchScheduled, _stalledTicks, _timerFails) = (false, null, false);
        Resume();
        WakesAt = 0;
        ForgetDiskWork();
        ForgetApplyWork();
        _world.Clients.OnNodeGone(this);
        foreach (SimNode other in _world.Nodes)
            if (other is { IsUp: true } && other != this && !_world.Network.IsBlocked(_slot, other._slot))
                other.LoseLink(_slot, 5_000);
    }

    public void Pause(long us)
    {
        _pausedUntil = _world.Now + us;
        WakesAt = Math.Max(WakesAt, _pausedUntil + WakeUs);
    }

    /// <summary>What fell into a pause, ticks among it, is done by then, also when the pause was ended earlier.</summary>
    public long WakesAt { get; private set; }

    /// <summary>As a pause in which its monotonic clock stands too, as that of a machine that sleeps does.</summary>
    public void Suspend(long us)
    {
        Pause(us);
        (_clockUs, _clockSetAt) = (ClockUs, Math.Max(_clockSetAt, _pausedUntil));
    }

    public void Resume()
    {
        _pausedUntil = 0;
        _clockSetAt = Math.Min(_clockSetAt, _world.Now);
    }

    /// <summary>A connection between the two comes up; each notices on its own.</summary>
    public void Link(SimNode other)
    {
        Later(SimEventKind.LinkUp, _random.Between(500, 20_000), other._slot);
        other.Later(SimEventKind.LinkUp, other._random.Between(500, 20_000), _slot);
    }

    /// <summary>Notices, soon, that the connection to another node is gone.</summary>
    public void LoseLink(int other, long withinUs) => Later(SimEventKind.LinkDown, _random.Between(100, withinUs), other);

    /// <summary>Was started once, or is about to be: not just a number that nobody has used yet.</summary>
    public bool IsWanted { get; private set; }

    public void StartLater(long afterUs)
    {
        IsWanted = true;
        _world.After(afterUs, new SimEvent(SimEventKind.Restart, _slot, -1, 0, null));
    }

    public void Take(in RaftInput input)
    {
        if (!IsUp) return; // the connection is refused
        _inbox.Add(input);
        ScheduleBatch();
    }

    public void Later(SimEventKind kind, long delay, long number = 0, object? data = null) =>
        _world.After(delay, new SimEvent(kind, _slot, Life, number, data));

    /// <summary>Something this process does later, if it lives to see it.</summary>
    public void Call(long delay, Action what) => Later(SimEventKind.Call, delay, data: what);

    /// <summary>As the leader that it is at this very moment, or not at all.</summary>
    public void ProposeNow(Proposal proposal)
    {
        if (Core.Role != RaftRole.Leader) return;
        Core.Step(RaftInput.Propose(new[] { proposal }), _output);
        ScheduleBatch();
    }

    public void Handle(in SimEvent what)
    {
        if (what.Kind == SimEventKind.Restart)
        {
            Start();
            return;
        }
        if (!IsUp || (what.Life >= 0 && what.Life != Life)) return;
        if (IsPaused)
        {
            // Nothing runs in a stopped process; the ticks of that time are one late tick.
            _world.At(_pausedUntil + _random.Between(0, WakeUs), what);
            return;
        }
        if (_world.Swap is { } swap)
        {
            _core = swap.Next(Core, Options, _world.Mutation.ToCoreFaults());
            OfferRarePaths();
        }
        try
        {
            Dispatch(what);
        }
        catch (SimulatedCrash)
        {
            _world.Statistics.CrashesWhileWriting++;
            Crash(powerCut: TakeTear());
            StartLater(_downTimeUs);
        }
        catch (SimulatedDiskError error)
        {
            _world.Note($"{Id} stops: {error.Message}");
            _world.Statistics.DiskErrors++;
            Crash(powerCut: false);
            StartLater(_downTimeUs);
        }
    }

    private void Dispatch(in SimEvent what)
    {
        switch (what.Kind)
        {
            case SimEventKind.Deliver: Take(RaftInput.Received(SimNetwork.Open(what.Data!))); break; // sent with its message
            case SimEventKind.Batch: RunBatch(); break;
            case SimEventKind.Tick:
                Tick();
                Later(SimEventKind.Tick, TickUs);
                break;
            case SimEventKind.DiskDone when DiskHangs: Later(SimEventKind.DiskDone, DiskLookUs); break;
            case SimEventKind.DiskDone: FinishDiskWork(); break;
            case SimEventKind.Call: ((Action)what.Data!)(); break; // scheduled with it
            case SimEventKind.Apply: ApplySome(); break;
            case SimEventKind.SnapshotSaved: SaveSnapshot((TakenSnapshot)what.Data!); break; // scheduled with it
            case SimEventKind.StreamEnd: EndStream((SnapshotStream)what.Data!); break; // scheduled with it
            case SimEventKind.StreamSaved: ReceiveSnapshot((SnapshotStream)what.Data!); break; // scheduled with it
            case SimEventKind.LinkUp: if (Admits(_world.Nodes[(int)what.Number]) && _world.Nodes[(int)what.Number].Admits(this)) Take(RaftInput.LinkUp(_world.Nodes[(int)what.Number].Id)); break;
            case SimEventKind.LinkDown: Take(RaftInput.LinkDown(_world.Nodes[(int)what.Number].Id)); break;
            default: throw new SimulationFailure($"No handler for {what.Kind}.");
        }
    }

    /// <summary>Whatever comes is taken without the ticks that are due: harder than any node has it, see <see cref="FailTimer"/>.</summary>
    public void StallTicks() => _stalledTicks ??= 0;

    /// <summary>
    /// Nothing wakes the driver but what it is told. It is its own clock: each time that it runs, for a message or anything else, it takes the ticks first that are due by then. So no node
    /// that hears and answers goes without them, unless the monotonic clock of its machine stands still while the machine runs.
    /// </summary>
    public void FailTimer()
    {
        StallTicks();
        _timerFails = true;
    }

    /// <summary>A timer that was late fires once for each time that it missed.</summary>
    public void ResumeTicks()
    {
        for (int ticks = TicksToMakeUp; ticks > 0; ticks--) Take(RaftInput.Tick());
        (_stalledTicks, _timerFails) = (null, false);
    }

    /// <summary>The driver makes up for hardly more than it meant to sleep, so that it does not take a pause of its own for silence of the others.</summary>
    private int TicksToMakeUp => _timerFails && IsUp ? Math.Min(_stalledTicks ?? 0, Core.TicksUntilDue + LateTicksMax) : _stalledTicks ?? 0;

    private void TakeTicksDue()
    {
        if (!_timerFails || _world.Has(DriverFaults.TicksFromTimerAlone)) return;
        for (int ticks = TicksToMakeUp; ticks > 0; ticks--, TicksTaken++) Core.Step(RaftInput.Tick(), _output);
        _stalledTicks = 0;
    }

    public void Jump(int ticks)
    {
        for (int i = 0; i < ticks; i++) Tick();
    }

    private void Tick()
    {
        Ticks++;
        if (_stalledTicks is null) Take(RaftInput.Tick());
        else _stalledTicks++;
    }

    private void ScheduleBatch()
    {
        if (_batchScheduled) return;
        _batchScheduled = true;
        Later(SimEventKind.Batch, _random.Between(1, 200));
    }

    /// <summary>What the driver does: some inputs, one flush, then everything that came out.</summary>
    private void RunBatch()
    {
        _batchScheduled = false;
        TakeTicksDue();
        int count = DrawBatch(Math.Min(_inbox.Count, _world.Plan.BatchInputsMax));
        for (int i = 0; i < count; i++)
        {
            if (_inbox[i].Kind == RaftInputKind.Tick) TicksTaken++;
            else if (_inbox[i].Kind == RaftInputKind.Persisted) ForgetWrites(_inbox[i].Number);
            if (_inbox[i] is { Kind: RaftInputKind.SnapshotInstalled, Snapshot: { } installed }) _world.Checker.Members.OnInstalled(this, installed);
            if (_inbox[i] is { Kind: RaftInputKind.Received, Message: TimeoutNow asked })
            {
                (Term before, string? problem) = (Core.Term, ElectionCheck.ProblemWith(this, asked));
                Core.Step(_inbox[i], _output);
                ElectionCheck.OnAsked(this, asked, before, problem);
                continue;
            }
            Core.Step(_inbox[i], _output);
        }
        _inbox.RemoveRange(0, count);
        Core.Flush(_output);
        if (_inbox.Count > 0) ScheduleBatch();

        _world.Checker.BeforeOutput(this, _output);
        if (_output.RoleChange is { } change) OnRoleChange(change);
        foreach (OutboundMessage message in _output.Messages) Send(message.Message);
        if (_output.Persists.Count > 0) QueueWrites(_output.Persists);
        if (_output.InstallSnapshot is { } install) QueueInstall(install);
        if (_output.CompactTo is { } upTo) QueueCompaction(upTo);
        foreach (ReadOnlyMemory<Entry> run in _output.Committed) QueueApply(run);
        foreach (ProposalVerdict verdict in _output.Proposals) _world.Clients.Requests.OnProposalVerdict(this, verdict);
        foreach (MembershipVerdict verdict in _output.MembershipVerdicts) _world.Operator.OnVerdict(this, verdict);
        foreach (NodeId lost in _output.LogReverted)
            if (!_world[lost].IsImpaired) throw new SimulationFailure($"I11: {Id} finds that the disk of {lost} lost writes, and it did not.");
        if (_output.Membership is { } membership && _world.Log is not null) _world.Note($"{Id} counts by {MembershipCheck.Describe(membership)}");
        foreach (ReadVerdict verdict in _output.Reads) OnReadVerdict(verdict);
        foreach (NodeId peer in _output.SnapshotsWanted) StartStream(peer);
        _world.Hash((long)Core.Term.Value << 32 ^ (long)Core.Commit.Value << 8 ^ (long)Core.LastEntry.Index.Value);
        _output.Clear();
        Counted = Core.Membership;
        _world.Checker.AfterBatch(this);
    }

    private void Send(Message message)
    {
        SimNode to = _world[message.To];
        // Both ends of a connection judge each other. What is not let in has promised nothing.
        if (!Admits(to) || !to.Admits(this))
        {
            _world.Statistics.MessagesKeptOut++;
            return;
        }
        if (IsExiled && !to.IsExiled) throw new SimulationFailure($"I25: {Id} runs with another directory, and {to.Id} hears {message} from it.");
        _world.Checker.OnSend(this, message);
        _world.Network.Send(message);
    }

    private void OnRoleChange(RoleChange change)
    {
        if (change.Role == RaftRole.Leader) _world.Statistics.Elections++;
        _world.Note($"{Id} {change.Role} in term {change.Term}, leader {change.Leader}");
        // What was proposed under another leadership has an unknown end from here on.
        _world.Clients.Requests.OnRoleChange(this, change);
        Services?.Leases.OnRole(change);
    }
}
