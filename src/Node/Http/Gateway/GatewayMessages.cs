using System.Buffers;
using Conclave.Wire.Grpc;
using Conclave.Wire.Json;
using Google.Protobuf;

namespace Conclave.Node.Http.Gateway;

/// <summary>The step between JSON text and the message bytes that handlers work on.</summary>
internal static class GatewayMessages
{
    /// <exception cref="GrpcException">The text is no such message, or the message is larger than gRPC would accept.</exception>
    public static byte[] ToBytes(ReadOnlySpan<byte> json, RpcMethod method, int messageBytesMax)
    {
        if (!JsonTranscoder.TryParse(json, method.Request, out IMessage? message, out string error))
            throw new GrpcException(GrpcCode.InvalidArgument, error);
        int bytes = message.CalculateSize();
        if (bytes > messageBytesMax)
            throw new GrpcException(GrpcCode.ResourceExhausted, $"grpc: received message larger than max ({bytes} vs. {messageBytesMax})");
        return message.ToByteArray();
    }

    public static IMessage FromBytes(in ReadOnlySequence<byte> bytes, RpcMethod method) => method.Response.Parser.ParseFrom(bytes);
}
