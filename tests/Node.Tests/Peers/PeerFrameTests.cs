using Conclave.Node.Peers;

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
}
