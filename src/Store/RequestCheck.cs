namespace Conclave.Store;

/// <summary>Validation of client requests before they cost a log entry. Cheap, and total: no bytes make it throw.</summary>
public static class RequestCheck
{
    public static StoreError Put(ReadOnlySpan<byte> request) => throw new NotSupportedException();
    public static StoreError DeleteRange(ReadOnlySpan<byte> request) => throw new NotSupportedException();
    public static StoreError Range(ReadOnlySpan<byte> request, out bool serializable) => throw new NotSupportedException();
    public static StoreError Compact(ReadOnlySpan<byte> request, out long revision, out bool physical) => throw new NotSupportedException();

    /// <param name="request">A TxnRequest.</param>
    /// <param name="readOnly">Only Range operations on the top level, in both branches: needs no log entry.</param>
    /// <param name="serializable">Read-only, and every Range says serializable.</param>
    /// <param name="writes">A Put somewhere, nested or not: what the NOSPACE alarm refuses.</param>
    /// <param name="maxOps">Allowance for compares and for the operations of each branch; nested transactions share it.</param>
    public static StoreError Txn(ReadOnlySpan<byte> request, out bool readOnly, out bool serializable, out bool writes, int maxOps = 128) => throw new NotSupportedException();
    public static StoreError LeaseGrant(ReadOnlySpan<byte> request, out long id, out long ttlSeconds) => throw new NotSupportedException();
    public static StoreError LeaseRevoke(ReadOnlySpan<byte> request, out long id) => throw new NotSupportedException();
    public static StoreError Alarm(ReadOnlySpan<byte> request, out bool readOnly) => throw new NotSupportedException();
}
