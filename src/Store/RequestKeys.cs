using Conclave.Store.Requests;

namespace Conclave.Store;

/// <summary>Which keys a request is about, for people who read logs.</summary>
public static class RequestKeys
{
    /// <param name="Key">First key.</param>
    /// <param name="RangeEnd">As on the wire.</param>
    public readonly record struct Named(byte[] Key, byte[] RangeEnd);

    /// <summary>The ranges that a command writes, in its order; of a transaction that writes none, those that it reads, or else compares.</summary>
    /// <param name="kind">Of the command.</param>
    /// <param name="body">Any bytes.</param>
    /// <param name="max">So many at most.</param>
    /// <param name="others">Further operations of the same transaction, both branches together and not those it nests.</param>
    /// <returns>Empty when it is about no key.</returns>
    public static IReadOnlyList<Named> Of(CommandKind kind, ReadOnlySpan<byte> body, int max, out int others)
    {
        others = 0;
        switch (kind)
        {
            case CommandKind.Put:
                PutRequest.TryParse(body, out PutRequest put);
                return put.Key.IsEmpty ? [] : [new Named(put.Key.ToArray(), [])];
            case CommandKind.DeleteRange:
                DeleteRangeRequest.TryParse(body, out DeleteRangeRequest delete);
                return delete.Key.IsEmpty ? [] : [new Named(delete.Key.ToArray(), delete.RangeEnd.ToArray())];
            case CommandKind.Txn:
                return OfTransaction(body, max, out others);
            default:
                return [];
        }
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

    /// <summary>The range that a WatchRequest which creates a watch asks for.</summary>
    /// <returns>False when the bytes are none, or name no key.</returns>
    public static bool TryWatch(ReadOnlySpan<byte> request, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> rangeEnd)
    {
        bool creates = WatchRequest.TryParse(request, out WatchRequest watch) & watch.Kind == WatchRequestKind.Create;
        WatchCreateRequest.TryParse(creates ? watch.Body : default, out WatchCreateRequest create);
        key = create.Key;
        rangeEnd = create.RangeEnd;
        return creates && !key.IsEmpty;
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

    private static List<Named> OfTransaction(ReadOnlySpan<byte> body, int max, out int others)
    {
        List<Named> writes = [], reads = [];
        int count = 0;
        foreach (uint branch in (ReadOnlySpan<uint>)[TxnParts.Success, TxnParts.Failure])
        {
            var operations = new TxnParts(body, branch);
            while (operations.Next())
            {
                count++;
                RequestOperation.TryParse(operations.Current, out RequestOperation operation);
                List<Named> named = operation.Kind is OperationKind.Put or OperationKind.DeleteRange ? writes : reads;
                // Key and range end have the same numbers in all three; in a put the second field is the value, which is nobody's business.
                RangeRequest.TryParse(operation.Body, out RangeRequest range);
                if (operation.Kind != OperationKind.Txn && !range.Key.IsEmpty && named.Count < max)
                    named.Add(new Named(range.Key.ToArray(), operation.Kind == OperationKind.Put ? [] : range.RangeEnd.ToArray()));
            }
        }

        List<Named> shown = writes.Count > 0 ? writes : reads;
        var compares = new TxnParts(body, TxnParts.Compares);
        if (shown.Count == 0 && compares.Next())
        {
            Compare.TryParse(compares.Current, out Compare compare);
            if (!compare.Key.IsEmpty) return OnlyCompared(compare, count, out others);
        }

        others = count - shown.Count;
        return shown;
    }

    private static List<Named> OnlyCompared(in Compare compare, int operations, out int others)
    {
        others = operations;
        return [new Named(compare.Key.ToArray(), compare.RangeEnd.ToArray())];
    }
}
