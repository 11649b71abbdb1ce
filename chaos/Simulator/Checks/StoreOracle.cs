using System.Collections.Immutable;
using Conclave.Raft;
using Conclave.Store;

namespace Conclave.Simulator;

/// <summary>A key with everything a client sees of it.</summary>
internal sealed record OracleKey(string Key, long Create, long Mod, long Version, string Value, long Lease)
{
    public override string ToString() => $"{Key}(c{Create} m{Mod} v{Version} l{Lease})={(Value.Length > 24 ? Value[..24] + ".." + Value.Length : Value)}";
}

/// <summary>A change: what the key is now, null for a deletion, and what it was.</summary>
internal sealed record OracleEvent(long Revision, string Key, OracleKey? Now, OracleKey? Before)
{
    public override string ToString() => $"{(Now is null ? $"DELETE {Key} at {Revision}" : $"PUT {Now}")}{(Before is null ? "" : $" over {Before}")}";
}

/// <summary>What the committed history means: the key-value store once more, as one would explain it, fed with each entry when it is first committed.</summary>
/// <remarks>It keeps a copy of all keys for each revision, which is slow and hard to get wrong. It shares no code with the store and no parser: it sees the requests, not their bytes.</remarks>
internal sealed class StoreOracle
{
    private readonly List<IndexState> _byIndex = [];
    private readonly List<ImmutableSortedDictionary<string, OracleKey>> _states = [Empty, Empty]; // by revision; the first is 1
    private readonly List<int> _firstEvent = [0, 0]; // by revision, into Events
    private readonly SortedDictionary<long, long> _leases = [];
    private readonly Dictionary<long, (ulong Sequence, string Answer, long Revision)> _sessions = []; // by lease
    private ImmutableSortedDictionary<string, OracleKey> _now = Empty;
    private int _eventsBefore;

    private static ImmutableSortedDictionary<string, OracleKey> Empty => ImmutableSortedDictionary.Create<string, OracleKey>(StringComparer.Ordinal);

    /// <param name="Revision">After the entry.</param>
    /// <param name="Compacted">After the entry.</param>
    /// <param name="AnswerRevision">In the header of the answer: an earlier one when the answer is repeated.</param>
    /// <param name="Answer">As <see cref="StoreAnswer"/> renders it, or the error; empty for entries that are no commands.</param>
    public readonly record struct IndexState(long Revision, long Compacted, long AnswerRevision, string Answer);

    public long Revision { get; private set; } = 1;
    public long Compacted { get; private set; } = -1;
    public List<OracleEvent> Events { get; } = [];

    public LogIndex Applied => new((ulong)_byIndex.Count);

    public IndexState At(LogIndex index) => index == LogIndex.Zero ? new IndexState(1, -1, 1, "") : _byIndex[(int)index.Value - 1];

    public bool HasLease(long id) => _leases.ContainsKey(id);

    /// <summary>The keys of a range that are there now.</summary>
    public IEnumerable<OracleKey> KeysIn(string start, string end) => _now.Values.Where(key => InRange(key.Key, start, end));

    /// <summary>Where the events of a revision begin.</summary>
    public int FirstEventAt(long revision) => revision < _firstEvent.Count ? _firstEvent[(int)Math.Max(1, revision)] : Events.Count;

    /// <summary>The next entry of the committed log.</summary>
    /// <param name="request">Null when the entry is no command.</param>
    public void Apply(StoreRequest? request)
    {
        _eventsBefore = Events.Count;
        long? repeated = null;
        bool isNew = false;
        string answer = request is null ? "" : request.Session.IsNone ? Answer(request) : AnswerInSession(request, out repeated, out isNew);
        if (Events.Count > _eventsBefore)
        {
            Revision++;
            _states.Add(_now);
            _firstEvent.Add(_eventsBefore);
        }
        _byIndex.Add(new IndexState(Revision, Compacted, repeated ?? Revision, answer));
        if (isNew) _sessions[request!.Session.Id] = (request.Session.Sequence, answer, Revision); // only requests are new
    }

    /// <summary>What a read of the state after an entry must give.</summary>
    public string Read(RangeRequest range, LogIndex index)
    {
        IndexState at = At(index);
        if (range.Revision > at.Revision) return nameof(StoreError.FutureRevision);
        if (range.Revision > 0 && range.Revision < at.Compacted) return nameof(StoreError.Compacted);
        return Range(range, _states[(int)(range.Revision > 0 ? range.Revision : at.Revision)]);
    }

    public static bool InRange(string key, string start, string end) => end switch
    {
        "" => key == start,
        "\0" => string.CompareOrdinal(key, start) >= 0,
        _ => string.CompareOrdinal(key, start) >= 0 && string.CompareOrdinal(key, end) < 0,
    };

    private long HeaderRevision => Events.Count > _eventsBefore ? Revision + 1 : Revision;

    /// <summary>A session keeps its last answer, a refusal included, for as long as its lease lives.</summary>
    private string AnswerInSession(StoreRequest request, out long? repeated, out bool isNew)
    {
        (long id, ulong sequence) = request.Session;
        (repeated, isNew) = (null, false);
        if (!_leases.ContainsKey(id)) return nameof(StoreError.LeaseNotFound);
        isNew = !_sessions.TryGetValue(id, out (ulong Sequence, string Answer, long Revision) last) || sequence > last.Sequence;
        if (isNew) return Answer(request);
        if (sequence < last.Sequence) return nameof(StoreError.SequenceTooOld);
        repeated = last.Revision;
        return last.Answer;
    }

    private string Answer(StoreRequest request)
    {
        switch (request)
        {
            case PutRequest put when put.Lease != 0 && !_leases.ContainsKey(put.Lease): return nameof(StoreError.LeaseNotFound);
            case TxnRequest txn: return Txn(txn);
            case QueueTxnRequest queue: return Txn(queue.Meaning);
            case ServerTxnRequest server: return Txn(server.Meaning);
            case StoreOperation operation: return Run(operation);
            case CompactRequest compact when compact.Revision <= Compacted: return nameof(StoreError.Compacted);
            case CompactRequest compact when compact.Revision > Revision: return nameof(StoreError.FutureRevision);
            case CompactRequest compact:
                Compacted = compact.Revision;
                return "";
            case LeaseGrantRequest grant:
                return _leases.TryAdd(grant.Id, grant.TtlSeconds) ? StoreAnswer.Granted(grant.Id, grant.TtlSeconds) : nameof(StoreError.LeaseExists);
            case LeaseRevokeRequest revoke: return Revoke(revoke.Id);
            case AttributesRequest: return "";
            default: throw new SimulationFailure($"The oracle does not know {request.GetType().Name}.");
        }
    }

    private string Run(StoreOperation operation) => operation switch
    {
        PutRequest put => Put(put),
        DeleteRequest delete => Delete(delete),
        RangeRequest range => Range(range, _now),
        _ => throw new SimulationFailure($"The oracle does not know {operation.GetType().Name} inside a transaction."),
    };

    private string Put(PutRequest put)
    {
        OracleKey? before = _now.GetValueOrDefault(put.Key);
        var now = new OracleKey(put.Key, before?.Create ?? Revision + 1, Revision + 1, (before?.Version ?? 0) + 1, put.IgnoreValue ? before!.Value : put.Value, put.Lease); // only asked for where there is one
        _now = _now.SetItem(put.Key, now);
        Events.Add(new OracleEvent(Revision + 1, put.Key, now, before));
        return StoreAnswer.Put(put.Previous ? before : null);
    }

    private string Delete(DeleteRequest delete)
    {
        List<OracleKey> gone = [.. _now.Values.Where(key => InRange(key.Key, delete.Key, delete.End))];
        foreach (OracleKey key in gone)
        {
            _now = _now.Remove(key.Key);
            Events.Add(new OracleEvent(Revision + 1, key.Key, null, key));
        }
        return StoreAnswer.Delete(gone.Count, delete.Previous ? gone : []);
    }

    private string Revoke(long id)
    {
        if (!_leases.Remove(id)) return nameof(StoreError.LeaseNotFound);
        _sessions.Remove(id);
        foreach (OracleKey key in _now.Values.Where(key => key.Lease == id).ToList()) Delete(new DeleteRequest(key.Key));
        return "";
    }

    private static string Range(RangeRequest range, ImmutableSortedDictionary<string, OracleKey> state)
    {
        List<OracleKey> found = [.. state.Values.Where(key => InRange(key.Key, range.Key, range.End))];
        if (range.CountOnly) return StoreAnswer.Range([], more: false, found.Count);
        bool more = range.Limit > 0 && range.Limit < found.Count;
        IEnumerable<OracleKey> cut = more ? found.Take((int)range.Limit) : found;
        return StoreAnswer.Range(cut.Select(key => range.KeysOnly ? key with { Value = "" } : key), more, found.Count);
    }

    private string Txn(TxnRequest txn)
    {
        bool succeeded = txn.Compares.All(Holds);
        StoreOperation[] operations = succeeded ? txn.Success : txn.Failure;
        if (operations.Any(o => o is PutRequest { Lease: not 0 } put && !_leases.ContainsKey(put.Lease))) return nameof(StoreError.LeaseNotFound);
        var answers = new List<string>();
        foreach (StoreOperation operation in operations)
        {
            string answer = Run(operation);
            answers.Add(StoreAnswer.Operation(HeaderRevision, answer));
        }
        return StoreAnswer.Txn(succeeded, answers);
    }

    private bool Holds(CompareRequest compare)
    {
        OracleKey? key = _now.GetValueOrDefault(compare.Key);
        if (compare.Target == CompareTarget.Value && key is null) return false;
        int order = compare.Target switch
        {
            CompareTarget.Version => (key?.Version ?? 0).CompareTo(compare.Number),
            CompareTarget.Create => (key?.Create ?? 0).CompareTo(compare.Number),
            CompareTarget.Mod => (key?.Mod ?? 0).CompareTo(compare.Number),
            CompareTarget.Value => string.CompareOrdinal(key!.Value, compare.Value), // looked at above
            _ => (key?.Lease ?? 0).CompareTo(compare.Number),
        };
        return compare.Result switch { CompareResult.Equal => order == 0, CompareResult.Greater => order > 0, CompareResult.Less => order < 0, _ => order != 0 };
    }
}
