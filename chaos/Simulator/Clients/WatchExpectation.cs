namespace Conclave.Simulator;

/// <summary>I18 for one watch: what it asked for, how far it has been told, and what must come next. It lives as long as the client, over any number of nodes.</summary>
internal sealed class WatchExpectation
{
    private readonly SimWorld _world;
    private readonly string _client;
    private readonly string _key, _end;
    private readonly bool _previous, _skipsPuts, _skipsDeletes, _progress;
    private long _next; // the first revision that was not told; 0: whatever comes after the watch was made

    private WatchExpectation(SimWorld world, RandomStream random, string client, long id)
    {
        (_world, _client, Id) = (world, client, id);
        _key = random.Below(6) == 0 ? "lock/" : random.Below(6) == 0 ? "\0" : StoreCommands.Key(random);
        _end = _key is "lock/" ? "lock0" : _key is "\0" ? "\0" : random.Below(3) switch { 0 => "", 1 => "l", _ => "\0" };
        _previous = random.Below(2) == 0;
        (_skipsPuts, _skipsDeletes) = (random.Below(8) == 0, random.Below(8) == 0);
        _progress = random.Below(2) == 0;
        // From now on, from the past (which may be compacted), or from what is to come.
        long revision = world.Oracle!.Revision; // with the real store only
        _next = random.Below(4) switch { 0 => 0, 1 => 1 + random.Below((int)revision + 1), 2 => revision + random.Below(20), _ => Math.Max(1, revision) };
    }

    public long Id { get; }

    /// <summary>The client asked to end it; messages that were on their way may still come.</summary>
    public bool IsCanceled { get; set; }

    private StoreOracle Oracle => _world.Oracle!; // with the real store only

    public bool IsComplete => IsCanceled || (_next != 0 && NextEvent(_next, long.MaxValue) is null);

    public static WatchExpectation Draw(SimWorld world, RandomStream random, string client, long id) => new(world, random, client, id);

    // WatchCreateRequest { key = 1, range_end = 2, start_revision = 3, progress_notify = 4, filters = 5, prev_kv = 6, watch_id = 7, fragment = 8 }
    public ProtoWriter Create()
    {
        ProtoWriter create = new ProtoWriter().Text(1, _key).Text(2, _end).Number(3, _next).Flag(4, _progress);
        if (_skipsPuts) create.Zero(5, 0);
        if (_skipsDeletes) create.Zero(5, 1);
        return create.Flag(6, _previous).Number(7, Id);
    }

    public void OnCreated(long revision)
    {
        if (_next == 0) _next = revision + 1;
    }

    /// <summary>Events: exactly the ones that come next, in order, and of each revision all.</summary>
    public void OnEvents(SimNode node, long revision, List<byte[]> events)
    {
        long last = 0;
        foreach (byte[] bytes in events)
        {
            var fields = new ProtoFields(bytes);
            OracleKey key = StoreAnswer.Key(fields.Message(2));
            OracleEvent? expected = NextEvent(last == 0 ? _next : last, long.MaxValue, after: last == 0 ? null : _lastEvent);
            bool isDelete = fields.Number(1) == 1;
            if (expected is null || expected.Revision != key.Mod || expected.Key != key.Key || isDelete != expected.Now is null || (!isDelete && key != expected.Now))
                throw Failure(node, $"an event {(isDelete ? "DELETE" : "PUT")} {key}, and what comes next is {expected?.ToString() ?? "nothing"}");
            CheckPrevious(node, fields, expected);
            (last, _lastEvent) = (key.Mod, expected);
        }
        if (NextEvent(last, last, after: _lastEvent) is { } missing) throw Failure(node, $"only a part of revision {last}: {missing} is missing");
        if (revision < last) throw Failure(node, $"events up to {last} under revision {revision}");
        _next = last + 1;
        OnProgress(node, revision);
    }

    /// <summary>The revision in a header: nothing at or below it may still be to come.</summary>
    public void OnProgress(SimNode node, long revision)
    {
        if (IsCanceled) return;
        if (revision > Oracle.Revision) throw Failure(node, $"revision {revision}, and only {Oracle.Revision} is committed");
        if (_next == 0) return; // not made yet, as far as the client knows
        if (NextEvent(_next, revision) is { } missing) throw Failure(node, $"progress up to {revision}, and {missing} was never told");
        if (revision < _next - 1) throw Failure(node, $"progress at {revision}, and it has been told more, or starts later");
        _next = revision + 1;
    }

    /// <summary>What the watch should have told is gone.</summary>
    public void OnCompacted(SimNode node, long compacted)
    {
        if (compacted > Oracle.Compacted) throw Failure(node, $"the compacted revision {compacted}; it is {Oracle.Compacted}");
        if (_next >= compacted) throw Failure(node, $"the compacted revision {compacted}, and nothing below it was wanted");
        _next = compacted;
    }

    public override string ToString() => $"{_client}'s watch {Id} of [{_key.Replace("\0", "\\0")}, {_end.Replace("\0", "\\0")}) from {_next}";

    private OracleEvent? _lastEvent;

    /// <summary>The first event that this watch wants, from a revision on, or behind an event of it.</summary>
    private OracleEvent? NextEvent(long from, long to, OracleEvent? after = null)
    {
        List<OracleEvent> events = Oracle.Events;
        int at = Oracle.FirstEventAt(from);
        if (after is not null)
        {
            while (!ReferenceEquals(events[at], after)) at++;
            at++;
        }
        for (; at < events.Count && events[at].Revision <= to; at++)
            if (!(events[at].Now is null ? _skipsDeletes : _skipsPuts) && StoreOracle.InRange(events[at].Key, _key, _end)) return events[at];
        return null;
    }

    private void CheckPrevious(SimNode node, ProtoFields fields, OracleEvent expected)
    {
        bool has = fields.Has(3);
        if (has && !_previous) throw Failure(node, "a previous value that it did not ask for");
        if (has && StoreAnswer.Key(fields.Message(3)) != expected.Before) throw Failure(node, $"the previous value {StoreAnswer.Key(fields.Message(3))} with {expected}");
        // What a compaction has taken away cannot be told; whether it had happened on that node, the client does not know.
        if (!has && _previous && expected.Before is not null && expected.Revision > Oracle.Compacted) throw Failure(node, $"no previous value with {expected}");
    }

    private SimulationFailure Failure(SimNode node, string what) => new($"I18: {this} is told by {node.Id} (revision {((StoreMachine)node.Machine).View.Revision}) {what}.");
}
