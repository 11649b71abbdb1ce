using System.Buffers;
using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Raft.Tests;

public class MessageCodecTests(ITestOutputHelper output)
{
    private static readonly NodeId From = new(7), To = new(ulong.MaxValue);
    private static readonly Term Term = new(9);

    private static readonly Message[] Examples =
    [
        new VoteRequest { From = From, To = To, Term = Term, PreVote = true, Last = Id(12, 8), Round = 77 },
        new VoteRequest { From = From, To = To, Term = Term, PreVote = false, Transfer = true, Last = Id(0, 0), Round = ulong.MaxValue },
        new VoteReply { From = From, To = To, Term = Term, PreVote = true, Granted = false, Round = 3 },
        new VoteReply { From = From, To = To, Term = Term, PreVote = false, Granted = true, Round = 4 },
        new AppendRequest { From = From, To = To, Term = Term, Previous = Id(5, 2), Entries = default, Commit = new(99), Sequence = 1 },
        new AppendRequest
        {
            From = From, To = To, Term = Term, Previous = Id(5, 2), Commit = new(4), Sequence = 2,
            Entries = new[]
            {
                new Entry(new(6), new(2), EntryKind.NoOp, default),
                new Entry(new(7), new(9), EntryKind.Command, new byte[300]),
                new Entry(new(8), new(9), EntryKind.Membership, Membership.Of(new NodeId(1)).Encode()),
            },
        },
        new AppendReply { From = From, To = To, Term = Term, Sequence = 5, Success = true, Match = new(6) },
        new AppendReply { From = From, To = To, Term = Term, Sequence = 5, Success = false, Match = new(0), Hint = Id(3, 2) },
        new CommitNotice { From = From, To = To, Term = Term, Verified = Id(3, 2), Commit = new(7) },
        new HeartbeatRequest { From = From, To = To, Term = Term, Commit = new(7), ReadEpoch = 8 },
        new HeartbeatReply { From = From, To = To, Term = Term, ReadEpoch = 8 },
        new HeartbeatReply { From = From, To = To, Term = Term, ReadEpoch = 9, Unproven = true },
        new HeartbeatReply { From = From, To = To, Term = Term, ReadEpoch = 9, Recovering = true },
        new TimeoutNow { From = From, To = To, Term = Term, Last = Id(44, 9) },
        new SnapshotReply { From = From, To = To, Term = Term, Last = new(1000) },
        new ReadIndexRequest { From = From, To = To, Term = Term, RequestId = 17 },
        new ReadIndexReply { From = From, To = To, Term = Term, RequestId = 17, Index = new(18) },
    ];

    public static TheoryData<int> ExampleNumbers => [.. Enumerable.Range(0, Examples.Length)];

    [Theory, MemberData(nameof(ExampleNumbers))]
    public void What_is_written_is_read_back(int example) => Assert.Equal(Show(Examples[example]), Show(RoundTrip(Examples[example])));

    [Theory, MemberData(nameof(ExampleNumbers))]
    public void A_message_cut_anywhere_or_with_bytes_added_is_refused(int example)
    {
        byte[] whole = Encode(Examples[example]);
        for (int length = 0; length < whole.Length; length++)
            Assert.False(MessageCodec.TryRead(whole.AsMemory(0, length), out _), $"cut to {length} of {whole.Length}");
        Assert.False(MessageCodec.TryRead((byte[])[.. whole, 0], out _));
    }

    [Theory, MemberData(nameof(ExampleNumbers))]
    public void A_changed_byte_never_throws(int example)
    {
        byte[] whole = Encode(Examples[example]);
        for (int at = 0; at < whole.Length; at++)
        {
            foreach (byte value in new byte[] { 0, 1, 0x7F, 0x80, 0xFF })
            {
                byte[] changed = [.. whole];
                changed[at] = value;
                if (MessageCodec.TryRead(changed, out Message? message)) RoundTrip(message);
            }
        }
    }

    [Fact]
    public void Random_bytes_never_throw_and_never_allocate_for_what_is_not_there() => Properties.Holds(Prop.ForAll((byte[] bytes, byte kind) =>
    {
        MessageCodec.TryRead(bytes, out _);
        byte[] likely = [1, (byte)(kind % 13), 0, 0, .. bytes];
        return !MessageCodec.TryRead(likely, out Message? message) || Show(RoundTrip(message)) == Show(message);
    }), output, tests: 2_000);

    [Fact]
    public void Entries_survive_the_round_trip() => Properties.Holds(Prop.ForAll((byte[][] payloads, ushort previousIndex, byte[] rises) =>
    {
        ulong term = 3;
        var entries = new Entry[payloads.Length];
        for (int i = 0; i < entries.Length; i++)
        {
            term += i < rises.Length ? rises[i] : 0u;
            entries[i] = new Entry(new LogIndex(previousIndex + (ulong)i + 1), new Term(term), EntryKind.Command, payloads[i] ?? []);
        }
        var request = new AppendRequest
        {
            From = From,
            To = To,
            Term = new Term(term),
            Previous = Id(previousIndex, 3),
            Entries = entries,
            Commit = new(1),
            Sequence = 1,
        };
        return Show(RoundTrip(request)) == Show(request);
    }), output);

    [Fact]
    public void A_count_larger_than_the_message_is_refused_before_memory_is_taken_for_it()
    {
        byte[] request = Encode(Examples[4]);
        byte[] huge = [.. request[..^1], 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]; // the count is the last field
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.False(MessageCodec.TryRead(huge, out _));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4096);
    }

    [Fact]
    public void Payloads_are_slices_of_the_input()
    {
        byte[] bytes = Encode(Examples[5]);
        Assert.True(MessageCodec.TryRead(bytes, out Message? message));
        Array.Fill(bytes, (byte)0xAB);
        Assert.Equal(0xAB, ((AppendRequest)message).Entries.Span[1].Payload.Span[0]);
    }

    private static EntryId Id(ulong index, ulong term) => new(new LogIndex(index), new Term(term));

    private static byte[] Encode(Message message)
    {
        var buffer = new ArrayBufferWriter<byte>();
        MessageCodec.Write(buffer, message);
        return buffer.WrittenSpan.ToArray();
    }

    private static Message RoundTrip(Message message)
    {
        Assert.True(MessageCodec.TryRead(Encode(message), out Message? read), message.ToString());
        return read;
    }

    private static string Show(Message message) => message is AppendRequest append
        ? $"{append} {string.Join(' ', append.Entries.ToArray().Select(e => $"{e} {Convert.ToHexString(e.Payload.Span)}"))}"
        : message.ToString();
}
