using System.Buffers;
using Conclave.Store.Protobuf;
using Conclave.Store.Requests;
using Conclave.Store.Writing;

namespace Conclave.Store.Reading;

/// <summary>Runs a transaction that only reads, on a view.</summary>
internal static class ReadOnlyTransaction
{
    public static StoreError Run(ReadOnlySpan<byte> request, in ReadState state, long revision, long compactRevision, OperationCounts counts, IBufferWriter<byte> body)
    {
        var check = new TxnCheck(TxnCheck.OperationsMax);
        StoreError error = check.Check(request);
        if (error != StoreError.None)
            return error;
        Invariant.Holds(check.ReadOnly, "A transaction that writes goes through the log.");

        var branches = new List<bool>(1);
        int ranges = TxnBranches.Decide(request, state, branches);
        int next = 0;
        error = TxnBranches.CheckRanges(request, branches, ref next, revision, compactRevision);
        if (error != StoreError.None)
        {
            counts.Answered(ranges);
            return error;
        }

        var response = new ResponseBuffer();
        if (branches[0])
            response.WriteLong(TxnRun.SucceededTag, 1);
        var operations = new TxnParts(request, branches[0] ? TxnParts.Success : TxnParts.Failure);
        while (operations.Next())
        {
            RequestOperation.TryParse(operations.Current, out RequestOperation operation);
            RangeRequest.TryParse(operation.Body, out RangeRequest range);
            ranges++;
            int start = response.Length;
            TxnRun.WriteHeader(response, revision);
            RangeQuery.Write(range, state, response);
            TxnRun.CloseOperation(response, start, OperationKind.Range);
        }

        counts.Answered(ranges);
        body.Write(response.Written);
        return StoreError.None;
    }
}
