using Conclave.Node.Consensus;
using Conclave.Store;
using Conclave.Wire.Grpc;

namespace Conclave.Node.Services;

/// <summary>What the store's and the log's verdicts are called on the wire.</summary>
internal static class Statuses
{
    /// <summary>Protobuf that cannot be read; the words are those of Go's library.</summary>
    private static readonly GrpcStatus Malformed = new(GrpcCode.Internal, "grpc: error unmarshalling request: the bytes are no message of this type");

    public static GrpcStatus Of(StoreError error) => error switch
    {
        StoreError.Malformed => Malformed,
        StoreError.KeyNotProvided => EtcdErrors.KeyNotProvided,
        StoreError.KeyNotFound => EtcdErrors.KeyNotFound,
        StoreError.ValueProvided => EtcdErrors.ValueProvided,
        StoreError.LeaseProvided => EtcdErrors.LeaseProvided,
        StoreError.TooManyOperations => EtcdErrors.TooManyOperations,
        StoreError.DuplicateKey => EtcdErrors.DuplicateKey,
        StoreError.InvalidSortOption => EtcdErrors.InvalidSortOption,
        StoreError.Compacted => EtcdErrors.Compacted,
        StoreError.FutureRevision => EtcdErrors.FutureRevision,
        StoreError.NoSpace => EtcdErrors.NoSpace,
        StoreError.LeaseNotFound => EtcdErrors.LeaseNotFound,
        StoreError.LeaseExists => EtcdErrors.LeaseExists,
        StoreError.LeaseTtlTooLarge => EtcdErrors.LeaseTtlTooLarge,
        StoreError.Corrupt => EtcdErrors.Corrupt,
        StoreError.UserEmpty => EtcdErrors.UserEmpty,
        StoreError.UserExists => EtcdErrors.UserAlreadyExists,
        StoreError.UserNotFound => EtcdErrors.UserNotFound,
        StoreError.RoleEmpty => EtcdErrors.RoleEmpty,
        StoreError.RoleExists => EtcdErrors.RoleAlreadyExists,
        StoreError.RoleNotFound => EtcdErrors.RoleNotFound,
        StoreError.RootUserMissing => EtcdErrors.RootUserNotExist,
        StoreError.RootRoleMissing => EtcdErrors.RootRoleNotExist,
        StoreError.PermissionNotGiven => EtcdErrors.PermissionNotGiven,
        StoreError.PermissionDenied => EtcdErrors.PermissionDenied,
        StoreError.RoleNotGranted => EtcdErrors.RoleNotGranted,
        StoreError.PermissionNotGranted => EtcdErrors.PermissionNotGranted,
        StoreError.InvalidAuthManagement => EtcdErrors.InvalidAuthManagement,
        StoreError.AuthRevisionOld => EtcdErrors.AuthOldRevision,
        StoreError.Reserved => ConclaveErrors.Reserved,
        StoreError.SequenceTooOld => ConclaveErrors.SequenceTooOld,
        StoreError.ResponseTooLarge => ConclaveErrors.ResponseTooLarge,
        _ => throw Raft.Invariant.Unreachable($"Store error {error} has no status."),
    };

    /// <exception cref="GrpcException">There is an error.</exception>
    public static void ThrowIf(StoreError error)
    {
        if (error != StoreError.None) throw new GrpcException(Of(error));
    }

    /// <summary>The store's outcome of a proposal that made it.</summary>
    /// <exception cref="GrpcException">It did not, nobody knows, or the store refused it.</exception>
    public static ApplyOutcome Outcome(in ProposalResult result)
    {
        if (result.End == ProposalEnd.NoRoom) ThrowIf(StoreError.NoSpace);
        if (result.End == ProposalEnd.TooLarge) throw new GrpcException(EtcdErrors.RequestTooLarge);
        if (result.End != ProposalEnd.Applied) throw new GrpcException(EtcdErrors.Timeout);
        ThrowIf(result.Outcome.Error);
        return result.Outcome;
    }
}
