namespace Conclave.Wire.Grpc;

/// <summary>A call failed with a gRPC status: thrown by handlers on a server and by calls on a client.</summary>
/// <remarks><see cref="Exception.Message"/> is the status text alone. Never throw one instance twice.</remarks>
public sealed class GrpcException : Exception
{
    public GrpcException(GrpcStatus status, Exception? cause = null)
        : base(status.Message, cause) => Status = status;

    public GrpcException(GrpcCode code, string message)
        : this(new GrpcStatus(code, message)) { }

    /// <summary>Never <see cref="GrpcCode.OK"/> in an exception thrown by this code base.</summary>
    public GrpcStatus Status { get; }
}
