using Conclave.Client.Auth;
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
        if (failure.Outcome != ServerOutcome.NotSaid) return failure.Outcome == ServerOutcome.Unknown;
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

    /// <summary>The same for a write of a session, all of its attempts together: each of them was the same write.</summary>
    /// <param name="last">How the last attempt failed.</param>
    /// <param name="earlier">Whether an earlier attempt may have been carried out.</param>
    public static bool MayHaveBeenAppliedInSession(RpcException last, bool earlier) =>
        MayHaveBeenApplied(last, writes: true) || (earlier && !IsFinal(last));

    // What the log answered a repeat is what it answered the first attempt. A refusal from before the log says nothing about that one.
    private static bool IsFinal(RpcException failure) => failure.Fate == RequestFate.Answered && failure.Code switch
    {
        // Who was not recognised got no answer of the session.
        GrpcCode.InvalidArgument => !Login.IsRefusal(failure.Code, failure.Message),
        GrpcCode.OutOfRange or GrpcCode.DataLoss => true,
        GrpcCode.ResourceExhausted => failure.Message == EtcdErrors.NoSpace.Message,
        // Not NotFound: the lease that is not found may be the session itself, and its answers with it.
        _ => false,
    };

    /// <summary>True when another attempt, on this or another endpoint, can do no harm and may do better.</summary>
    public static bool MayRepeat(RpcException failure, bool writes) =>
        (failure.Code is GrpcCode.Unavailable or GrpcCode.DeadlineExceeded || IsTooEarly(failure)) && !MayHaveBeenApplied(failure, writes);

    // Too much to do: the server says when to come again. Without that hint the code may mean a full disk, which no wait heals.
    private static bool IsTooEarly(RpcException failure) => failure is { Code: GrpcCode.ResourceExhausted, RetryAfter: not null, Fate: RequestFate.Answered };
}
