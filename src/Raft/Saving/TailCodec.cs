using System.Buffers;

namespace Conclave.Raft;

/// <summary>The entries of a log in memory as bytes, with their payloads or only with what the core asks of a payload: its length.</summary>
/// <remarks><code>
///  | group | group | ...    a group is up to 1,024 entries of one term, kind and payload length
///  group: | head u8: kind in bits 0 and 1, 4 = term rises, 8 = several | rise varint, if 4 | entries after the first varint, if 8 | payload bytes varint | payloads, if they are saved |
/// </code>
/// Terms never fall, indices have no gaps. A log under even load takes a few bytes for a thousand entries; under the most uneven, three bytes an entry.
/// </remarks>
internal static class TailCodec
{
    private const int GroupMax = LogTail.ChunkEntries, KindBits = 3, Rises = 4, Several = 8;

    public static void Write(IBufferWriter<byte> output, Term before, List<ReadOnlyMemory<Entry>> runs, bool payloads)
    {
        var writer = new FieldWriter(output);
        foreach (ReadOnlyMemory<Entry> run in runs)
        {
            ReadOnlySpan<Entry> rest = run.Span;
            while (!rest.IsEmpty)
            {
                int count = 1;
                while (count < rest.Length && count < GroupMax && IsAlike(rest[0], rest[count])) count++;
                WriteGroup(ref writer, before, rest[..count], payloads);
                before = rest[0].Term;
                rest = rest[count..];
            }
        }
        writer.Flush();
    }

    public static void Read(ref FieldReader reader, LogTail into, ulong count, bool payloads)
    {
        // Checked before anything is allocated: a group has two bytes or more, and the last index is not past the end of numbers.
        reader.Expect(count <= (ulong)reader.Remaining / 2 * GroupMax && into.Last.Index.Value < ulong.MaxValue - count);
        while (count > 0 && !reader.Failed)
        {
            int head = reader.Byte();
            ulong rise = (head & Rises) != 0 ? reader.Varint() : 0;
            int group = 1 + ((head & Several) != 0 ? reader.Int(GroupMax - 1) : 0), length = reader.Int();
            var kind = (EntryKind)(head & KindBits);
            reader.Expect(head < 2 * Several && kind <= EntryKind.Membership && (ulong)group <= count && rise <= ulong.MaxValue - into.Last.Term.Value);
            Term term = new(reader.Failed ? 0 : into.Last.Term.Value + rise);
            for (int i = 0; i < group && !reader.Failed; i++)
            {
                ReadOnlyMemory<byte> payload = payloads ? reader.Slice((ulong)length) : PayloadLeftOut.Of(length);
                if (!reader.Failed) into.Append(new Entry(into.Last.Index.Next, term, kind, payload));
            }
            count -= (ulong)group;
        }
        reader.Expect(reader.AtEnd);
    }

    private static void WriteGroup(ref FieldWriter writer, Term before, ReadOnlySpan<Entry> group, bool payloads)
    {
        ref readonly Entry first = ref group[0];
        writer.Byte((byte)((int)first.Kind | (first.Term > before ? Rises : 0) | (group.Length > 1 ? Several : 0)));
        if (first.Term > before) writer.Varint(first.Term.Value - before.Value);
        if (group.Length > 1) writer.Varint((ulong)group.Length - 1);
        writer.Varint((ulong)first.Payload.Length);
        if (!payloads) return;
        foreach (ref readonly Entry entry in group) writer.Bytes(entry.Payload.Span);
    }

    private static bool IsAlike(in Entry a, in Entry b) => a.Term == b.Term && a.Kind == b.Kind && a.Payload.Length == b.Payload.Length;
}
