using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Conclave.Raft;

/// <summary>Bytes of a <see cref="Message"/>. Framing, checksums and the sender's identity are the transport's.</summary>
/// <remarks><code>
///  | format u8 = 1 | kind u8 | flags u8 | reserved u8 = 0 | from u64 | to u64 | term u64 | fields of the kind |    little-endian
///  append:  | previous index u64 | previous term u64 | commit u64 | sequence u64 | count varint | entries |
///  entry:   | kind u8 | term minus the term before it, varint | payload bytes varint | payload |
/// </code>
/// Entries need no index (they are consecutive), and terms never fall along a log, so both checks are free.
/// A change that an old reader would misread gets a new format number; the transport agrees on one per connection.
/// </remarks>
public static class MessageCodec
{
    private const byte Format = 1;
    internal const int HeaderBytes = 28;

    /// <summary>Bytes of an entry beside its payload, at most.</summary>
    internal const int EntryHeaderBytesMax = 1 + 10 + 5;

    private enum Kind : byte
    {
        VoteRequest = 1, VoteReply = 2, AppendRequest = 3, AppendReply = 4, CommitNotice = 5, HeartbeatRequest = 6,
        HeartbeatReply = 7, SnapshotReply = 8, ReadIndexRequest = 9, ReadIndexReply = 10, TimeoutNow = 11,
    }

    [Flags]
    private enum Flags : byte { None = 0, PreVote = 1, Transfer = 2, Granted = 4, Success = 8, Unproven = 16, Recovering = 32 }

    /// <summary>Writes one message.</summary>
    public static void Write(IBufferWriter<byte> output, Message message)
    {
        var writer = new FieldWriter(output);
        switch (message)
        {
            case VoteRequest m:
                Header(ref writer, m, Kind.VoteRequest, (m.PreVote ? Flags.PreVote : 0) | (m.Transfer ? Flags.Transfer : 0));
                writer.Id(m.Last);
                writer.Fixed(m.Round);
                break;
            case VoteReply m:
                Header(ref writer, m, Kind.VoteReply, (m.PreVote ? Flags.PreVote : 0) | (m.Granted ? Flags.Granted : 0));
                writer.Fixed(m.Round);
                break;
            case AppendRequest m:
                Header(ref writer, m, Kind.AppendRequest);
                WriteAppend(ref writer, m);
                break;
            case AppendReply m:
                Header(ref writer, m, Kind.AppendReply, m.Success ? Flags.Success : 0);
                writer.Fixed(m.Sequence);
                writer.Fixed(m.Match.Value);
                writer.Id(m.Hint);
                break;
            case CommitNotice m:
                Header(ref writer, m, Kind.CommitNotice);
                writer.Id(m.Verified);
                writer.Fixed(m.Commit.Value);
                break;
            case HeartbeatRequest m:
                Header(ref writer, m, Kind.HeartbeatRequest);
                writer.Fixed(m.Commit.Value);
                writer.Fixed(m.ReadEpoch);
                break;
            case HeartbeatReply m:
                Header(ref writer, m, Kind.HeartbeatReply, (m.Unproven ? Flags.Unproven : 0) | (m.Recovering ? Flags.Recovering : 0));
                writer.Fixed(m.ReadEpoch);
                break;
            case SnapshotReply m:
                Header(ref writer, m, Kind.SnapshotReply);
                writer.Fixed(m.Last.Value);
                break;
            case ReadIndexRequest m:
                Header(ref writer, m, Kind.ReadIndexRequest);
                writer.Fixed(m.RequestId);
                break;
            case ReadIndexReply m:
                Header(ref writer, m, Kind.ReadIndexReply);
                writer.Fixed(m.RequestId);
                writer.Fixed(m.Index.Value);
                break;
            case TimeoutNow m:
                Header(ref writer, m, Kind.TimeoutNow);
                writer.Id(m.Last);
                break;
            default:
                throw Invariant.Unreachable("A message type has no encoding.");
        }
        writer.Flush();
    }

    /// <summary>Reads one message that fills <paramref name="bytes"/> exactly. Entry payloads are slices of it, not copies.</summary>
    /// <returns>False for anything that <see cref="Write"/> does not write. Never throws, whatever the bytes.</returns>
    public static bool TryRead(ReadOnlyMemory<byte> bytes, [NotNullWhen(true)] out Message? message)
    {
        message = null;
        var reader = new FieldReader(bytes);
        if (reader.Byte() != Format) return false;
        var kind = (Kind)reader.Byte();
        var flags = (Flags)reader.Byte();
        if (reader.Byte() != 0) return false;
        var from = new NodeId(reader.Fixed());
        var to = new NodeId(reader.Fixed());
        var term = new Term(reader.Fixed());
        if (reader.Failed || (flags & ~AllowedFlags(kind)) != 0) return false;

        Message? read = kind switch
        {
            Kind.VoteRequest => new VoteRequest
            {
                From = from,
                To = to,
                Term = term,
                PreVote = flags.HasFlag(Flags.PreVote),
                Transfer = flags.HasFlag(Flags.Transfer),
                Last = reader.Id(),
                Round = reader.Fixed(),
            },
            Kind.VoteReply => new VoteReply
            {
                From = from,
                To = to,
                Term = term,
                PreVote = flags.HasFlag(Flags.PreVote),
                Granted = flags.HasFlag(Flags.Granted),
                Round = reader.Fixed(),
            },
            Kind.AppendRequest => ReadAppend(ref reader, from, to, term),
            Kind.AppendReply => new AppendReply
            {
                From = from,
                To = to,
                Term = term,
                Success = flags.HasFlag(Flags.Success),
                Sequence = reader.Fixed(),
                Match = new LogIndex(reader.Fixed()),
                Hint = reader.Id(),
            },
            Kind.CommitNotice => new CommitNotice { From = from, To = to, Term = term, Verified = reader.Id(), Commit = new LogIndex(reader.Fixed()) },
            Kind.HeartbeatRequest => new HeartbeatRequest { From = from, To = to, Term = term, Commit = new LogIndex(reader.Fixed()), ReadEpoch = reader.Fixed() },
            Kind.HeartbeatReply => new HeartbeatReply
            {
                From = from,
                To = to,
                Term = term,
                ReadEpoch = reader.Fixed(),
                Unproven = flags.HasFlag(Flags.Unproven),
                Recovering = flags.HasFlag(Flags.Recovering),
            },
            Kind.SnapshotReply => new SnapshotReply { From = from, To = to, Term = term, Last = new LogIndex(reader.Fixed()) },
            Kind.ReadIndexRequest => new ReadIndexRequest { From = from, To = to, Term = term, RequestId = reader.Fixed() },
            Kind.ReadIndexReply => new ReadIndexReply { From = from, To = to, Term = term, RequestId = reader.Fixed(), Index = new LogIndex(reader.Fixed()) },
            Kind.TimeoutNow => new TimeoutNow { From = from, To = to, Term = term, Last = reader.Id() },
            _ => null,
        };
        if (read is null || reader.Failed || !reader.AtEnd) return false;
        message = read;
        return true;
    }

    private static Flags AllowedFlags(Kind kind) => kind switch
    {
        Kind.VoteRequest => Flags.PreVote | Flags.Transfer,
        Kind.VoteReply => Flags.PreVote | Flags.Granted,
        Kind.AppendReply => Flags.Success,
        Kind.HeartbeatReply => Flags.Unproven | Flags.Recovering,
        _ => Flags.None,
    };

    private static void Header(ref FieldWriter writer, Message message, Kind kind, Flags flags = Flags.None)
    {
        writer.Byte(Format);
        writer.Byte((byte)kind);
        writer.Byte((byte)flags);
        writer.Byte(0);
        writer.Fixed(message.From.Value);
        writer.Fixed(message.To.Value);
        writer.Fixed(message.Term.Value);
    }

    private static void WriteAppend(ref FieldWriter writer, AppendRequest message)
    {
        writer.Id(message.Previous);
        writer.Fixed(message.Commit.Value);
        writer.Fixed(message.Sequence);
        writer.Varint((ulong)message.Entries.Length);
        ulong term = message.Previous.Term.Value;
        foreach (ref readonly Entry entry in message.Entries.Span)
        {
            writer.Byte((byte)entry.Kind);
            writer.Varint(entry.Term.Value - term);
            writer.Varint((ulong)entry.Payload.Length);
            writer.Bytes(entry.Payload.Span);
            term = entry.Term.Value;
        }
    }

    private static AppendRequest? ReadAppend(ref FieldReader reader, NodeId from, NodeId to, Term messageTerm)
    {
        const int EntryBytesMin = 3;
        EntryId previous = reader.Id();
        var commit = new LogIndex(reader.Fixed());
        ulong sequence = reader.Fixed();
        ulong count = reader.Varint();
        // The count is checked against the bytes that are there before anything is allocated for it.
        if (reader.Failed || count > (ulong)(reader.Remaining / EntryBytesMin) || previous.Term > messageTerm
            || previous.Index.Value > ulong.MaxValue - count)
            return null;

        var entries = count == 0 ? [] : new Entry[count];
        ulong term = previous.Term.Value;
        for (int i = 0; i < entries.Length; i++)
        {
            byte kind = reader.Byte();
            ulong rise = reader.Varint();
            ReadOnlyMemory<byte> payload = reader.Slice(reader.Varint());
            if (reader.Failed || kind > (byte)EntryKind.Membership || rise > messageTerm.Value - term) return null;
            term += rise;
            entries[i] = new Entry(previous.Index + (i + 1), new Term(term), (EntryKind)kind, payload);
        }
        return new AppendRequest { From = from, To = to, Term = messageTerm, Previous = previous, Entries = entries, Commit = commit, Sequence = sequence };
    }
}
