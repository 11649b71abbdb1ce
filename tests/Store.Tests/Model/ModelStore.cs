using System.Collections.Immutable;

namespace Conclave.Store.Tests;

public sealed record ModelKv(string Key, long Create, long Mod, long Version, string Value, long Lease)
{
    public override string ToString() => $"{Key}(c{Create} m{Mod} v{Version} l{Lease})={Value}";
}

/// <summary>A change: a kv, or null for a delete; and what was there before.</summary>
public sealed record ModelEvent(long Revision, string Key, ModelKv? Now, ModelKv? Before);

/// <summary>The store as one would explain it: a copy of all keys per revision. Answers are texts, as <see cref="AnswerText"/> renders the store's.</summary>
public sealed class ModelStore
{
    private readonly Dictionary<long, ImmutableSortedDictionary<string, ModelKv>> _states =
        new() { [1] = ImmutableSortedDictionary.Create<string, ModelKv>(StringComparer.Ordinal) };

    private ImmutableSortedDictionary<string, ModelKv> _now = ImmutableSortedDictionary.Create<string, ModelKv>(StringComparer.Ordinal);
    private int _changes;

    public long Revision { get; private set; } = 1;
    public long Compacted { get; private set; } = -1;
    public SortedDictionary<long, long> Leases { get; } = [];
    public SortedSet<(int Alarm, ulong Member)> Alarms { get; } = [];
    public List<ModelEvent> Events { get; } = [];
    public IEnumerable<string> AttachedTo(long lease) => _now.Values.Where(kv => kv.Lease == lease).Select(kv => kv.Key);
    public int KeyCount => _now.Count;

    /// <summary>Applies a command. The text is the answer, or the error alone.</summary>
    public string Apply(Request request)
    {
        string answer = request is AlarmOf alarm ? Alarm(alarm) : Alarms.Any(a => a.Alarm == 2) ? nameof(StoreError.Corrupt) : request switch
        {
            PutOf put => SinglePut(put),
            DeleteOf delete => Delete(delete),
            TxnOf txn => Txn(txn),
            CompactTo compaction => Compact(compaction.Revision),
            GrantOf grant => Grant(grant),
            RevokeOf revoke => Revoke(revoke.Id),
            _ => throw new ArgumentException("no command"),
        };
        if (_changes > 0)
            _states[++Revision] = _now;
        _changes = 0;
        return answer;
    }

    public string Read(Request request) => request switch
    {
        RangeOf range => CheckRange(range) is { } error ? error : Range(range),
        TxnOf txn => Txn(txn),
        _ => throw new ArgumentException("no read"),
    };

    private bool NoSpace => Alarms.Any(a => a.Alarm == 1);

    private long HeaderRevision => _changes > 0 ? Revision + 1 : Revision;

    public static bool InRange(string key, string start, string end) => end switch
    {
        "" => key == start,
        "\0" => string.CompareOrdinal(key, start) >= 0,
        _ => string.CompareOrdinal(key, start) >= 0 && string.CompareOrdinal(key, end) < 0,
    };

    private string SinglePut(PutOf put)
    {
        if (NoSpace)
            return nameof(StoreError.NoSpace);
        if (put.Lease != 0 && !Leases.ContainsKey(put.Lease))
            return nameof(StoreError.LeaseNotFound);
        if ((put.IgnoreValue || put.IgnoreLease) && !_now.ContainsKey(put.Key))
            return nameof(StoreError.KeyNotFound);
        return Put(put);
    }

    private string Put(PutOf put)
    {
        ModelKv? before = _now.GetValueOrDefault(put.Key);
        var kv = new ModelKv(put.Key, before?.Create ?? Revision + 1, Revision + 1, (before?.Version ?? 0) + 1,
            put.IgnoreValue ? before!.Value : put.Value, put.IgnoreLease ? before!.Lease : put.Lease);
        _now = _now.SetItem(put.Key, kv);
        Note(put.Key, kv, before);
        return AnswerText.Put(put.Previous ? before : null);
    }

    private string Delete(DeleteOf delete)
    {
        List<ModelKv> gone = [.. _now.Values.Where(kv => InRange(kv.Key, delete.Key, delete.End))];
        foreach (ModelKv kv in gone)
        {
            _now = _now.Remove(kv.Key);
            Note(kv.Key, null, kv);
        }

        return AnswerText.Delete(gone.Count, delete.Previous ? gone : []);
    }

    private void Note(string key, ModelKv? now, ModelKv? before)
    {
        Events.Add(new ModelEvent(Revision + 1, key, now, before));
        _changes++;
    }

    private string Compact(long revision)
    {
        if (revision <= Compacted)
            return nameof(StoreError.Compacted);
        if (revision > Revision)
            return nameof(StoreError.FutureRevision);
        Compacted = revision;
        return "";
    }

    private string Grant(GrantOf grant)
    {
        if (NoSpace)
            return nameof(StoreError.NoSpace);
        if (grant.Id == 0)
            return nameof(StoreError.LeaseNotFound);
        return Leases.TryAdd(grant.Id, grant.Ttl) ? $"granted {grant.Id} for {grant.Ttl}" : nameof(StoreError.LeaseExists);
    }

    private string Revoke(long id)
    {
        if (!Leases.Remove(id))
            return nameof(StoreError.LeaseNotFound);
        foreach (string key in AttachedTo(id).ToList())
            Delete(new DeleteOf(key));
        return "";
    }

    private string Alarm(AlarmOf alarm)
    {
        List<(int Alarm, ulong Member)> meant = [];
        if (alarm.Action == 0)
            meant.AddRange(Alarms.Where(a => (alarm.Alarm == 0 || a.Alarm == alarm.Alarm) && (alarm.Member == 0 || a.Member == alarm.Member)));
        else if (alarm.Alarm is 1 or 2 && (alarm.Action == 1 || Alarms.Contains((alarm.Alarm, alarm.Member))))
            meant.Add((alarm.Alarm, alarm.Member));
        if (alarm.Action == 1)
            Alarms.UnionWith(meant);
        if (alarm.Action == 2)
            Alarms.ExceptWith(meant);
        return AnswerText.Alarms(meant);
    }

    private string? CheckRange(RangeOf range)
    {
        if (range.Revision > Revision)
            return nameof(StoreError.FutureRevision);
        return range.Revision > 0 && range.Revision < Compacted ? nameof(StoreError.Compacted) : null;
    }

    private string Range(RangeOf range)
    {
        var state = range.Revision > 0 ? _states[range.Revision] : _now;
        List<ModelKv> found = [.. state.Values.Where(kv => InRange(kv.Key, range.Key, range.End))];
        int count = found.Count;
        if (range.CountOnly)
            return AnswerText.Range([], false, count);
        found.RemoveAll(kv => !Within(kv.Mod, range.ModMin, range.ModMax) || !Within(kv.Create, range.CreateMin, range.CreateMax));
        IEnumerable<ModelKv> sorted = (range.Target, range.Order) switch
        {
            (0, 2) => found.AsEnumerable().Reverse(),
            (0, _) => found,
            (4, 2) => found.OrderByDescending(kv => kv.Value, StringComparer.Ordinal),
            (4, _) => found.OrderBy(kv => kv.Value, StringComparer.Ordinal),
            (_, 2) => found.OrderByDescending(Number),
            _ => found.OrderBy(Number),
        };
        bool more = range.Limit > 0 && range.Limit < found.Count;
        IEnumerable<ModelKv> cut = range.Limit > 0 ? sorted.Take((int)range.Limit) : sorted;
        return AnswerText.Range(cut.Select(kv => range.KeysOnly ? kv with { Value = "" } : kv), more, count);

        long Number(ModelKv kv) => range.Target switch { 1 => kv.Version, 2 => kv.Create, _ => kv.Mod };
    }

    private static bool Within(long value, long min, long max) => (min == 0 || value >= min) && (max == 0 || value <= max);

    private string Txn(TxnOf txn)
    {
        if (NoSpace && HasPut(txn))
            return nameof(StoreError.NoSpace);
        Dictionary<TxnOf, bool> branches = new(ReferenceEqualityComparer.Instance);
        Decide(txn, branches);
        return CheckPuts(txn, branches) ?? CheckRanges(txn, branches) ?? Run(txn, branches);
    }

    private static bool HasPut(TxnOf txn) => txn.Success.Concat(txn.Failure).Any(o => o is PutOf || (o is TxnOf t && HasPut(t)));

    private static Request[] Taken(TxnOf txn, Dictionary<TxnOf, bool> branches) => branches[txn] ? txn.Success : txn.Failure;

    private void Decide(TxnOf txn, Dictionary<TxnOf, bool> branches)
    {
        branches[txn] = txn.Compares.All(Holds);
        foreach (TxnOf nested in Taken(txn, branches).OfType<TxnOf>())
            Decide(nested, branches);
    }

    private bool Holds(CompareOf compare)
    {
        List<ModelKv> found = [.. _now.Values.Where(kv => InRange(kv.Key, compare.Key, compare.End))];
        return found.Count == 0 ? Holds(compare, null) : found.All(kv => Holds(compare, kv));
    }

    private static bool Holds(CompareOf compare, ModelKv? kv)
    {
        if (compare.Target == 3 && kv is null)
            return false;
        bool matches = (compare.Member ?? compare.Target) == compare.Target;
        int order = compare.Target switch
        {
            0 => (kv?.Version ?? 0).CompareTo(matches ? compare.Number : 0),
            1 => (kv?.Create ?? 0).CompareTo(matches ? compare.Number : 0),
            2 => (kv?.Mod ?? 0).CompareTo(matches ? compare.Number : 0),
            3 => string.CompareOrdinal(kv!.Value, matches ? compare.Value : ""),
            _ => (kv?.Lease ?? 0).CompareTo(matches ? compare.Number : 0),
        };
        return compare.Result switch { 0 => order == 0, 1 => order > 0, 2 => order < 0, _ => order != 0 };
    }

    private string? CheckPuts(TxnOf txn, Dictionary<TxnOf, bool> branches) => Taken(txn, branches).Select(operation => operation switch
    {
        PutOf put when (put.IgnoreValue || put.IgnoreLease) && !_now.ContainsKey(put.Key) => nameof(StoreError.KeyNotFound),
        PutOf put when put.Lease != 0 && !Leases.ContainsKey(put.Lease) => nameof(StoreError.LeaseNotFound),
        TxnOf nested => CheckPuts(nested, branches),
        _ => null,
    }).FirstOrDefault(error => error is not null);

    private string? CheckRanges(TxnOf txn, Dictionary<TxnOf, bool> branches) => Taken(txn, branches).Select(operation => operation switch
    {
        RangeOf range => CheckRange(range),
        TxnOf nested => CheckRanges(nested, branches),
        _ => null,
    }).FirstOrDefault(error => error is not null);

    private string Run(TxnOf txn, Dictionary<TxnOf, bool> branches)
    {
        List<string> answers = [];
        foreach (Request operation in Taken(txn, branches))
        {
            string answer;
            switch (operation)
            {
                case RangeOf range: answer = AnswerText.Header(HeaderRevision) + Range(range); break;
                case PutOf put:
                    answer = Put(put);
                    answer = AnswerText.Header(HeaderRevision) + answer;
                    break;
                case DeleteOf delete:
                    answer = Delete(delete);
                    answer = AnswerText.Header(HeaderRevision) + answer;
                    break;
                case TxnOf nested: answer = AnswerText.Header(0) + Run(nested, branches); break;
                default: throw new ArgumentException("no operation");
            }

            answers.Add(answer);
        }

        return AnswerText.Txn(branches[txn], answers);
    }
}
