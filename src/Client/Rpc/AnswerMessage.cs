using System.Buffers;
using Conclave.Wire.Grpc;
using Google.Protobuf;

namespace Conclave.Client.Rpc;

/// <summary>Reads the message in a server's answer.</summary>
internal static class AnswerMessage
{
    /// <exception cref="RpcException">The bytes are no message of this type: whatever answered is no server of ours, or of another version.</exception>
    public static T Read<T>(MessageParser<T> parser, in ReadOnlySequence<byte> bytes, Uri endpoint) where T : IMessage<T>
    {
        try
        {
            return parser.ParseFrom(bytes);
        }
        catch (Exception e) when (UnreadableMessage.Is(e))
        {
            throw RpcFailure.Malformed($"sent a message that cannot be read as {typeof(T).Name}. Check that this is a client port.", endpoint);
        }
    }
}
