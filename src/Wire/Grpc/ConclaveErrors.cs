namespace Conclave.Wire.Grpc;

/// <summary>Statuses that etcd does not have. Clients compare texts exactly, so nothing is added to them but where it says so.</summary>
public static class ConclaveErrors
{
    /// <summary>The session has answered a later sequence; the write of this one was carried out before, or never will be.</summary>
    public static readonly GrpcStatus SequenceTooOld = new(GrpcCode.FailedPrecondition,
        "conclave: the session has answered a later sequence already; use one above the last, or read what became of this one");

    /// <summary>The answer of a write could be larger than a session keeps. Nothing was written.</summary>
    public static readonly GrpcStatus ResponseTooLarge = new(GrpcCode.InvalidArgument,
        "conclave: nothing was written, because the response could be larger than the 1 MiB that a session keeps; ask for less, or leave the session out");

    /// <summary>A put, a deletion or a transaction of a client met keys that belong to the server.</summary>
    public static readonly GrpcStatus Reserved = new(GrpcCode.PermissionDenied,
        "conclave: keys below /conclave/ are written by publishing a release; see conclave publish");

    /// <summary>This member's state differs from what the others agree on, so it answers nothing; the others do.</summary>
    public static readonly GrpcStatus Quarantined = new(GrpcCode.Unavailable,
        "conclave: member is quarantined: its state differs from what the majority agrees on; it is being replaced by a healthy member's, ask another member meanwhile");
}
