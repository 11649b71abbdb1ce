using Google.Protobuf;

namespace Conclave.Wire.Grpc;

/// <summary>How the protobuf library says that bytes are no message.</summary>
public static class UnreadableMessage
{
    /// <param name="failure">What a generated parser threw.</param>
    /// <returns>True for its own exception, and for the one that it should not throw: of some messages that end inside a number it reads one byte too many (3.25.1).</returns>
    public static bool Is(Exception failure) => failure is InvalidProtocolBufferException or IndexOutOfRangeException;
}
