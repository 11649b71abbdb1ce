namespace Conclave.Wire.Grpc;

/// <summary>How a call ended. Clients compare <see cref="Message"/> by exact text, so nothing may be added to it on the way.</summary>
public readonly record struct GrpcStatus(GrpcCode Code, string Message)
{
    /// <summary>Success, with no text.</summary>
    public static readonly GrpcStatus OK = new(GrpcCode.OK, "");

    /// <summary>True unless the call failed.</summary>
    public bool IsOK => Code == GrpcCode.OK;

    /// <summary>A fresh exception that carries this status; for <c>throw</c>.</summary>
    public GrpcException ToException(Exception? cause = null) => new(this, cause);

    /// <summary>For logs and test output, as Go's gRPC prints it.</summary>
    public override string ToString() => $"code = {Code} desc = {Message}";
}
