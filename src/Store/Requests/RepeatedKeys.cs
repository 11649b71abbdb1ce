using System.Buffers;

namespace Conclave.Store.Requests;

/// <summary>Refuses a transaction that could put a key twice, or put and delete it, in one run.</summary>
/// <remarks>
/// All puts and deletes are listed in the order in which they stand, nested ones too. Two of them meet where their
/// paths part: within one branch they conflict, in the two branches of one nested transaction they do not. Each pair
/// is looked at once, in the branch where the paths part. Stricter than etcd in one point, as the contract asks: a
/// nested put followed by a later sibling's delete of the same key is refused too, because the order does not matter.
/// </remarks>
internal ref struct RepeatedKeys
{
    private readonly ReadOnlySpan<byte> _request;
    private readonly Span<Touch> _touches;
    private int _count;

    private RepeatedKeys(ReadOnlySpan<byte> request, Span<Touch> touches)
    {
        _request = request;
        _touches = touches;
    }

    /// <param name="request">A transaction that is otherwise valid.</param>
    /// <param name="operationsMax">At least as many operations as it holds, nested ones included.</param>
    public static StoreError Check(ReadOnlySpan<byte> request, int operationsMax)
    {
        Touch[]? rented = operationsMax > 32 ? ArrayPool<Touch>.Shared.Rent(operationsMax) : null;
        Span<Touch> touches = rented is null ? stackalloc Touch[32] : rented;
        try
        {
            var list = new RepeatedKeys(request, touches);
            return list.Branches(request) ? StoreError.None : StoreError.DuplicateKey;
        }
        finally
        {
            if (rented is not null)
                ArrayPool<Touch>.Shared.Return(rented);
        }
    }

    private bool Branches(ReadOnlySpan<byte> txn) => Branch(txn, TxnParts.Success) && Branch(txn, TxnParts.Failure);

    private bool Branch(ReadOnlySpan<byte> txn, uint branch)
    {
        int start = _count;
        var parts = new TxnParts(txn, branch);
        while (parts.Next())
        {
            int first = _count;
            RequestOperation.TryParse(parts.Current, out RequestOperation operation);
            if (operation.Kind == OperationKind.Txn)
            {
                if (!Branches(operation.Body))
                    return false;
            }
            else
            {
                Add(operation);
            }

            for (int later = first; later < _count; later++)
            {
                for (int earlier = start; earlier < first; earlier++)
                {
                    if (Conflict(_touches[earlier], _touches[later]))
                        return false;
                }
            }
        }

        return true;
    }

    private void Add(in RequestOperation operation)
    {
        if (operation.Kind == OperationKind.Put)
        {
            PutRequest.TryParse(operation.Body, out PutRequest put);
            _touches[_count++] = new Touch { IsPut = true, Key = Place(put.Key), KeyHash = Hash(put.Key) };
        }
        else if (operation.Kind == OperationKind.DeleteRange)
        {
            DeleteRangeRequest.TryParse(operation.Body, out DeleteRangeRequest delete);
            _touches[_count++] = new Touch { Key = Place(delete.Key), RangeEnd = Place(delete.RangeEnd) };
        }
    }

    private readonly bool Conflict(in Touch a, in Touch b)
    {
        if (a.IsPut && b.IsPut)
            return a.KeyHash == b.KeyHash && At(a.Key).SequenceEqual(At(b.Key));
        if (a.IsPut)
            return new KeyRange(At(b.Key), At(b.RangeEnd)).Contains(At(a.Key));
        return b.IsPut && new KeyRange(At(a.Key), At(a.RangeEnd)).Contains(At(b.Key));
    }

    private readonly ReadOnlySpan<byte> At(Range place) => _request[place];

    private readonly Range Place(ReadOnlySpan<byte> part) =>
        !part.IsEmpty && _request.Overlaps(part, out int offset) ? offset..(offset + part.Length) : default;

    private static uint Hash(ReadOnlySpan<byte> key)
    {
        uint hash = 2166136261;
        foreach (byte b in key)
            hash = (hash ^ b) * 16777619;
        return hash;
    }

    /// <summary>A put or a delete; keys as places in the request, so that the list can live in an array.</summary>
    private struct Touch
    {
        public bool IsPut;
        public uint KeyHash;
        public Range Key, RangeEnd;
    }
}
