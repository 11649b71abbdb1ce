using Google.Protobuf;

namespace Conclave.Wire.Grpc;

/// <summary>How the protobuf library says that bytes are no message.</summary>
public static class UnreadableMessage
{
    /// <param name="failure">What a generated parser threw.</param>
    /// <returns>
    /// True for its own exception, and for two that it should not throw (3.25.1): of some messages that end inside a number it reads one byte too many, and after a part whose length
    /// is nearly 2^31 it goes on behind the end, where the next part that claims bytes trips over it.
    /// </returns>
    public static bool Is(Exception failure) => failure is InvalidProtocolBufferException or IndexOutOfRangeException or ArgumentOutOfRangeException;
}
