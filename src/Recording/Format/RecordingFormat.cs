using System.Buffers.Binary;
using System.Numerics;

namespace Conclave.Recording;

/// <summary>What a recording file looks like from outside; the bodies are the codecs' matter.</summary>
/// <remarks><code>
///  | magic "CNCLREC2" 8 | block | block | ...
///  block: | body bytes u32 | crc32c u32 of kind and body | kind u8 | body |    little-endian
///  order: Start, Core, Batch (any number), then Unfinished (at most one), then End; a process that was killed leaves no End
/// </code>
/// A file is one part of a run and can be replayed by itself. "CNCLREC1" had the log as it was at the start of the process in the place of the core.
/// </remarks>
internal static class RecordingFormat
{
    public const int BlockHeaderBytes = 9;

    /// <summary>Larger than any batch the recorder queues; whatever says more is damage.</summary>
    public const int BodyBytesMax = 256 << 20;

    public static ReadOnlySpan<byte> Magic => "CNCLREC2"u8;

    public static void WriteBlock(Stream output, BlockKind kind, ReadOnlySpan<byte> body)
    {
        Span<byte> header = stackalloc byte[BlockHeaderBytes];
        header[8] = (byte)kind;
        BinaryPrimitives.WriteInt32LittleEndian(header, body.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], Checksum(header[8], body));
        output.Write(header);
        output.Write(body);
    }

    public static uint Checksum(byte kind, ReadOnlySpan<byte> body)
    {
        uint state = BitOperations.Crc32C(uint.MaxValue, kind);
        for (; body.Length >= sizeof(ulong); body = body[sizeof(ulong)..]) state = BitOperations.Crc32C(state, BinaryPrimitives.ReadUInt64LittleEndian(body));
        foreach (byte rest in body) state = BitOperations.Crc32C(state, rest);
        return ~state;
    }
}

internal enum BlockKind : byte
{
    /// <summary>Which part of which run this is, and the options of the core.</summary>
    Start = 1,

    /// <summary>The saved core before the first batch, without the payloads of its log.</summary>
    Core = 2,

    /// <summary>The inputs of one batch, in order, and the digest of what came out of its flush.</summary>
    Batch = 3,

    /// <summary>The inputs of the batch in which the core failed.</summary>
    Unfinished = 4,

    /// <summary>Why the recording ends.</summary>
    End = 5,
}
