using System.Buffers;

namespace Conclave.Client.Rpc;

/// <summary>One answer in a pooled buffer. Dispose exactly once; <see cref="Message"/> must not be used afterwards.</summary>
public readonly struct RpcReply : IDisposable
{
    private readonly byte[]? _buffer;
    private readonly int _start, _length;

    internal RpcReply(byte[] buffer, int start, int length) => (_buffer, _start, _length) = (buffer, start, length);

    /// <summary>The message's bytes, without any framing.</summary>
    public ReadOnlyMemory<byte> Message => new(_buffer, _start, _length);

    /// <summary>Gives the buffer back to the pool.</summary>
    public void Dispose()
    {
        if (_buffer is not null) ArrayPool<byte>.Shared.Return(_buffer);
    }
}
