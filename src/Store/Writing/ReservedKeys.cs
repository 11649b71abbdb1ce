using Conclave.Store.Reading;
using Conclave.Store.Requests;

namespace Conclave.Store.Writing;

/// <summary>Keys that only <see cref="CommandKind.ServerTxn"/> writes. Reading and watching them is free.</summary>
internal static class ReservedKeys
{
    private static ReadOnlySpan<byte> Prefix => "/conclave/"u8;

    /// <summary>The first key behind all reserved ones: the prefix with its last byte one higher.</summary>
    private static ReadOnlySpan<byte> End => "/conclave0"u8;

    public static bool Contains(ReadOnlySpan<byte> key) => key.StartsWith(Prefix);

    public static bool IsWrittenBy(in PutRequest put) => Contains(put.Key);

    /// <summary>Whether a deletion would take reserved keys away. One over a range that holds none is let pass, as "everything" on an empty store is.</summary>
    public static bool AreDeletedBy(in DeleteRangeRequest delete, StoreState state)
    {
        var range = new KeyRange(delete.Key, delete.RangeEnd);
        if (range.IsSingle)
            return Contains(delete.Key) && state.FindLive(delete.Key) is not null;
        bool isBehind = delete.Key.SequenceCompareTo(End) >= 0;
        bool isBefore = !range.IsOpen && delete.RangeEnd.SequenceCompareTo(Prefix) <= 0;
        if (isBehind || isBefore)
            return false;
        ReadOnlySpan<byte> first = delete.Key.SequenceCompareTo(Prefix) > 0 ? delete.Key : Prefix;
        ReadOnlySpan<byte> end = range.IsOpen || delete.RangeEnd.SequenceCompareTo(End) > 0 ? End : delete.RangeEnd;
        return new KeyScan(state.Now, new KeyRange(first, end), state.Revision + 1).Next();
    }

    /// <summary>Whether a transaction, in the branches that it takes, would do either.</summary>
    /// <param name="txn">Checked.</param>
    /// <param name="branches">As <see cref="TxnBranches.Decide"/> found them.</param>
    /// <param name="next">The first of them that belongs to this transaction.</param>
    /// <param name="state">What there is.</param>
    public static bool AreTouchedBy(ReadOnlySpan<byte> txn, List<bool> branches, ref int next, StoreState state)
    {
        bool touched = false;
        var operations = new TxnParts(txn, branches[next++] ? TxnParts.Success : TxnParts.Failure);
        while (operations.Next())
        {
            RequestOperation.TryParse(operations.Current, out RequestOperation operation);
            touched |= operation.Kind switch
            {
                OperationKind.Put => PutRequest.TryParse(operation.Body, out PutRequest put) && IsWrittenBy(put),
                OperationKind.DeleteRange => DeleteRangeRequest.TryParse(operation.Body, out DeleteRangeRequest delete) && AreDeletedBy(delete, state),
                OperationKind.Txn => AreTouchedBy(operation.Body, branches, ref next, state),
                _ => false,
            };
        }

        return touched;
    }
}
