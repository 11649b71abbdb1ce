using System.Buffers;

namespace Conclave.Node.Http;

/// <summary>Serves one unary call.</summary>
/// <param name="context">The call.</param>
/// <param name="request">The request message as it came. Valid until the returned task ends: copy what must live longer.</param>
/// <param name="response">Takes the response message. What was written before an exception is dropped.</param>
/// <exception cref="Conclave.Wire.Grpc.GrpcException">The status to answer. Anything else is answered as Internal and logged.</exception>
public delegate ValueTask UnaryHandler(RpcContext context, ReadOnlyMemory<byte> request, IBufferWriter<byte> response);

/// <summary>Serves one streaming call; the call ends when the returned task does.</summary>
/// <exception cref="Conclave.Wire.Grpc.GrpcException">The status to end with. Anything else ends the call as Internal and is logged.</exception>
public delegate ValueTask StreamHandler(RpcContext context, RpcStream stream);
