namespace Conclave.Store.Requests;

/// <summary>Validates a transaction and all it nests, in etcd's order: counts, keys and options first, then repeated keys.</summary>
internal ref struct TxnCheck(int maxOps, int maxInAll = TxnCheck.OperationsMax)
{
    /// <summary>
    /// Operations of a transaction with everything it nests. etcd has no such bound, yet its allowance per level lets a
    /// small request name billions; nothing real comes near this.
    /// </summary>
    public const int OperationsMax = 4096;

    /// <summary>Levels of nesting: etcd's allowance of 128 is used up by then, whatever the caller allowed.</summary>
    private const int DepthMax = 130;

    private int _operations;

    public bool ReadOnly { get; private set; } = true;

    /// <summary>Every Range on the top level says serializable.</summary>
    public bool Serializable { get; private set; } = true;

    public bool HasPut { get; private set; }

    /// <summary>There are two operations in one branch that could touch the same key.</summary>
    private bool _mayRepeatKeys;

    public StoreError Check(ReadOnlySpan<byte> request)
    {
        StoreError error = CheckLevel(request, maxOps, depth: 0);
        if (error != StoreError.None || !_mayRepeatKeys)
            return error;
        return RepeatedKeys.Check(request, _operations);
    }

    private StoreError CheckLevel(ReadOnlySpan<byte> txn, int allowance, int depth)
    {
        if (!TryCount(txn, TxnParts.Compares, out int compares) || !TryCount(txn, TxnParts.Success, out int success)
            || !TryCount(txn, TxnParts.Failure, out int failure))
            return StoreError.Malformed;
        int most = Math.Max(compares, Math.Max(success, failure));
        _operations += compares + success + failure;
        if (most > allowance || _operations > maxInAll || depth > DepthMax)
            return StoreError.TooManyOperations;

        var parts = new TxnParts(txn, TxnParts.Compares);
        while (parts.Next())
        {
            if (!Compare.TryParse(parts.Current, out Compare compare))
                return StoreError.Malformed;
            if (compare.Key.IsEmpty)
                return StoreError.KeyNotProvided;
        }

        StoreError error = CheckBranch(txn, TxnParts.Success, success, allowance - most, depth);
        return error != StoreError.None ? error : CheckBranch(txn, TxnParts.Failure, failure, allowance - most, depth);
    }

    private static bool TryCount(ReadOnlySpan<byte> txn, uint kind, out int count)
    {
        count = 0;
        var parts = new TxnParts(txn, kind);
        while (parts.Next())
            count++;
        return !parts.Failed;
    }

    private StoreError CheckBranch(ReadOnlySpan<byte> txn, uint branch, int operations, int allowance, int depth)
    {
        bool changes = false;
        var parts = new TxnParts(txn, branch);
        while (parts.Next())
        {
            if (!RequestOperation.TryParse(parts.Current, out RequestOperation operation))
                return StoreError.Malformed;
            StoreError error = CheckOperation(operation, allowance, depth);
            if (error != StoreError.None)
                return error;
            changes |= operation.Kind is OperationKind.Put or OperationKind.Txn;
        }

        _mayRepeatKeys |= changes && operations > 1;
        return StoreError.None;
    }

    private StoreError CheckOperation(in RequestOperation operation, int allowance, int depth)
    {
        switch (operation.Kind)
        {
            case OperationKind.Range:
                if (!RangeRequest.TryParse(operation.Body, out RangeRequest range))
                    return StoreError.Malformed;
                if (depth == 0)
                    Serializable &= range.Serializable;
                return range.Check();
            case OperationKind.Put:
                ReadOnly = Serializable = false;
                HasPut = true;
                return PutRequest.TryParse(operation.Body, out PutRequest put) ? put.Check() : StoreError.Malformed;
            case OperationKind.DeleteRange:
                ReadOnly = Serializable = false;
                return DeleteRangeRequest.TryParse(operation.Body, out DeleteRangeRequest delete) ? delete.Check() : StoreError.Malformed;
            case OperationKind.Txn:
                ReadOnly = Serializable = false;
                return CheckLevel(operation.Body, allowance, depth + 1);
            default:
                return StoreError.KeyNotFound;
        }
    }
}
