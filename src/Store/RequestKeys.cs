using Conclave.Store.Requests;

namespace Conclave.Store;

/// <summary>Which keys a request is about, for people who read logs.</summary>
public static class RequestKeys
{
    /// <summary>The first range that a command writes; of a transaction, or if it writes none, that it reads or compares.</summary>
    /// <param name="kind">Of the command.</param>
    /// <param name="body">Any bytes.</param>
    /// <param name="key">First key.</param>
    /// <param name="rangeEnd">As on the wire.</param>
    /// <param name="others">Further operations of the same transaction, both branches together and not those it nests.</param>
    /// <returns>False when it is about no key.</returns>
    public static bool TryFirst(CommandKind kind, ReadOnlySpan<byte> body, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> rangeEnd, out int others)
    {
        key = rangeEnd = default;
        others = 0;
        switch (kind)
        {
            case CommandKind.Put:
                PutRequest.TryParse(body, out PutRequest put);
                key = put.Key;
                break;
            case CommandKind.DeleteRange:
                DeleteRangeRequest.TryParse(body, out DeleteRangeRequest delete);
                key = delete.Key;
                rangeEnd = delete.RangeEnd;
                break;
            case CommandKind.Txn:
                OfTransaction(body, ref key, ref rangeEnd, ref others);
                break;
        }

        return !key.IsEmpty;
    }

    /// <summary>The range that a RangeRequest asks for.</summary>
    /// <returns>False when the bytes are none, or name no key.</returns>
    public static bool TryRange(ReadOnlySpan<byte> request, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> rangeEnd)
    {
        bool parsed = RangeRequest.TryParse(request, out RangeRequest range);
        key = range.Key;
        rangeEnd = range.RangeEnd;
        return parsed && !key.IsEmpty;
    }

    /// <summary>Whether a transaction deletes, in either branch and however deep, a range that reaches into another one. A single key is no range.</summary>
    /// <param name="txn">A TxnRequest that was checked. Nothing is copied: this is done for each transaction that is applied.</param>
    /// <param name="first">First key of the other range.</param>
    /// <param name="end">The key behind it.</param>
    public static bool DeletesInto(ReadOnlySpan<byte> txn, ReadOnlySpan<byte> first, ReadOnlySpan<byte> end)
    {
        foreach (uint branch in (ReadOnlySpan<uint>)[TxnParts.Success, TxnParts.Failure])
        {
            var operations = new TxnParts(txn, branch);
            while (operations.Next())
            {
                RequestOperation.TryParse(operations.Current, out RequestOperation operation);
                if (operation.Kind == OperationKind.Txn && DeletesInto(operation.Body, first, end))
                    return true;
                if (operation.Kind == OperationKind.DeleteRange && DeleteRangeRequest.TryParse(operation.Body, out DeleteRangeRequest delete) && ReachesInto(delete, first, end))
                    return true;
            }
        }

        return false;
    }

    /// <summary>The same for a DeleteRangeRequest.</summary>
    public static bool IsDeleteInto(ReadOnlySpan<byte> deleteRange, ReadOnlySpan<byte> first, ReadOnlySpan<byte> end) =>
        DeleteRangeRequest.TryParse(deleteRange, out DeleteRangeRequest delete) && ReachesInto(delete, first, end);

    // One zero byte as the end is everything from the key on.
    private static bool ReachesInto(in DeleteRangeRequest delete, ReadOnlySpan<byte> first, ReadOnlySpan<byte> end) =>
        !delete.RangeEnd.IsEmpty && delete.Key.SequenceCompareTo(end) < 0 && (delete.RangeEnd is [0] || delete.RangeEnd.SequenceCompareTo(first) > 0);

    private static void OfTransaction(ReadOnlySpan<byte> body, ref ReadOnlySpan<byte> key, ref ReadOnlySpan<byte> rangeEnd, ref int others)
    {
        bool writes = false;
        int count = 0;
        foreach (uint branch in (ReadOnlySpan<uint>)[TxnParts.Success, TxnParts.Failure])
        {
            var operations = new TxnParts(body, branch);
            while (operations.Next())
            {
                count++;
                RequestOperation.TryParse(operations.Current, out RequestOperation operation);
                bool isWrite = operation.Kind is OperationKind.Put or OperationKind.DeleteRange;
                if (!key.IsEmpty && (writes || !isWrite))
                    continue;
                // Key and range end have the same numbers in all three; in a put the second field is the value, which is nobody's business.
                RangeRequest.TryParse(operation.Body, out RangeRequest range);
                key = operation.Kind == OperationKind.Txn ? default : range.Key;
                rangeEnd = operation.Kind is OperationKind.Put or OperationKind.Txn ? default : range.RangeEnd;
                writes = isWrite;
            }
        }

        var compares = new TxnParts(body, TxnParts.Compares);
        if (key.IsEmpty && compares.Next())
        {
            Compare.TryParse(compares.Current, out Compare compare);
            key = compare.Key;
            rangeEnd = compare.RangeEnd;
        }

        others = Math.Max(0, count - 1);
    }
}
