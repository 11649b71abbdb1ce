using System.Buffers.Binary;
using System.Numerics;

namespace Conclave.Node.Peers;

/// <summary>What a frame between members carries.</summary>
internal enum PeerFrameKind : byte
{
    /// <summary>A Raft message.</summary>
    Raft = 1,

    /// <summary>A proposal from a follower, for the leader to append: term (8) and payload.</summary>
    Proposal = 2,

    /// <summary>A proposal that was not and will not be appended: its request id (8), and the term it was sent for (8; the highest bit says that there is no room for it, the next one that it is too large).</summary>
    ProposalRefused = 3,

    /// <summary>A question that only the leader answers: call id (8), method (1), body.</summary>
    Call = 4,

    /// <summary>The answer to a call: call id (8), outcome (1), body.</summary>
    CallReply = 5,

    /// <summary>A change of the membership, for the leader to carry out: call id (8), kind (1), the rest of <see cref="Consensus.MemberChangeCodec"/>.</summary>
    Change = 6,

    /// <summary>What became of it: call id (8), end (1), index (8).</summary>
    ChangeReply = 7,

    /// <summary>Asks for a state to replace a wrong one: index that it must have applied (8). A snapshot stream of term 0 is the answer, or the same with a zero byte (1) behind it for no.</summary>
    StateWanted = 8,

    /// <summary>Says that the process at the other end is alive: see <see cref="RoundTrips"/>. What stands behind the number is new, and versions without it pass over it.</summary>
    Beat = 9,

    /// <summary>What a node's agent told another member: a number (8) that means nothing, an AcknowledgeRequest without facts.</summary>
    AgentReport = 10,
}

/// <summary>One frame between members. All numbers are little-endian.</summary>
/// <remarks>
/// <code>
///  | bodyBytes u32 | crc32c u32 over kind and body | kind u8 | body |
/// </code>
/// TCP's own checksum lets about one damaged segment in 65,536 through; a flipped bit in a term or an entry is not an accident we accept.
/// </remarks>
internal static class PeerFrame
{
    public const int HeaderBytes = 9;

    /// <summary>A single entry may have 1.5 MiB and an append batches up to 1 MiB before it; 72 MiB is room for the largest request limit.</summary>
    public const int BodyBytesMax = 72 << 20;

    public enum ReadStatus { Done, NeedMore, Corrupt }

    /// <summary>Fills in the header of a frame whose body already stands behind it.</summary>
    public static void Seal(Span<byte> frame, PeerFrameKind kind)
    {
        frame[8] = (byte)kind;
        BinaryPrimitives.WriteUInt32LittleEndian(frame, (uint)(frame.Length - HeaderBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(frame[4..], Crc(frame[8..]));
    }

    /// <summary>Looks for one whole frame at the start of <paramref name="buffer"/>.</summary>
    public static ReadStatus TryRead(ReadOnlySpan<byte> buffer, out PeerFrameKind kind, out ReadOnlySpan<byte> body, out int frameBytes)
    {
        kind = default;
        body = default;
        frameBytes = 0;
        if (buffer.Length < HeaderBytes) return ReadStatus.NeedMore;
        uint bodyBytes = BinaryPrimitives.ReadUInt32LittleEndian(buffer);
        if (bodyBytes > BodyBytesMax) return ReadStatus.Corrupt;   // checked before it is trusted as a length
        frameBytes = HeaderBytes + (int)bodyBytes;
        if (buffer.Length < frameBytes) return ReadStatus.NeedMore;
        if (Crc(buffer[8..frameBytes]) != BinaryPrimitives.ReadUInt32LittleEndian(buffer[4..])) return ReadStatus.Corrupt;
        kind = (PeerFrameKind)buffer[8];
        body = buffer[HeaderBytes..frameBytes];
        return ReadStatus.Done;
    }

    internal static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        while (bytes.Length >= 8)
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[8..];
        }

        foreach (byte b in bytes) crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }
}
