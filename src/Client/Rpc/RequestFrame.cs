using System.Buffers;
using Conclave.Wire.Grpc;
using Google.Protobuf;

namespace Conclave.Client.Rpc;

/// <summary>One request with its five-byte prefix in a pooled buffer, ready to be written any number of times.</summary>
internal sealed class RequestFrame
{
    private readonly byte[] _buffer;
    private readonly int _length;
    private int _writers;
    private bool _mayHaveLeft;

    private RequestFrame(int messageBytes)
    {
        _length = checked(GrpcFrame.PrefixBytes + messageBytes);
        _buffer = ArrayPool<byte>.Shared.Rent(_length);
        GrpcFrame.WritePrefix(_buffer, messageBytes);
    }

    public static RequestFrame Of(IMessage message)
    {
        RequestFrame frame = new(message.CalculateSize());
        message.WriteTo(frame._buffer.AsSpan(GrpcFrame.PrefixBytes, frame._length - GrpcFrame.PrefixBytes));
        return frame;
    }

    public static RequestFrame Of(ReadOnlySpan<byte> message)
    {
        RequestFrame frame = new(message.Length);
        message.CopyTo(frame._buffer.AsSpan(GrpcFrame.PrefixBytes));
        return frame;
    }

    /// <summary>False: since the last <see cref="BeginAttempt"/> not a byte was handed to a connection, so no server can have acted on it.</summary>
    public bool MayHaveLeft => Volatile.Read(ref _mayHaveLeft);

    public void BeginAttempt() => Volatile.Write(ref _mayHaveLeft, false);

    public ReadOnlyMemory<byte> BeginWrite()
    {
        Volatile.Write(ref _mayHaveLeft, true);
        Interlocked.Increment(ref _writers);
        return new ReadOnlyMemory<byte>(_buffer, 0, _length);
    }

    public void EndWrite() => Interlocked.Decrement(ref _writers);

    /// <summary>Call once, when no further attempt will be made.</summary>
    public void Release()
    {
        // A server may refuse a call before it has read the request; the transport then still reads from the buffer,
        // and it is left to the garbage collector instead.
        if (Volatile.Read(ref _writers) == 0) ArrayPool<byte>.Shared.Return(_buffer);
    }
}
