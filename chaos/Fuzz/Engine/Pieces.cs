using System.Buffers;

namespace Conclave.Fuzz.Engine;

/// <summary>Bytes as they come from a pipe: over several blocks.</summary>
internal static class Pieces
{
    /// <summary>The bytes themselves, not copies, in blocks of this size.</summary>
    public static ReadOnlySequence<byte> Of(ReadOnlyMemory<byte> bytes, int pieceBytes)
    {
        if (bytes.Length <= pieceBytes) return new ReadOnlySequence<byte>(bytes);
        var first = new Piece(bytes[..pieceBytes], 0);
        Piece last = first;
        for (int at = pieceBytes; at < bytes.Length; at += pieceBytes)
            last = last.Append(bytes.Slice(at, Math.Min(pieceBytes, bytes.Length - at)));
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, long at) => (Memory, RunningIndex) = (memory, at);

        public Piece Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Piece(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
