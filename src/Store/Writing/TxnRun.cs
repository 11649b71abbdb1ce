using Conclave.Store.Protobuf;
using Conclave.Store.Reading;
using Conclave.Store.Requests;

namespace Conclave.Store.Writing;

/// <summary>Runs a transaction: all branches are decided first, then everything that can fail is checked, then it is done.</summary>
internal sealed class TxnRun(StoreState state)
{
    internal const byte SucceededTag = 2 << 3;

    private const byte HeaderTag = 1 << 3 | 2, HeaderRevisionTag = 3 << 3, ResponsesTag = 3 << 3 | 2;
    private const byte PreviousTag = 2 << 3 | 2, DeletedTag = 2 << 3, PreviousListTag = 3 << 3 | 2;

    private readonly List<bool> _branches = [];
    private readonly List<byte[]> _deleted = [];
    private int _next;
    private OperationTally _looked, _done;

    /// <summary>Runs it, nothing of it, or all of it.</summary>
    /// <param name="request">A TxnRequest, any bytes.</param>
    /// <param name="noSpace">The NOSPACE alarm is raised.</param>
    /// <param name="response">Gets the TxnResponse without its header; null when nobody waits for it.</param>
    /// <param name="bound">What must find the response small enough; null for any size.</param>
    /// <param name="isServers">The server's own: it may write reserved keys, and any number of operations.</param>
    public StoreError Run(ReadOnlySpan<byte> request, bool noSpace, ResponseBuffer? response, ResponseBound? bound, bool isServers = false)
    {
        (_looked, _done) = (default, default);
        StoreError error = CheckAndExecute(request, noSpace, response, bound, isServers);
        state.Counts.Applied(state.AppliedIndex, _looked);
        state.Counts.Applied(state.AppliedIndex, _done);
        return error;
    }

    private static TxnParts Branch(ReadOnlySpan<byte> txn, bool succeeded) => new(txn, succeeded ? TxnParts.Success : TxnParts.Failure);

    private StoreError CheckAndExecute(ReadOnlySpan<byte> request, bool noSpace, ResponseBuffer? response, ResponseBound? bound, bool isServers)
    {
        // A log entry was checked by the member that proposed it. Checking again keeps the promise that one key
        // changes once per revision whatever stands in the log.
        var check = new TxnCheck(isServers ? int.MaxValue : TxnCheck.OperationsMax, isServers ? int.MaxValue : TxnCheck.OperationsMax);
        StoreError error = check.Check(request);
        if (error != StoreError.None)
            return error;
        if (noSpace && check.HasPut)
            return StoreError.NoSpace;

        _branches.Clear();
        bool isOld = state.Faults.HasFlag(StoreFaults.CompareOldRevision);
        _looked.Ranges = TxnBranches.Decide(request, isOld ? state.Now with { Current = state.Revision - 1 } : state.Now, _branches);
        _next = 0;
        if (!isServers && ReservedKeys.AreTouchedBy(request, _branches, ref _next, state))
            return StoreError.Reserved;
        _next = 0;
        error = CheckPuts(request);
        if (error != StoreError.None)
            return error;
        _next = 0;
        error = TxnBranches.CheckRanges(request, _branches, ref _next, state.Revision, state.CompactRevision);
        if (error != StoreError.None)
            return error;
        if (bound?.Fits(request, _branches) == false)
            return StoreError.ResponseTooLarge;
        _next = 0;
        Execute(request, response);
        return StoreError.None;
    }

    private StoreError CheckPuts(ReadOnlySpan<byte> txn)
    {
        TxnParts operations = Branch(txn, _branches[_next++]);
        while (operations.Next())
        {
            RequestOperation.TryParse(operations.Current, out RequestOperation operation);
            StoreError error = operation.Kind switch
            {
                OperationKind.Put => CheckPut(operation.Body),
                OperationKind.Txn => CheckPuts(operation.Body),
                _ => StoreError.None,
            };
            if (error != StoreError.None)
                return error;
        }

        return StoreError.None;
    }

    private StoreError CheckPut(ReadOnlySpan<byte> body)
    {
        PutRequest.TryParse(body, out PutRequest put);
        if (put.IgnoreValue || put.IgnoreLease)
        {
            _looked.Ranges++;
            if (state.FindLive(put.Key) is null)
                return StoreError.KeyNotFound;
        }

        return state.MayAttach(put.Lease) ? StoreError.None : StoreError.LeaseNotFound;
    }

    private void Execute(ReadOnlySpan<byte> txn, ResponseBuffer? response)
    {
        bool succeeded = _branches[_next++];
        if (succeeded)
            response?.WriteLong(SucceededTag, 1);
        TxnParts operations = Branch(txn, succeeded);
        while (operations.Next())
        {
            RequestOperation.TryParse(operations.Current, out RequestOperation operation);
            int start = response?.Length ?? 0;
            switch (operation.Kind)
            {
                case OperationKind.Range: Range(operation.Body, response); break;
                case OperationKind.Put: Put(operation.Body, response); break;
                case OperationKind.DeleteRange: DeleteRange(operation.Body, response); break;
                case OperationKind.Txn:
                    response?.WriteBytes(HeaderTag, []);
                    Execute(operation.Body, response);
                    break;
            }

            if (response is not null)
                CloseOperation(response, start, operation.Kind);
        }
    }

    private void Range(ReadOnlySpan<byte> body, ResponseBuffer? response)
    {
        _done.Ranges++;
        if (response is null)
            return;
        RangeRequest.TryParse(body, out RangeRequest range);
        WriteHeader(response, state.HeaderRevision);
        RangeQuery.Write(range, state.Now, response);
    }

    private void Put(ReadOnlySpan<byte> body, ResponseBuffer? response)
    {
        PutRequest.TryParse(body, out PutRequest put);
        bool done = state.TryPut(put, out byte[]? previous);
        Invariant.Holds(done, "The puts of a transaction were checked before it began.");
        _done.Put(put, previous);
        if (response is null)
            return;
        WriteHeader(response, state.HeaderRevision);
        if (put.PreviousWanted && previous is not null)
            response.WriteBytes(PreviousTag, previous);
    }

    private void DeleteRange(ReadOnlySpan<byte> body, ResponseBuffer? response)
    {
        DeleteRangeRequest.TryParse(body, out DeleteRangeRequest delete);
        _done.Delete(delete.PreviousWanted);
        state.Delete(new KeyRange(delete.Key, delete.RangeEnd), _deleted);
        if (response is not null)
        {
            WriteHeader(response, state.HeaderRevision);
            WriteDeleted(delete.PreviousWanted, _deleted, response);
        }

        _deleted.Clear();
    }

    /// <summary>The fields of a DeleteRangeResponse behind the header.</summary>
    public static void WriteDeleted(bool previousWanted, List<byte[]> deleted, ResponseBuffer response)
    {
        if (deleted.Count > 0)
            response.WriteLong(DeletedTag, deleted.Count);
        if (!previousWanted)
            return;
        foreach (byte[] wire in deleted)
            response.WriteBytes(PreviousListTag, wire);
    }

    /// <summary>Twice around: the response, inside a ResponseOp whose field has the number of the operation.</summary>
    internal static void CloseOperation(ResponseBuffer response, int start, OperationKind kind)
    {
        response.Enclose(start, (byte)((int)kind << 3 | 2));
        response.Enclose(start, ResponsesTag);
    }

    /// <summary>The header of a response inside a transaction: a revision and nothing else.</summary>
    internal static void WriteHeader(ResponseBuffer response, long revision)
    {
        int start = response.Length;
        response.WriteLong(HeaderRevisionTag, revision);
        response.Enclose(start, HeaderTag);
    }
}
