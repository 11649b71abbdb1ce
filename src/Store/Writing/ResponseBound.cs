using Conclave.Store.Protobuf;
using Conclave.Store.Reading;
using Conclave.Store.Requests;

namespace Conclave.Store.Writing;

/// <summary>Says before a command of a session changes anything whether its answer is small enough to be kept.</summary>
/// <remarks>
/// Nothing is undone here, so it has to be known in advance. What is added up is never less than the answer and mostly
/// the same. It is more where a transaction reads a range after it wrote something: then the range counts without its limit
/// (the writes may have moved others inside it) and every earlier put counts as if it lay in the range.
/// </remarks>
internal sealed class ResponseBound(StoreState state)
{
    /// <summary>Tags, lengths, revisions and counts around the answer of one operation.</summary>
    private const int OperationBytes = 64;

    /// <summary>Tag and length before a version.</summary>
    private const int FieldBytes = 6;

    private readonly ResponseBuffer _measured = new();
    private long _bytes, _putBytes;
    private bool _hasWritten;
    private int _next;

    public bool Fits(in PutRequest put)
    {
        Clear();
        Add(put);
        return Fits();
    }

    public bool Fits(in DeleteRangeRequest delete)
    {
        Clear();
        Add(delete);
        return Fits();
    }

    /// <param name="txn">Checked.</param>
    /// <param name="branches">As <see cref="TxnBranches.Decide"/> found them.</param>
    public bool Fits(ReadOnlySpan<byte> txn, List<bool> branches)
    {
        Clear();
        Add(txn, branches);
        _measured.Clear();
        return Fits();
    }

    /// <summary>No answer to what was last asked about is larger.</summary>
    public long Bytes => _bytes;

    private bool Fits() => _bytes <= SessionSequence.ResponseBytesMax;

    private void Clear()
    {
        (_bytes, _putBytes) = (OperationBytes, 0);
        _hasWritten = false;
        _next = 0;
    }

    private void Add(ReadOnlySpan<byte> txn, List<bool> branches)
    {
        var operations = new TxnParts(txn, branches[_next++] ? TxnParts.Success : TxnParts.Failure);
        while (operations.Next())
        {
            _bytes += OperationBytes;
            RequestOperation.TryParse(operations.Current, out RequestOperation operation);
            switch (operation.Kind)
            {
                case OperationKind.Range:
                    if (Fits() && RangeRequest.TryParse(operation.Body, out RangeRequest range))
                        Add(range);
                    break;
                case OperationKind.Put when PutRequest.TryParse(operation.Body, out PutRequest put):
                    Add(put);
                    break;
                case OperationKind.DeleteRange when DeleteRangeRequest.TryParse(operation.Body, out DeleteRangeRequest delete):
                    Add(delete);
                    break;
                case OperationKind.Txn:
                    Add(operation.Body, branches);
                    break;
            }
        }
    }

    private void Add(RangeRequest range)
    {
        if (_hasWritten && range.Revision <= 0)
        {
            range.Limit = 0;
            _bytes += _putBytes;
        }

        _measured.Clear();
        RangeQuery.Write(range, state.Now, _measured);
        _bytes += _measured.Length;
    }

    private void Add(in PutRequest put)
    {
        _hasWritten = true;
        int before = state.FindLive(put.Key)?.Length ?? 0;
        if (put.PreviousWanted)
            _bytes += FieldBytes + before;
        _putBytes += OperationBytes + put.Key.Length + Math.Max(put.Value.Length, before);
    }

    private void Add(in DeleteRangeRequest delete)
    {
        _hasWritten = true;
        if (!delete.PreviousWanted)
            return;
        var range = new KeyRange(delete.Key, delete.RangeEnd);
        if (range.IsSingle)
        {
            _bytes += FieldBytes + (state.FindLive(range.Start)?.Length ?? 0);
            return;
        }

        var scan = new KeyScan(state.Now, range, state.Revision + 1);
        while (Fits() && scan.Next())
            _bytes += FieldBytes + scan.Current.Length;
    }
}
