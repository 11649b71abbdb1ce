using System.Buffers;
using System.IO.Pipelines;
using Conclave.Node.Http.Port;
using static Conclave.Node.Tests.Http.Port.Http2Bytes;

namespace Conclave.Node.Tests.Http.Port;

public class WatchedPipeReaderTests
{
    private static readonly byte[] Data = Frame(0, 0, 1, [.. Enumerable.Range(0, 100).Select(i => (byte)i)]);

    [Fact]
    public async Task A_frame_that_arrives_in_two_pieces_cut_anywhere_is_repaired()
    {
        byte[] sent = Conversation("http://127.0.0.1:2379"), expected = Conversation("httpB--127.0.0.1:2379");
        for (int cut = 0; cut <= sent.Length; cut++)
            Assert.Equal(expected, await ThroughAsync([sent[..cut], sent[cut..]], TakeAll));
    }

    [Fact]
    public async Task A_frame_that_arrives_byte_by_byte_is_repaired()
    {
        byte[] sent = Conversation("http://127.0.0.1:2379"), expected = Conversation("httpB--127.0.0.1:2379");
        Assert.Equal(expected, await ThroughAsync([.. sent.Select(b => new[] { b })], TakeAll));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(50)]
    public async Task A_reader_may_take_a_part_of_what_it_sees(int bytes)
    {
        byte[] sent = Conversation("http://127.0.0.1:2379"), expected = Conversation("httpB--127.0.0.1:2379");
        for (int cut = 1; cut < sent.Length; cut += 5)
        {
            Assert.Equal(expected, await ThroughAsync([sent[..cut], sent[cut..]], TakeSome));
            Assert.Equal(expected, await ThroughAsync([sent[..cut], sent[cut..]], TakeSomeWhenEnough));
        }

        (SequencePosition, SequencePosition) TakeSome(ReadOnlySequence<byte> buffer)
        {
            SequencePosition to = buffer.GetPosition(Math.Min(bytes, buffer.Length));
            return (to, to);
        }

        (SequencePosition, SequencePosition) TakeSomeWhenEnough(ReadOnlySequence<byte> buffer) =>
            buffer.Length < bytes ? (buffer.Start, buffer.End) : TakeSome(buffer);
    }

    [Fact]
    public async Task A_literal_that_comes_again_after_the_table_lost_it_is_repaired_too()
    {
        byte[] first = [.. Preface, .. EmptySettings, .. HeadersFrame(Authority("http://a:1", true)), .. Data, .. HeadersFrame([0xbe], 3)];
        byte[] sent = [.. first, .. HeadersFrame(Authority("http://a:1", false), 5)];
        byte[] got = await ThroughAsync([sent], TakeAll);
        Assert.Equal([.. Preface, .. EmptySettings, .. HeadersFrame(Authority("httpB--a:1", true)), .. Data, .. HeadersFrame([0xbe], 3),
            .. HeadersFrame(Authority("http---a:1", false), 5)], got);
    }

    [Fact]
    public async Task After_a_first_request_with_a_host_nothing_is_looked_at_or_held()
    {
        byte[] sent = [.. Preface, .. EmptySettings, .. HeadersFrame(Authority("a:1", true)), .. HeadersFrame(Authority("http://a:1", false), 3)];
        Assert.Equal(sent, await ThroughAsync([sent], TakeAll));

        var pipe = new Pipe();
        var watched = new WatchedPipeReader(pipe.Reader);
        await pipe.Writer.WriteAsync(sent, TestContext.Current.CancellationToken);
        watched.AdvanceTo((await watched.ReadAsync(TestContext.Current.CancellationToken)).Buffer.End);
        await pipe.Writer.WriteAsync(new byte[] { 0, 0 }, TestContext.Current.CancellationToken);
        Assert.True(watched.TryRead(out ReadResult result));
        Assert.Equal(2, result.Buffer.Length);
    }

    [Fact]
    public async Task A_block_that_continues_and_a_frame_that_is_too_large_are_left_alone()
    {
        byte[] unfinished = [.. Preface, .. HeadersFrame(Authority("http://a:1", true), flags: 0), .. Frame(9, EndHeaders, 1, [0x82])];
        Assert.Equal(unfinished, await ThroughAsync([unfinished], TakeAll));

        byte[] large = [.. Preface, .. HeadersFrame([.. Authority("http://a:1", true), .. new byte[20000]])];
        Assert.Equal(large, await ThroughAsync([large[..1000], large[1000..]], TakeAll));
    }

    [Fact]
    public async Task The_beginning_of_a_frame_is_held_and_passed_on_when_nothing_follows()
    {
        byte[] sent = [.. Preface, .. HeadersFrame(Authority("http://a:1", true))[..^1]];
        var pipe = new Pipe();
        var watched = new WatchedPipeReader(pipe.Reader);
        await pipe.Writer.WriteAsync(sent, TestContext.Current.CancellationToken);
        ReadResult result = await watched.ReadAsync(TestContext.Current.CancellationToken);
        Assert.Equal(Preface, result.Buffer.ToArray());
        watched.AdvanceTo(result.Buffer.End);
        Assert.False(watched.TryRead(out _));
        ValueTask<ReadResult> waits = watched.ReadAsync(TestContext.Current.CancellationToken);
        Assert.False(waits.IsCompleted);
        await pipe.Writer.CompleteAsync();
        result = await waits;
        Assert.True(result.IsCompleted);
        Assert.Equal(sent[Preface.Length..], result.Buffer.ToArray());
        watched.AdvanceTo(result.Buffer.End);
        await watched.CompleteAsync();
    }

    [Fact]
    public async Task A_read_that_waits_for_a_held_frame_can_be_canceled_and_goes_on_afterwards()
    {
        byte[] frame = HeadersFrame(Authority("http://a:1", true));
        var pipe = new Pipe();
        var watched = new WatchedPipeReader(pipe.Reader);
        await pipe.Writer.WriteAsync((byte[])[.. Preface, .. frame[..^1]], TestContext.Current.CancellationToken);
        watched.AdvanceTo((await watched.ReadAsync(TestContext.Current.CancellationToken)).Buffer.End);
        ValueTask<ReadResult> waits = watched.ReadAsync(TestContext.Current.CancellationToken);
        watched.CancelPendingRead();
        ReadResult result = await waits;
        Assert.True(result.IsCanceled && result.Buffer.IsEmpty);
        watched.AdvanceTo(result.Buffer.Start);
        await pipe.Writer.WriteAsync(frame.AsMemory(frame.Length - 1), TestContext.Current.CancellationToken);
        result = await watched.ReadAsync(TestContext.Current.CancellationToken);
        Assert.False(result.IsCanceled);
        Assert.Equal(HeadersFrame(Authority("httpB--a:1", true)), result.Buffer.ToArray());
    }

    private static byte[] Conversation(string authority) =>
    [
        .. Preface, .. EmptySettings, .. HeadersFrame([.. GetOverHttp, .. Authority(authority, huffman: true), .. Literal(4, "/plain", huffman: true)]),
        .. Data, .. HeadersFrame([.. GetOverHttp, 0xbf, 0xbe], 3), .. Data,
    ];

    private static (SequencePosition, SequencePosition) TakeAll(ReadOnlySequence<byte> buffer) => (buffer.End, buffer.End);

    /// <summary>Writes piece by piece, lets the reader see each before the next comes, and gives what it has consumed in the end.</summary>
    private static async Task<byte[]> ThroughAsync(byte[][] pieces, Func<ReadOnlySequence<byte>, (SequencePosition Consumed, SequencePosition Examined)> advance)
    {
        var pipe = new Pipe(new PipeOptions(minimumSegmentSize: 16, readerScheduler: PipeScheduler.Inline, useSynchronizationContext: false));
        var watched = new WatchedPipeReader(pipe.Reader);
        Task<byte[]> reading = ReadAsync();
        foreach (byte[] piece in pieces) await pipe.Writer.WriteAsync(piece, TestContext.Current.CancellationToken);
        await pipe.Writer.CompleteAsync();
        return await reading;

        async Task<byte[]> ReadAsync()
        {
            var consumed = new ArrayBufferWriter<byte>();
            while (true)
            {
                ReadResult result = await watched.ReadAsync(TestContext.Current.CancellationToken);
                byte[] seen = result.Buffer.ToArray();
                if (result.IsCompleted)
                {
                    consumed.Write(seen);
                    return consumed.WrittenSpan.ToArray();
                }

                (SequencePosition to, SequencePosition examined) = advance(result.Buffer);
                consumed.Write(result.Buffer.Slice(0, to).ToArray());
                watched.AdvanceTo(to, examined);
            }
        }
    }
}
