using Conclave.Wire.Grpc;

namespace Conclave.Client.Rpc;

/// <summary>What a failure says about the write that failed. Everything about repeating calls is decided here, and nowhere else.</summary>
internal static class Certainty
{
    /// <summary>True unless it is certain that the server did not, and will not, carry the request out.</summary>
    public static bool MayHaveBeenApplied(RpcException failure, bool writes)
    {
        if (!writes || failure.Fate == RequestFate.NotSent) return false;
        if (failure.Fate == RequestFate.Unanswered) return true;
        return failure.Code switch
        {
            // Refused for what the request asks, before or at the moment of applying it.
            GrpcCode.InvalidArgument or GrpcCode.NotFound or GrpcCode.AlreadyExists or GrpcCode.PermissionDenied or GrpcCode.ResourceExhausted
                or GrpcCode.FailedPrecondition or GrpcCode.OutOfRange or GrpcCode.Unimplemented or GrpcCode.Unauthenticated => false,
            // Checked before the request is looked at; every other Unavailable may hide a write that is on its way.
            GrpcCode.Unavailable => failure.Message != EtcdErrors.NoLeader.Message && failure.Message != EtcdErrors.Unhealthy.Message,
            // Of a change of members, before anything is proposed; servers up to 3.4 give it this code.
            GrpcCode.Unknown => failure.Message != EtcdErrors.MemberNotEnoughStarted.Message,
            _ => true,
        };
    }

    /// <summary>True when another attempt, on this or another endpoint, can do no harm and may do better.</summary>
    public static bool MayRepeat(RpcException failure, bool writes) =>
        failure.Code is GrpcCode.Unavailable or GrpcCode.DeadlineExceeded && !MayHaveBeenApplied(failure, writes);
}
