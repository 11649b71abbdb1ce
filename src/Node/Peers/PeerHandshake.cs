using System.Buffers.Binary;
using System.Text;
using Conclave.Raft;

namespace Conclave.Node.Peers;

/// <summary>What a connection between members is for.</summary>
internal enum PeerConnectionKind : byte { Messages = 0, Snapshot = 1 }

/// <summary>The first bytes on every connection between members, in both directions. All numbers are little-endian.</summary>
/// <remarks>
/// <code>
///  hello:   | magic (8) | version u16 | kind u8 | 0 | cluster u64 | from u64 | to u64 | incarnation (16) | crc32c u32 |
///  welcome: | accepted u8 | 0 | reasonBytes u16 | incarnation (16), zeros unless accepted | reason (UTF-8) |
/// </code>
/// A stranger, a member of another cluster, or a message meant for another member is refused with the reason before any message is read.
/// Each side shows the incarnation of its data directory, and <see cref="KnownIncarnations"/> of the other judges it before a message passes.
/// </remarks>
internal readonly record struct PeerHello(PeerConnectionKind Kind, ulong ClusterId, NodeId From, NodeId To, Guid Incarnation)
{
    public const int Bytes = 56;

    /// <summary>Raised when the meaning of a frame changes. A node speaks to equal versions only, until a window is needed.</summary>
    public const ushort Version = 2;

    private static ReadOnlySpan<byte> Magic => "CONCLAVE"u8;

    public byte[] Encode()
    {
        byte[] hello = new byte[Bytes];
        Magic.CopyTo(hello);
        BinaryPrimitives.WriteUInt16LittleEndian(hello.AsSpan(8), Version);
        hello[10] = (byte)Kind;
        BinaryPrimitives.WriteUInt64LittleEndian(hello.AsSpan(12), ClusterId);
        BinaryPrimitives.WriteUInt64LittleEndian(hello.AsSpan(20), From.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(hello.AsSpan(28), To.Value);
        Incarnation.TryWriteBytes(hello.AsSpan(36));
        BinaryPrimitives.WriteUInt32LittleEndian(hello.AsSpan(52), PeerFrame.Crc(hello.AsSpan(0, 52)));
        return hello;
    }

    /// <summary>Reads a hello of exactly <see cref="Bytes"/> bytes; null with a reason when it is none that we can talk to.</summary>
    public static PeerHello? Decode(ReadOnlySpan<byte> hello, out string reason)
    {
        reason = "";
        if (hello.Length != Bytes || !hello.StartsWith(Magic))
            reason = "this is a Conclave peer port, and the caller does not speak its protocol";
        else if (BinaryPrimitives.ReadUInt32LittleEndian(hello[52..]) != PeerFrame.Crc(hello[..52]))
            reason = "the greeting arrived damaged";
        else if (BinaryPrimitives.ReadUInt16LittleEndian(hello[8..]) is ushort version && version != Version)
            reason = $"this member speaks peer protocol {Version}, the caller {version}; run the same release on all members";
        else if (hello[10] > (byte)PeerConnectionKind.Snapshot)
            reason = $"connection kind {hello[10]} is unknown";
        if (reason.Length > 0) return null;
        return new PeerHello(
            (PeerConnectionKind)hello[10],
            BinaryPrimitives.ReadUInt64LittleEndian(hello[12..]),
            new NodeId(BinaryPrimitives.ReadUInt64LittleEndian(hello[20..])),
            new NodeId(BinaryPrimitives.ReadUInt64LittleEndian(hello[28..])),
            new Guid(hello.Slice(36, 16)));
    }

    /// <summary>Why a caller with this hello is not let in; empty when it is.</summary>
    public string Objection(ulong clusterId, NodeId self, Func<NodeId, bool> isMember)
    {
        if (ClusterId != clusterId)
            return $"cluster ID mismatch: this member belongs to {clusterId:x}, the caller to {ClusterId:x}. Check --initial-cluster and --initial-cluster-token on both";
        if (To != self) return $"this is member {self}, the caller wanted {To}. Check the peer URLs in --initial-cluster";
        return isMember(From) ? "" : $"{From} is not a member of this cluster";
    }

}

/// <summary>The fixed part of the answer to a <see cref="PeerHello"/>; <see cref="ReasonBytes"/> bytes of text follow.</summary>
internal readonly record struct PeerWelcome(bool Accepted, int ReasonBytes, Guid Incarnation)
{
    public const int Bytes = 20;

    private const int ReasonCharactersMax = 1_000;

    /// <param name="incarnation">Of the accepting side; shown only to those who are let in.</param>
    public static byte[] Accept(Guid incarnation) => [1, 0, 0, 0, .. incarnation.ToByteArray()];

    /// <param name="reason">Cut after 1,000 characters.</param>
    public static byte[] Refuse(string reason)
    {
        byte[] text = Encoding.UTF8.GetBytes(reason.Length <= ReasonCharactersMax ? reason : reason[..ReasonCharactersMax]);
        byte[] welcome = new byte[Bytes + text.Length];
        BinaryPrimitives.WriteUInt16LittleEndian(welcome.AsSpan(2), (ushort)text.Length);
        text.CopyTo(welcome, Bytes);
        return welcome;
    }

    public static PeerWelcome Decode(ReadOnlySpan<byte> head) =>
        new(head[0] == 1, BinaryPrimitives.ReadUInt16LittleEndian(head[2..]), new Guid(head.Slice(4, 16)));
}
