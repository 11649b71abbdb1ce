using Conclave.Store.Requests;

namespace Conclave.Store;

/// <summary>Validation of client requests before they cost a log entry. Cheap, and total: no bytes make it throw.</summary>
/// <remarks>Errors come in etcd's order of precedence. None of them needs the state; what needs it is said when the command is applied.</remarks>
public static class RequestCheck
{
    /// <summary>etcd's default for operations per transaction branch.</summary>
    public const int TxnOperationsDefault = 128;

    public static StoreError Put(ReadOnlySpan<byte> request) =>
        PutRequest.TryParse(request, out PutRequest put) ? put.Check() : StoreError.Malformed;

    public static StoreError DeleteRange(ReadOnlySpan<byte> request) =>
        DeleteRangeRequest.TryParse(request, out DeleteRangeRequest delete) ? delete.Check() : StoreError.Malformed;

    /// <param name="request">A RangeRequest.</param>
    /// <param name="serializable">The local state is good enough: no round to the leader.</param>
    public static StoreError Range(ReadOnlySpan<byte> request, out bool serializable)
    {
        bool parsed = RangeRequest.TryParse(request, out RangeRequest range);
        serializable = range.Serializable;
        return parsed ? range.Check() : StoreError.Malformed;
    }

    /// <param name="request">A TxnRequest.</param>
    /// <param name="readOnly">Only Range operations on the top level, in both branches: needs no log entry.</param>
    /// <param name="serializable">Read-only, and every Range says serializable.</param>
    /// <param name="writes">A Put somewhere, nested or not: what the NOSPACE alarm refuses.</param>
    /// <param name="maxOps">Allowance for compares and for the operations of each branch; a nested transaction gets what its parent leaves.</param>
    public static StoreError Txn(ReadOnlySpan<byte> request, out bool readOnly, out bool serializable, out bool writes, int maxOps = TxnOperationsDefault)
    {
        var check = new TxnCheck(maxOps);
        StoreError error = check.Check(request);
        readOnly = check.ReadOnly;
        serializable = check.Serializable;
        writes = check.HasPut;
        return error;
    }

    /// <param name="request">A CompactionRequest.</param>
    /// <param name="revision">The revision to compact to.</param>
    /// <param name="physical">Answer only when <see cref="StoreView.ReclaimedRevision"/> has reached it.</param>
    public static StoreError Compact(ReadOnlySpan<byte> request, out long revision, out bool physical)
    {
        bool parsed = CompactionRequest.TryParse(request, out CompactionRequest compaction);
        (revision, physical) = (compaction.Revision, compaction.Physical);
        return parsed ? StoreError.None : StoreError.Malformed;
    }

    /// <param name="request">A LeaseGrantRequest as the client sent it.</param>
    /// <param name="id">The id asked for; 0 when the server chooses.</param>
    /// <param name="ttlSeconds">The TTL asked for, not yet raised to the least one.</param>
    public static StoreError LeaseGrant(ReadOnlySpan<byte> request, out long id, out long ttlSeconds)
    {
        bool parsed = LeaseGrantRequest.TryParse(request, out LeaseGrantRequest grant);
        (id, ttlSeconds) = (grant.Id, grant.TtlSeconds);
        if (!parsed)
            return StoreError.Malformed;
        return ttlSeconds > LeaseGrantRequest.TtlSecondsMax ? StoreError.LeaseTtlTooLarge : StoreError.None;
    }

    public static StoreError LeaseRevoke(ReadOnlySpan<byte> request, out long id)
    {
        bool parsed = LeaseRevokeRequest.TryParse(request, out LeaseRevokeRequest revoke);
        id = revoke.Id;
        return parsed ? StoreError.None : StoreError.Malformed;
    }

    /// <summary>Whether a WatchRequest creates a watch, and does not cancel one or ask for progress.</summary>
    public static bool CreatesWatch(ReadOnlySpan<byte> request) => WatchRequest.TryParse(request, out WatchRequest watch) && watch.Kind == WatchRequestKind.Create;

    /// <param name="request">An AlarmRequest.</param>
    /// <param name="readOnly">It only asks, so <see cref="StoreView.AlarmGet"/> answers it without a log entry.</param>
    public static StoreError Alarm(ReadOnlySpan<byte> request, out bool readOnly)
    {
        bool parsed = AlarmRequest.TryParse(request, out AlarmRequest alarm);
        readOnly = alarm.Action == AlarmAction.Get;
        return parsed ? StoreError.None : StoreError.Malformed;
    }
}
