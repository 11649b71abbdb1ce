using Conclave.Node.Peers;
using Conclave.Raft;

namespace Conclave.Node.Tests.Peers;

public class PeerFrameTests
{
    private static byte[] Frame(params byte[] body)
    {
        byte[] frame = new byte[PeerFrame.HeaderBytes + body.Length];
        body.CopyTo(frame, PeerFrame.HeaderBytes);
        PeerFrame.Seal(frame, PeerFrameKind.Proposal);
        return frame;
    }

    [Fact]
    public void A_frame_is_read_back()
    {
        byte[] two = [.. Frame(1, 2, 3), .. Frame(4)];

        PeerFrame.ReadStatus status = PeerFrame.TryRead(two, out PeerFrameKind kind, out ReadOnlySpan<byte> body, out int frameBytes);

        Assert.Equal(PeerFrame.ReadStatus.Done, status);
        Assert.Equal((PeerFrameKind.Proposal, 12), (kind, frameBytes));
        Assert.Equal([1, 2, 3], body.ToArray());
    }

    [Fact]
    public void Every_shorter_part_needs_more()
    {
        byte[] frame = Frame(1, 2, 3, 4, 5, 6, 7, 8, 9);
        for (int length = 0; length < frame.Length; length++)
            Assert.Equal(PeerFrame.ReadStatus.NeedMore, PeerFrame.TryRead(frame.AsSpan(0, length), out _, out _, out _));
    }

    [Fact]
    public void Every_flipped_bit_is_noticed()
    {
        byte[] frame = Frame(1, 2, 3, 4, 5, 6, 7, 8, 9);
        for (int bit = 0; bit < frame.Length * 8; bit++)
        {
            byte[] damaged = [.. frame];
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            // A length that grew waits for bytes that never come; any other damage is seen at once.
            Assert.NotEqual(PeerFrame.ReadStatus.Done, PeerFrame.TryRead(damaged, out _, out _, out _));
        }
    }

    [Fact]
    public void A_length_beyond_the_bound_is_not_waited_for() =>
        Assert.Equal(PeerFrame.ReadStatus.Corrupt, PeerFrame.TryRead([0xFF, 0xFF, 0xFF, 0x7F, 0, 0, 0, 0, 1], out _, out _, out _));

    [Fact]
    public void The_checksum_is_crc32c() => Assert.Equal(0xE3069283, PeerFrame.Crc("123456789"u8));

    [Fact]
    public void A_greeting_is_read_back()
    {
        var hello = new PeerHello(PeerConnectionKind.Snapshot, 7, new NodeId(1), new NodeId(2), Guid.NewGuid());

        Assert.Equal(hello, PeerHello.Decode(hello.Encode(), out string reason));
        Assert.Empty(reason);
    }

    [Fact]
    public void A_damaged_greeting_is_refused_with_a_reason()
    {
        byte[] good = new PeerHello(PeerConnectionKind.Messages, 7, new NodeId(1), new NodeId(2), Guid.NewGuid()).Encode();
        for (int i = 0; i < good.Length; i++)
        {
            byte[] damaged = [.. good];
            damaged[i] ^= 0x40;
            Assert.Null(PeerHello.Decode(damaged, out string reason));
            Assert.NotEmpty(reason);
        }
    }

    [Fact]
    public void Strangers_are_told_why_they_are_refused()
    {
        var hello = new PeerHello(PeerConnectionKind.Messages, 7, new NodeId(1), new NodeId(2), Guid.NewGuid());

        Assert.Empty(hello.Objection(7, new NodeId(2), _ => true));
        Assert.Contains("cluster ID mismatch", hello.Objection(8, new NodeId(2), _ => true));
        Assert.Contains("wanted", hello.Objection(7, new NodeId(3), _ => true));
        Assert.Contains("not a member", hello.Objection(7, new NodeId(2), _ => false));
    }
}
