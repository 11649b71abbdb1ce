using Conclave.Layers.Serving;
using Conclave.Layers.Serving.Rollouts;
using Conclave.Raft;
using Conclave.Store;
using Google.Protobuf;
using Etcd = Conclave.Wire.Etcd.Etcdserverpb;
using V1 = Conclave.Wire.V1;

namespace Conclave.Simulator;

/// <summary>The configuration as one node serves it: the real <see cref="ConfigSpace"/> and <see cref="FleetStates"/>, driven as src/Node/Configuration does.</summary>
internal sealed class NodeConfig
{
    public const string Space = ConfigKeys.DefaultSpace;

    private const long DriveEveryUs = 1_000_000, DriveRestUs = 20_000, FirstDayMs = 1_700_000_000_000;

    private readonly SimWorld _world;
    private readonly SimNode _node;
    private readonly RandomStream _random;
    private readonly long _lookMaxUs;
    private readonly List<ConfigStream> _streams = [];
    private ConfigSpace? _space; // until somebody publishes none is kept
    private readonly RolloutObservers _observers;
    private readonly RolloutPlanner _planner;
    private bool _anew, _scheduled, _serverWrote, _driveScheduled, _driving;

    public NodeConfig(SimWorld world, SimNode node)
    {
        (_world, _node) = (world, node);
        _random = world.Clients.Config.RandomOf(node);
        _lookMaxUs = _random.Pick(1_000, 1_000, 300_000);
        States = new FleetStates(new WorldTime(world));
        _observers = new RolloutObservers(States);
        _planner = new RolloutPlanner(_observers) { Faults = world.Mutation.ToServingFaults() };
        Signal();
        if (HasRollouts) _node.Call(DriveEveryUs, DriveAgain);
    }

    public FleetStates States { get; }

    /// <summary>What the nodes of a space make of the rollouts there.</summary>
    public RolloutObserver Observer(string space) => _observers.Of(space);

    /// <summary>False while what was there at the start is not read yet.</summary>
    public bool HasStarted { get; private set; }

    public SimNode Node => _node;

    /// <summary>The clock on the member's wall, as rollouts are told it.</summary>
    public long Clock => FirstDayMs + _node.WallClockMs;

    /// <summary>Whether it has taken in everything of rollouts that its store has.</summary>
    public bool HasFollowedRollouts => Of().FollowedRevision >= StoreReads.All(View, ConfigKeys.Rollouts(Space), keysOnly: true).Select(kv => kv.ModRevision).DefaultIfEmpty().Max();

    private bool HasRollouts => _world.Clients.Config.HasRollouts;

    public StoreView View => ((StoreMachine)_node.Machine).View;

    public ConfigSpace Of() => _space ?? New();

    public void OnApplied(in Entry entry)
    {
        _serverWrote |= entry.Kind == EntryKind.Command && Command.TryDecode(entry.Payload, out Command command) && command.Kind == CommandKind.ServerTxn;
    }

    public void OnPublished()
    {
        if (!_serverWrote) return;
        _serverWrote = false;
        Signal();
    }

    /// <summary>The state was replaced by another.</summary>
    public void OnInstalled()
    {
        if (_world.Has(DriverFaults.InstallForgetsConfig)) return;
        _anew = true;
        Signal();
    }

    public ConfigStream OpenStream(RandomStream random, V1.WatchRequest request, Action<ReadOnlyMemory<byte>> deliver)
    {
        var stream = new ConfigStream(_world, this, random, request, deliver);
        _streams.Add(stream);
        stream.Begin();
        return stream;
    }

    public void CloseStream(ConfigStream stream)
    {
        _streams.Remove(stream);
        stream.Close();
    }

    /// <summary>An agent reports: what is new of its facts is written, what it did is kept and passed on to the others, once.</summary>
    public void Acknowledge(V1.AcknowledgeRequest report, RandomStream random)
    {
        SpaceSnapshot now = Of().Current;
        if (!now.State.Nodes.ContainsKey(report.Node)) return;
        if (report.HasFacts) ReportFacts(report, now, random);
        report.Facts.Clear();
        report.HasFacts = false;
        States.Take(report);
        SignalDrive();
        if (_world.Has(DriverFaults.KeepReports)) return;
        byte[] bytes = report.ToByteArray();
        foreach (SimNode other in _world.Nodes.Where(other => other != _node && !_world.Network.IsBlocked(_node.Slot, other.Slot)))
            _world.Call(random.Between(100, 50_000), () => other.Services?.Config?.Hear(V1.AcknowledgeRequest.Parser.ParseFrom(bytes)));
    }

    private void Hear(V1.AcknowledgeRequest report)
    {
        States.Take(report);
        SignalDrive();
    }

    /// <summary>Writes a rollout as it becomes.</summary>
    public void Move(RolloutStep step, string by, RandomStream random, Action<WriteResult> done) =>
        Propose(random, ServerTxnRequest.Of(step.Entry, new ConfigRolloutMove(step.Next.Release, step.Next.Phase.ToString().ToLowerInvariant(), step.Next.Thresholds, by, step.Next.RevertedBy)), done);

    private void SignalDrive()
    {
        if (!HasRollouts || _driveScheduled || _driving) return;
        _driveScheduled = true;
        _node.Call(_random.Between(1, DriveRestUs), Drive);
    }

    private void DriveAgain()
    {
        _node.Call(DriveEveryUs, DriveAgain);
        SignalDrive();
    }

    /// <summary>As the driver in src/Node: whoever leads looks at one rollout after the other, and at the next when the last write has ended.</summary>
    private void Drive()
    {
        _driveScheduled = false;
        if (_driving || !_planner.Leads(_node.Core.Role == RaftRole.Leader, Clock) || !HasStarted) return;
        SpaceSnapshot now = Of().Current;
        if (now.Rollouts.IsEmpty) _observers.Forget(Space);
        foreach (ActiveRollout active in now.Rollouts)
        {
            if (_planner.Next(now, active, Clock) is not { } step) continue;
            _world.Clients.Config.Rollouts.OnDecided(this, active, step);
            _driving = true;
            _world.Note($"{_node.Id} moves the rollout of release {active.Rollout.Release}: {step.Move} {step.Reason}");
            Move(step, "driver", _random, _ =>
            {
                _driving = false;
                if (_node.IsUp && _node.Services?.Config == this) SignalDrive();
            });
            return;
        }
    }

    private void ReportFacts(V1.AcknowledgeRequest report, SpaceSnapshot now, RandomStream random)
    {
        string address = report.Facts["ip"];
        Layers.Value facts = Layers.Value.Map([new("ip", Layers.Value.Of(address))]);
        if (!_world.Clients.Active || (now.Facts.TryGetValue(report.Node, out Layers.Value? before) && before.Equals(facts))) return;
        var txn = new Etcd.TxnRequest();
        txn.Success.Add(new Etcd.RequestOp { RequestPut = new Etcd.PutRequest { Key = ByteString.CopyFromUtf8(ConfigKeys.Facts(Space, report.Node)), Value = ByteString.CopyFromUtf8(facts.ToString()) } });
        Propose(random, ServerTxnRequest.Of(txn, new ConfigFacts(report.Node, address)), done: null);
    }

    /// <summary>Through the leader that this node knows; it may be the wrong one by now.</summary>
    public void Propose(RandomStream random, ServerTxnRequest request, Action<WriteResult>? done)
    {
        SimNode target = _node.Core.Leader == NodeId.None ? _node : _world[_node.Core.Leader];
        if (!target.IsUp || _world.Network.IsBlocked(_node.Slot, target.Slot)) target = _node;
        _world.Clients.Requests.Send(target, [_world.Clients.Requests.Create(random, _ => request)], done);
    }

    private ConfigSpace New() => new(Space) { Faults = _world.Mutation.ToServingFaults() };

    private void Signal()
    {
        if (_scheduled) return;
        _scheduled = true;
        _node.Call(_random.Between(1, _lookMaxUs), Look);
    }

    private void Look()
    {
        _scheduled = false;
        bool anew = _anew;
        _anew = false;
        HasStarted = true;
        IReadOnlySet<string>? concerned = StoreReads.Spaces(View).Contains(Space) ? (_space ??= New()).Follow(View, anew) : null;
        if (HasRollouts && _space is not null) _world.Clients.Config.Rollouts.OnFollowed(this);
        foreach (ConfigStream stream in _streams.Where(s => s.IsFirst || concerned is null || concerned.Contains(s.ForNode)).ToArray()) stream.Signal();
    }

    /// <summary>Nobody decides anything by it.</summary>
    private sealed class WorldTime(SimWorld world) : TimeProvider
    {
        public override long TimestampFrequency => 1_000_000;

        public override long GetTimestamp() => world.Now;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddMicroseconds(world.Now);
    }
}

/// <summary>The node's end of one agent's stream: the real decision of what it gets, and a connection on which one message is under way at a time.</summary>
internal sealed class ConfigStream(SimWorld world, NodeConfig config, RandomStream random, V1.WatchRequest request, Action<ReadOnlyMemory<byte>> deliver)
{
    /// <summary>A stream that begins waits so long to be sure that what is here is the newest.</summary>
    private const long PatienceUs = 1_000_000;

    private readonly SentDocuments _sent = new(config.Of(), request);
    private bool _isFirst = true, _scheduled, _closed, _mayBegin;
    private long? _newest; // what the member had when a majority said that it was the newest

    public SimNode Node => config.Node;

    public string ForNode => request.Node;

    /// <summary>Nothing was sent on it yet: any release may be the one that it waits for.</summary>
    public bool IsFirst => _isFirst;

    /// <summary>It began with what was the newest then.</summary>
    public bool IsConfirmed { get; private set; }

    /// <summary>As the watch in src/Node: stages and facts move without a release, so the release that the agent has seen does not tell a member that lags.</summary>
    public void Begin()
    {
        IsConfirmed = world.Has(DriverFaults.BeginUnconfirmed);
        _mayBegin = IsConfirmed || !world.Clients.Config.HasRollouts;
        if (_mayBegin)
        {
            Signal();
            return;
        }
        world.Clients.Requests.SendRead(config.Node, served =>
        {
            if (served is null) return; // nobody confirmed it
            _newest = config.View.Revision;
            Signal();
        });
        config.Node.Call(PatienceUs, () =>
        {
            _mayBegin = true;
            Signal();
        });
    }

    /// <summary>Longest time that a message is under way, or waits for its reader.</summary>
    public long TakeMaxUs { get; set; } = 1_000;

    public void Signal()
    {
        if (_scheduled || _closed) return;
        _scheduled = true;
        config.Node.Call(random.Between(1, 1_000), Look);
    }

    public void Close() => _closed = true;

    private void Look()
    {
        _scheduled = false;
        SpaceSnapshot now = config.Of().Current;
        if (!_mayBegin) _mayBegin = IsConfirmed = config.Of().FollowedRevision >= _newest;
        if (!_mayBegin || _closed || !config.HasStarted || now.Release < _sent.ReleaseMin || now.Fleet.ClassOf(request.Node) is null) return;
        if (_sent.Next(now, _isFirst) is not { } delta) return;
        _isFirst = false;
        _scheduled = true; // until this one has arrived; then the newest state is looked at, and what lies between is never sent
        byte[] bytes = delta.ToByteArray();
        world.Call(random.Between(1, TakeMaxUs), () =>
        {
            if (_closed) return;
            _scheduled = false;
            deliver(bytes);
            if (config.Node.IsUp) Signal();
        });
    }
}
