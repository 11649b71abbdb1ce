using Conclave.Raft;
using Conclave.Store;

namespace Conclave.Simulator;

/// <summary>What a node does for its clients beside the log, from one start to the next: leases, watches, configuration, and the look at the clock a few times a second.</summary>
internal sealed class NodeServices
{
    private const long IntervalMs = 200, LeaseIntervalMs = 500, PauseMinMs = 1_000;

    private readonly SimWorld _world;
    private readonly SimNode _node;
    private readonly List<WatchStream> _streams = [];
    private long _lastPassMs, _leasesDueMs;

    public NodeServices(SimWorld world, SimNode node)
    {
        (_world, _node) = (world, node);
        Leases = new NodeLeases(world, node);
        Leases.OnStart(node.Machine.Applied.Term);
        if (world.Clients.Config.IsOn) Config = new NodeConfig(world, node);
        _lastPassMs = node.ClockMs;
        ScheduleLook();
    }

    public NodeLeases Leases { get; }

    /// <summary>Null in runs without agents.</summary>
    public NodeConfig? Config { get; }

    /// <summary>Calls that wait for a lock, in the order in which they came.</summary>
    public List<QueueCall> Waiting { get; } = [];

    /// <summary>Whether an earlier call waits here for the same lock.</summary>
    public bool IsWaitingBefore(QueueCall call) => Waiting.TakeWhile(other => other != call).Any(call.IsFor);

    public WatchStream OpenWatch(RandomStream random, Action<ReadOnlyMemory<byte>> deliver)
    {
        var stream = new WatchStream(random, _node, ((StoreMachine)_node.Machine).Watches, deliver);
        _streams.Add(stream);
        return stream;
    }

    public void CloseWatch(WatchStream stream)
    {
        _streams.Remove(stream);
        stream.Dispose();
    }

    public void OnApplied(in Entry entry)
    {
        Leases.OnApplied(((StoreMachine)_node.Machine).LastOutcome);
        Config?.OnApplied(entry);
    }

    public void OnPublished()
    {
        Leases.OnPublished(_node.Machine.Applied.Term);
        Config?.OnPublished();
    }

    public void OnInstalled(Term term)
    {
        Leases.OnInstalled(term);
        Config?.OnInstalled();
    }

    private void ScheduleLook() => _node.Call(IntervalMs * _node.TickUs / (Plan.TickUs / 1000), Look);

    private void Look()
    {
        long now = _node.ClockMs;
        if (now - _lastPassMs > PauseMinMs) Leases.OnPause(); // before anything expires by a clock that ran while this process did not
        _lastPassMs = now;
        if (now >= _leasesDueMs)
        {
            _leasesDueMs = now + LeaseIntervalMs;
            Leases.ProposeExpired();
            foreach (WatchStream stream in _streams) stream.OnTimer(now);
        }
        ScheduleLook();
    }
}

/// <summary>The node's end of one watch stream: the real session, and a reader that takes its messages at its own pace.</summary>
internal sealed class WatchStream : IWatchSessionHost, IDisposable
{
    private readonly System.Buffers.ArrayBufferWriter<byte> _buffer = new();
    private readonly RandomStream _random;
    private readonly SimNode _node;
    private readonly WatchSession _session;
    private readonly Action<ReadOnlyMemory<byte>> _deliver;
    private bool _scheduled;
    private bool _closed;

    public WatchStream(RandomStream random, SimNode node, WatchHub hub, Action<ReadOnlyMemory<byte>> deliver)
    {
        (_random, _node, _deliver) = (random, node, deliver);
        _session = new WatchSession(hub, this);
    }

    /// <summary>Longest time that the reader lets messages wait.</summary>
    public long TakeMaxUs { get; set; } = 1_000;

    public SimNode Node => _node;
    public ulong ClusterId => 1;
    public ulong MemberId => _node.Id.Value;
    public ulong Term => _node.Core.Term.Value;

    public void Submit(ProtoWriter request) => Submit(request.ToArray());

    public void Submit(byte[] request)
    {
        StoreError error = _session.Submit(request);
        if (error != StoreError.None) throw new SimulationFailure($"I18: {_node.Id} refuses a watch request: {error}.");
    }

    public void OnTimer(long nowMs) => _session.OnTimer(nowMs);

    public void Signal()
    {
        if (_scheduled || _closed) return;
        _scheduled = true;
        _node.Call(_random.Between(1, TakeMaxUs), Take);
    }

    public void Dispose()
    {
        _closed = true;
        _session.Dispose();
    }

    private void Take()
    {
        _scheduled = false;
        if (_closed) return;
        // One at a time, so that a slow reader is slow inside a backlog too.
        _buffer.ResetWrittenCount();
        if (!_session.TryTake(_buffer)) return;
        Signal();
        _deliver(_buffer.WrittenMemory);
    }
}
