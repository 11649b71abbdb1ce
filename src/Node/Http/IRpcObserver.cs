using Conclave.Wire.Grpc;

namespace Conclave.Node.Http;

/// <summary>Told about every call, for the <c>grpc_server_*</c> metrics. Called on the hot path: no locks, no allocation, no exceptions.</summary>
/// <remarks>Calls through the JSON gateway count like any other. Calls of unknown methods are not reported.</remarks>
public interface IRpcObserver
{
    void Started(RpcMethod method);

    /// <summary>A whole message came from the client.</summary>
    void Received(RpcMethod method, int messageBytes);

    /// <summary>A whole message was handed to the connection.</summary>
    void Sent(RpcMethod method, int messageBytes);

    /// <summary>The call ended; reported once for each <see cref="Started"/>.</summary>
    void Completed(RpcMethod method, GrpcCode code, TimeSpan elapsed);
}
