using Google.Protobuf;

namespace Conclave.Bench.Load;

/// <summary>Encodes a message that changes a little each time into one buffer that is used again and again.</summary>
internal sealed class MessageBuffer
{
    private byte[] _bytes = new byte[512];

    public ReadOnlySpan<byte> Encode(IMessage message)
    {
        int size = message.CalculateSize();
        if (size > _bytes.Length)
            _bytes = new byte[size * 2];
        message.WriteTo(_bytes.AsSpan(0, size));
        return _bytes.AsSpan(0, size);
    }
}
