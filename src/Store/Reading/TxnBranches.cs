using Conclave.Store.Requests;

namespace Conclave.Store.Reading;

/// <summary>What a transaction will do, found out before anything is done: its branches, and whether its reads are possible.</summary>
internal static class TxnBranches
{
    /// <summary>Decides a transaction and those it nests in the branch that is taken, in the order in which they stand.</summary>
    /// <returns>How many compares were looked at.</returns>
    public static int Decide(ReadOnlySpan<byte> txn, in ReadState state, List<bool> branches)
    {
        bool succeeded = CompareEvaluation.Holds(txn, state, out int looked);
        branches.Add(succeeded);
        var operations = new TxnParts(txn, succeeded ? TxnParts.Success : TxnParts.Failure);
        while (operations.Next())
        {
            RequestOperation.TryParse(operations.Current, out RequestOperation operation);
            if (operation.Kind == OperationKind.Txn)
                looked += Decide(operation.Body, state, branches);
        }

        return looked;
    }

    /// <summary>Whether every Range of the branches that run asks for a revision that can be read.</summary>
    public static StoreError CheckRanges(ReadOnlySpan<byte> txn, List<bool> branches, ref int next, long revision, long compactRevision)
    {
        bool succeeded = branches[next++];
        var operations = new TxnParts(txn, succeeded ? TxnParts.Success : TxnParts.Failure);
        while (operations.Next())
        {
            RequestOperation.TryParse(operations.Current, out RequestOperation operation);
            StoreError error = StoreError.None;
            if (operation.Kind == OperationKind.Txn)
            {
                error = CheckRanges(operation.Body, branches, ref next, revision, compactRevision);
            }
            else if (operation.Kind == OperationKind.Range)
            {
                RangeRequest.TryParse(operation.Body, out RangeRequest range);
                error = RangeQuery.CheckRevision(range.Revision, revision, compactRevision);
            }

            if (error != StoreError.None)
                return error;
        }

        return StoreError.None;
    }
}
