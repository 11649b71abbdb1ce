using System.Buffers;

namespace Conclave.Wire.Tests.Grpc;

/// <summary>Sequences made of given pieces, as a pipe would hold them.</summary>
internal static class Chunks
{
    public static ReadOnlySequence<byte> Of(params byte[][] pieces)
    {
        Piece? first = null, last = null;
        foreach (byte[] piece in pieces)
        {
            var next = new Piece(piece, last);
            first ??= next;
            last = next;
        }

        return first is null || last is null ? default : new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(byte[] bytes, Piece? previous)
        {
            Memory = bytes;
            if (previous is null)
                return;
            RunningIndex = previous.RunningIndex + previous.Memory.Length;
            previous.Next = this;
        }
    }
}
