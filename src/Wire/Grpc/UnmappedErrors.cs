namespace Conclave.Wire.Grpc;

/// <summary>Texts that clients see but map to no typed error: mostly of the Lock and Election services. All have code Unknown, as etcd sends them.</summary>
public static class UnmappedErrors
{
    /// <summary>The lease of a waiting locker or candidate ended.</summary>
    public static readonly GrpcStatus SessionExpired = new(GrpcCode.Unknown, "mutex: session is expired");

    /// <summary>Election/Leader while nobody leads.</summary>
    public static readonly GrpcStatus ElectionNoLeader = new(GrpcCode.Unknown, "election: no leader");

    /// <summary>Proclaim by somebody who does not lead.</summary>
    public static readonly GrpcStatus ElectionNotLeader = new(GrpcCode.Unknown, "election: not leader");

    /// <summary>Proclaim or Resign without the leader key.</summary>
    public static readonly GrpcStatus LeaderKeyMissing = new(GrpcCode.Unknown, "\"leader\" field must be provided");

    /// <summary>MoveLeader did not finish in time.</summary>
    public static readonly GrpcStatus TransferTimeout = new(GrpcCode.Unknown, "etcdserver: request timed out, leader transfer took too long");

    /// <summary>Authenticate with a password for a user that has none.</summary>
    public static readonly GrpcStatus NoPasswordUser = new(GrpcCode.Unknown, "auth: authentication failed, password was given for no password user");
}
