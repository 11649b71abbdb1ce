namespace Conclave.Simulator;

/// <summary>A client with one stream and a few watches on it. When its node goes away, or it feels like it, it goes on elsewhere from where it was.</summary>
internal sealed class WatchClient(SimWorld world, RandomStream random, string name)
{
    private const long TurnMaxUs = 1_000_000;
    private const int WatchesMax = 3;

    private readonly Dictionary<long, WatchExpectation> _watches = [];
    private WatchStream? _stream;
    private long _lastId;
    private long _lastRevision; // of the stream

    public bool IsComplete => _stream is not null && _watches.Values.All(watch => watch.IsComplete);

    public void Start()
    {
        for (int i = 1 + random.Below(WatchesMax); i > 0; i--) Add();
        world.Call(random.Between(0, TurnMaxUs), Turn);
    }

    public void OnNodeGone(SimNode node)
    {
        if (_stream?.Node != node) return;
        _stream = null;
        world.Call(random.Between(1, TurnMaxUs / 4), Connect);
    }

    public string Describe() => _stream is null ? $"{name} has no node" : $"{name} on {_stream.Node.Id}: {string.Join(", ", _watches.Values.Where(watch => !watch.IsComplete))}";

    private void Add() => _watches.Add(++_lastId, WatchExpectation.Draw(world, random, name, _lastId));

    private void Turn()
    {
        world.Call(random.Between(1, TurnMaxUs), Turn);
        if (_stream is null) Connect();
        if (!world.Clients.Active && _stream is not null && !IsMember(_stream.Node)) Disconnect();
        if (_stream is null || !world.Clients.Active) return;
        switch (random.Below(8))
        {
            case 0: Disconnect(); break;
            case 1 or 5 or 6: _stream.Submit(new ProtoWriter().Message(3, new ProtoWriter())); break;
            case 2: _stream.TakeMaxUs = 1_000L << random.Below(10); break;
            case 3 when _watches.Count > 1:
                long id = _watches.Keys.Min();
                _watches[id].IsCanceled = true;
                _stream.Submit(new ProtoWriter().Message(2, new ProtoWriter().Number(1, id)));
                break;
            case 4 when _watches.Count < WatchesMax:
                Add();
                Create(_watches[_lastId]);
                break;
        }
    }

    private void Disconnect()
    {
        if (_stream is { Node: { IsUp: true } node }) node.Services?.CloseWatch(_stream);
        _stream = null;
        world.Call(random.Between(1, TurnMaxUs / 8), Connect);
    }

    private void Connect()
    {
        SimNode node = world.Clients.AnyNode(random);
        if (_stream is not null || !node.IsUp || node.Services is null || (!world.Clients.Active && !IsMember(node))) return; // the next turn tries again
        _lastRevision = 0;
        WatchStream? mine = null;
        mine = _stream = node.Services.OpenWatch(random, message => OnMessage(mine!, message.Span)); // set before anything is delivered
        foreach ((long id, WatchExpectation canceled) in _watches.Where(w => w.Value.IsCanceled).OrderBy(w => w.Key).ToList()) _watches.Remove(id);
        foreach (WatchExpectation watch in _watches.Values.OrderBy(watch => watch.Id)) Create(watch);
    }

    /// <summary>Who is a member no more is told nothing any more, and tells nothing.</summary>
    private bool IsMember(SimNode node) => world.Leader is not { } leader || leader.Core.Membership.Members().Contains(node.Id);

    private void Create(WatchExpectation watch) => _stream!.Submit(new ProtoWriter().Message(1, watch.Create())); // connected, as both callers know

    // WatchResponse { header = 1, watch_id = 2, created = 3, canceled = 4, compact_revision = 5, fragment = 7, events = 11 }
    private void OnMessage(WatchStream stream, ReadOnlySpan<byte> message)
    {
        if (stream != _stream) return; // of a connection that was given up
        var response = new ProtoFields(message);
        long revision = response.Message(1).Number(3), id = response.Number(2), compacted = response.Number(5);
        bool created = response.Number(3) == 1, canceled = response.Number(4) == 1;
        if (id == -1)
        {
            if (created || canceled) throw new SimulationFailure($"I18: {name} is refused a watch: {response.Text(6)}.");
            // The progress of the whole stream: nobody has anything at or below it still to come.
            foreach (WatchExpectation each in _watches.Values) each.OnProgress(stream.Node, revision);
            world.Statistics.WatchProgress++;
            return;
        }
        if (!_watches.TryGetValue(id, out WatchExpectation? watch)) throw new SimulationFailure($"I18: {name} gets a message for watch {id}, which it does not have.");
        if (canceled && compacted != 0)
        {
            watch.OnCompacted(stream.Node, compacted);
            world.Statistics.WatchesCompacted++;
            Create(watch);
            return;
        }
        if (canceled)
        {
            if (!watch.IsCanceled) throw new SimulationFailure($"I18: {watch} is cancelled by {stream.Node.Id} without a reason.");
            _watches.Remove(id);
            return;
        }
        if (created)
        {
            if (revision < _lastRevision) throw new SimulationFailure($"I18: {name} is told revision {revision} by {stream.Node.Id} after {_lastRevision}.");
            _lastRevision = revision;
            watch.OnCreated(revision);
            return;
        }
        List<byte[]> events = response.Parts(11);
        if (events.Count > 0) watch.OnEvents(stream.Node, revision, events);
        else watch.OnProgress(stream.Node, revision);
        world.Statistics.WatchEvents += events.Count;
    }
}
