using System.Buffers;

namespace Conclave.Store.Saving;

/// <summary>Where saved bytes go, a chunk at a time.</summary>
internal interface ISaveSink
{
    void Write(ReadOnlySpan<byte> bytes);
}

internal sealed class StreamSink(Stream destination) : ISaveSink
{
    public void Write(ReadOnlySpan<byte> bytes) => destination.Write(bytes);
}

internal sealed class BufferSink(IBufferWriter<byte> destination) : ISaveSink
{
    public void Write(ReadOnlySpan<byte> bytes) => destination.Write(bytes);
}

/// <summary>Keeps nothing but the hash.</summary>
internal sealed class HashSink : ISaveSink
{
    private Crc32C _crc = new();

    public uint Hash => _crc.Value;

    public void Write(ReadOnlySpan<byte> bytes) => _crc.Add(bytes);
}
