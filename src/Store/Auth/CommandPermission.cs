using Conclave.Store.Leases;
using Conclave.Store.Requests;
using Conclave.Store.Writing;

namespace Conclave.Store.Auth;

/// <summary>Whether who sent a command may do what it asks, decided on the state at its place in the log.</summary>
/// <remarks>Called only while auth is on: without it a command costs one branch.</remarks>
internal static class CommandPermission
{
    public static StoreError Check(StoreState state, in Command command)
    {
        // Origin 0 is what a leader decides by itself, such as the end of a lease.
        if (command.Origin == 0 || command.Identity.IsMember)
            return StoreError.None;
        ReadOnlySpan<byte> body = command.Body.Span;
        CommandIdentity who = command.Identity;
        return command.Kind switch
        {
            CommandKind.MemberAttributes or CommandKind.StateMark or CommandKind.StateReport => StoreError.None,   // no client can ask for these
            CommandKind.Put => PutRequest.TryParse(body, out PutRequest put) ? Put(state, who, put) : StoreError.Malformed,
            CommandKind.DeleteRange => DeleteRangeRequest.TryParse(body, out DeleteRangeRequest delete) ? Delete(state.Auth, who, delete) : StoreError.Malformed,
            CommandKind.Txn => Txn(state, who, body),
            // What it is for was checked where it was made, by the users and roles of the revision that the identity names.
            CommandKind.ServerTxn => state.Auth.CheckUser(who),
            CommandKind.LeaseGrant => state.Auth.CheckUser(who),
            CommandKind.LeaseRevoke => LeaseRevokeRequest.TryParse(body, out LeaseRevokeRequest revoke) ? WriteAttached(state, who, revoke.Id) : StoreError.Malformed,
            CommandKind.Compact or CommandKind.Alarm => state.Auth.CheckAdmin(who),
            _ when AuthRules.Owns(command.Kind) => state.Auth.CheckAdmin(who),
            _ => StoreError.PermissionDenied,
        };
    }

    /// <summary>Whether somebody may make a transaction that only reads.</summary>
    public static StoreError ReadOnlyTxn(AuthState auth, in CommandIdentity who, ReadOnlySpan<byte> request)
    {
        StoreError error = new TxnCheck(TxnCheck.OperationsMax).Check(request);
        return error == StoreError.None ? Txn(state: null, auth, who, request) : error;
    }

    private static StoreError Put(StoreState state, in CommandIdentity who, in PutRequest put)
    {
        StoreError error = state.Auth.CheckWrite(who, put.Key, rangeEnd: []);
        // Who puts a key on a lease decides over its other keys from then on: ending the lease deletes them all.
        if (error == StoreError.None && put.Lease != 0)
            error = WriteAttached(state, who, put.Lease);
        if (error == StoreError.None && put.PreviousWanted)
            error = state.Auth.CheckRead(who, put.Key, rangeEnd: []);
        return error;
    }

    private static StoreError Delete(AuthState auth, in CommandIdentity who, in DeleteRangeRequest delete)
    {
        StoreError error = auth.CheckWrite(who, delete.Key, delete.RangeEnd);
        return error == StoreError.None && delete.PreviousWanted ? auth.CheckRead(who, delete.Key, delete.RangeEnd) : error;
    }

    private static StoreError WriteAttached(StoreState state, in CommandIdentity who, long lease)
    {
        StoreError error = state.Auth.CheckUser(who, out AuthUser? user);
        if (user is null || user.IsRoot)
            return error;
        List<byte[]> attached = [];
        state.Leases.CopyAttached(lease, attached);
        foreach (byte[] composite in attached)
        {
            error = state.Auth.CheckWrite(who, composite.AsSpan(LeaseTable.IdBytes), rangeEnd: []);
            if (error != StoreError.None)
                break;
        }

        return error;
    }

    private static StoreError Txn(StoreState state, in CommandIdentity who, ReadOnlySpan<byte> request)
    {
        // First, so that what follows meets nothing that is damaged or nested without end.
        StoreError error = new TxnCheck(TxnCheck.OperationsMax).Check(request);
        return error == StoreError.None ? Txn(state, state.Auth, who, request) : error;
    }

    /// <summary>Both branches, whichever will be taken: else which error comes would tell what the compares found.</summary>
    private static StoreError Txn(StoreState? state, AuthState auth, in CommandIdentity who, ReadOnlySpan<byte> request)
    {
        StoreError error = auth.CheckUser(who);
        var compares = new TxnParts(request, TxnParts.Compares);
        while (error == StoreError.None && compares.Next())
        {
            Compare.TryParse(compares.Current, out Compare compare);
            error = auth.CheckRead(who, compare.Key, compare.RangeEnd);
        }

        foreach (uint branch in (ReadOnlySpan<uint>)[TxnParts.Success, TxnParts.Failure])
        {
            var operations = new TxnParts(request, branch);
            while (error == StoreError.None && operations.Next())
            {
                RequestOperation.TryParse(operations.Current, out RequestOperation operation);
                error = Operation(state, auth, who, operation);
            }
        }

        return error;
    }

    private static StoreError Operation(StoreState? state, AuthState auth, in CommandIdentity who, in RequestOperation operation)
    {
        switch (operation.Kind)
        {
            case OperationKind.Range:
                RangeRequest.TryParse(operation.Body, out RangeRequest range);
                return auth.CheckRead(who, range.Key, range.RangeEnd);
            case OperationKind.Put:
                Invariant.Holds(state is not null, "A transaction that only reads has no puts.");
                PutRequest.TryParse(operation.Body, out PutRequest put);
                return Put(state, who, put);
            case OperationKind.DeleteRange:
                DeleteRangeRequest.TryParse(operation.Body, out DeleteRangeRequest delete);
                return Delete(auth, who, delete);
            default:
                return Txn(state, auth, who, operation.Body);
        }
    }
}
