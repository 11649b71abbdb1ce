using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Text;
using Conclave.Fuzz.Engine;
using Conclave.Node.Http.Grpc;
using Conclave.Wire.Grpc;

namespace Conclave.Fuzz.Targets;

/// <summary>Messages with their prefix of five bytes, whole and in pieces, beside the plainest reader there is.</summary>
internal sealed class GrpcFrameTarget : FuzzTarget
{
    internal const int MessageBytesMax = 2000;

    public override string Name => "grpc-frame";

    public override IReadOnlyList<byte[]> Corpus()
    {
        var all = new ArrayBufferWriter<byte>();
        foreach (int length in (int[])[0, 1, 12, MessageBytesMax]) GrpcFrame.Write(all, new byte[length]);
        return [all.WrittenSpan.ToArray(), all.WrittenSpan[..18].ToArray(), [1, 0, 0, 0, 1, 0], [2]];
    }

    public override void Read(byte[] input)
    {
        ReadOnlySequence<byte> whole = new(input), pieces = Pieces.Of(input, 1 + input.Length % 7);
        for (int at = 0; ;)
        {
            GrpcReadStatus status = GrpcFrame.TryRead(ref whole, MessageBytesMax, out ReadOnlySequence<byte> message, out uint bytes);
            GrpcReadStatus again = GrpcFrame.TryRead(ref pieces, MessageBytesMax, out ReadOnlySequence<byte> same, out uint sameBytes);
            Holds(status == again && bytes == sameBytes && status == Expected(input.AsSpan(at)), $"{status} and {again} at {at}");
            if (status != GrpcReadStatus.Done) return;
            Holds(message.ToArray().AsSpan().SequenceEqual(same.ToArray()) && message.ToArray().AsSpan().SequenceEqual(input.AsSpan(at + 5, (int)bytes)), $"the message at {at}");
            at += 5 + (int)bytes;
        }
    }

    internal static GrpcReadStatus Expected(ReadOnlySpan<byte> rest)
    {
        if (rest.IsEmpty) return GrpcReadStatus.NeedMore;
        if (rest[0] != 0) return rest[0] == 1 ? GrpcReadStatus.Compressed : GrpcReadStatus.Corrupt;
        if (rest.Length < 5) return GrpcReadStatus.NeedMore;
        uint length = BinaryPrimitives.ReadUInt32BigEndian(rest[1..]);
        return length > MessageBytesMax ? GrpcReadStatus.TooLarge : length > rest.Length - 5 ? GrpcReadStatus.NeedMore : GrpcReadStatus.Done;
    }
}

/// <summary>The body of a call as it arrives, in pieces, beside the same reader: messages, and how it ends. The first byte says how long the pieces are.</summary>
internal sealed class GrpcBodyTarget : FuzzTarget
{
    public override string Name => "grpc-body";

    public override (long Fixed, long PerByte) MemoryMax => (64 << 10, 2048);   // a pipe of its own, of small blocks

    public override IReadOnlyList<byte[]> Corpus() => [.. new GrpcFrameTarget().Corpus().SelectMany(body => (byte[][])[[0, .. body], [6, .. body], [255, .. body]])];

    public override void Read(byte[] input)
    {
        if (input.Length == 0) return;
        int step = 1 + input[0], sent = 0, at = 0;
        ReadOnlySpan<byte> bytes = input.AsSpan(1);
        var pipe = new Pipe(new PipeOptions(minimumSegmentSize: 32, pauseWriterThreshold: 0, useSynchronizationContext: false));
        var body = new GrpcBody(pipe.Reader, GrpcFrameTarget.MessageBytesMax);
        GrpcReadStatus end = GrpcReadStatus.NeedMore;
        bool isCut = false;
        try
        {
            while (true)
            {
                while (body.TryRead(out ReadOnlyMemory<byte> message))
                {
                    Holds(GrpcFrameTarget.Expected(bytes[at..]) == GrpcReadStatus.Done && message.Span.SequenceEqual(bytes.Slice(at + 5, message.Length)), $"the message at {at}");
                    at += 5 + message.Length;
                }

                if (body.IsOver) break;
                Holds(body.WaitingBytes < GrpcFrameTarget.MessageBytesMax + 5, "no more waits than belongs to one message");
                int count = Math.Min(step, bytes.Length - sent);
                if (count > 0) pipe.Writer.Write(bytes.Slice(sent, count));
                sent += count;
                if (sent == bytes.Length) pipe.Writer.Complete();
                else pipe.Writer.FlushAsync().AsTask().GetAwaiter().GetResult();
                body.Hold(body.WaitAsync(CancellationToken.None).AsTask().GetAwaiter().GetResult());   // there is something, or it is over
            }
        }
        catch (GrpcException refusal)
        {
            isCut = refusal.Status.Message.Contains("in the middle", StringComparison.Ordinal);
            end = refusal.Status.Code switch { GrpcCode.ResourceExhausted => GrpcReadStatus.TooLarge, GrpcCode.Unimplemented => GrpcReadStatus.Compressed, _ => isCut ? GrpcReadStatus.NeedMore : GrpcReadStatus.Corrupt };
        }
        finally
        {
            body.End();
        }

        Holds(end == GrpcFrameTarget.Expected(bytes[at..]) && isCut == (end == GrpcReadStatus.NeedMore && at < bytes.Length), $"it ends with {end} at {at}");
    }
}

/// <summary>grpc-message and grpc-timeout.</summary>
internal sealed class GrpcTextTarget : FuzzTarget
{
    public override string Name => "grpc-text";

    public override IReadOnlyList<byte[]> Corpus() => Texts("etcdserver: request timed out", "a%20b%C3%A4%", "%%%41%4", "ä\nö\u2028", "10S", "99999999H", "1n", "00000001m");

    public override void Read(byte[] input)
    {
        string text = Encoding.UTF8.GetString(input), encoded = GrpcMessageText.Encode(text);
        GrpcMessageText.Decode(text);
        Holds(!encoded.AsSpan().ContainsAnyExceptInRange(' ', '~'), "only printable ASCII goes on the wire");
        Holds(GrpcMessageText.Decode(encoded) == text, "what was encoded decodes to itself");
        if (!GrpcTimeout.TryParse(text, out TimeSpan timeout)) return;
        Holds(timeout >= TimeSpan.Zero && GrpcTimeout.TryParse(GrpcTimeout.Format(timeout), out TimeSpan again) && again >= timeout, "a timeout is written as the same or a little more");
    }
}
