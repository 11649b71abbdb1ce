using System.Buffers;
using Conclave.Support;
using Conclave.Wire.Grpc;
using FsCheck.Fluent;

namespace Conclave.Wire.Tests.Grpc;

public class GrpcFrameTests(ITestOutputHelper output)
{
    private const int Limit = 64;

    [Fact]
    public void A_frame_is_a_flag_a_big_endian_length_and_the_message()
    {
        Assert.Equal([0, 0, 0, 0, 3, 1, 2, 3], Frame([1, 2, 3]));
    }

    [Fact]
    public void Any_split_of_the_bytes_gives_the_same_messages()
    {
        byte[] bytes = [.. Frame([1, 2, 3]), .. Frame([]), .. Frame([4])];
        for (int first = 0; first <= bytes.Length; first++)
        {
            for (int second = first; second <= bytes.Length; second++)
            {
                var buffer = Chunks.Of(bytes[..first], bytes[first..second], bytes[second..]);
                Assert.Equal([1, 2, 3], Take(ref buffer));
                Assert.Equal([], Take(ref buffer));
                Assert.Equal([4], Take(ref buffer));
                Assert.True(buffer.IsEmpty);
            }
        }
    }

    [Fact]
    public void Every_proper_prefix_of_a_frame_needs_more_and_takes_nothing()
    {
        byte[] bytes = Frame([1, 2, 3, 4]);
        for (int length = 0; length < bytes.Length; length++)
        {
            var buffer = new ReadOnlySequence<byte>(bytes[..length]);
            Assert.Equal(GrpcReadStatus.NeedMore, GrpcFrame.TryRead(ref buffer, Limit, out _, out _));
            Assert.Equal(length, buffer.Length);
        }
    }

    [Theory]
    [InlineData(new byte[] { 1, 0, 0, 0, 0 }, GrpcReadStatus.Compressed)]
    [InlineData(new byte[] { 1 }, GrpcReadStatus.Compressed)]
    [InlineData(new byte[] { 2 }, GrpcReadStatus.Corrupt)]
    [InlineData(new byte[] { 0x7B, 0x7D }, GrpcReadStatus.Corrupt)]
    [InlineData(new byte[] { 0, 0, 0, 0, Limit + 1 }, GrpcReadStatus.TooLarge)]
    [InlineData(new byte[] { 0, 0xFF, 0xFF, 0xFF, 0xFF, 0 }, GrpcReadStatus.TooLarge)]
    [InlineData(new byte[] { 0, 0, 0, 0, Limit }, GrpcReadStatus.NeedMore)]
    public void What_cannot_become_a_message_is_told_from_what_is_incomplete(byte[] bytes, GrpcReadStatus expected)
    {
        var buffer = new ReadOnlySequence<byte>(bytes);
        Assert.Equal(expected, GrpcFrame.TryRead(ref buffer, Limit, out _, out _));
        Assert.Equal(bytes.Length, buffer.Length);
    }

    [Fact]
    public void An_announced_length_is_reported_even_when_it_is_refused()
    {
        var buffer = new ReadOnlySequence<byte>([0, 0xFF, 0xFF, 0xFF, 0xFE]);
        GrpcFrame.TryRead(ref buffer, Limit, out _, out uint bytes);
        Assert.Equal(0xFFFFFFFEu, bytes);
    }

    [Fact]
    public void Messages_come_back_as_they_were_written() => Properties.Holds(
        Prop.ForAll((byte[][] messages) =>
        {
            byte[] bytes = [.. messages.SelectMany(m => Frame(m))];
            var buffer = new ReadOnlySequence<byte>(bytes);
            return messages.All(m => Take(ref buffer, int.MaxValue).SequenceEqual(m)) && buffer.IsEmpty;
        }), output);

    private static byte[] Frame(byte[] message)
    {
        var written = new ArrayBufferWriter<byte>();
        GrpcFrame.Write(written, message);
        return written.WrittenSpan.ToArray();
    }

    private static byte[] Take(ref ReadOnlySequence<byte> buffer, int limit = Limit)
    {
        Assert.Equal(GrpcReadStatus.Done, GrpcFrame.TryRead(ref buffer, limit, out ReadOnlySequence<byte> message, out uint bytes));
        Assert.Equal(bytes, message.Length);
        return message.ToArray();
    }
}
