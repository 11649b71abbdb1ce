using System.Buffers;
using Conclave.Store.History;
using Conclave.Store.Protobuf;
using Conclave.Store.Requests;

namespace Conclave.Store.Reading;

/// <summary>Answers a RangeRequest: everything of a RangeResponse but the header.</summary>
internal static class RangeQuery
{
    private const byte KvsTag = 2 << 3 | 2, MoreTag = 3 << 3, CountTag = 4 << 3;

    /// <summary>Future first, then compacted, as etcd says it.</summary>
    public static StoreError CheckRevision(long requested, long revision, long compactRevision)
    {
        if (requested <= 0)
            return StoreError.None;
        if (requested > revision)
            return StoreError.FutureRevision;
        return requested < compactRevision ? StoreError.Compacted : StoreError.None;
    }

    /// <param name="request">Checked, its revision too.</param>
    /// <param name="state">Where to look.</param>
    /// <param name="output">Gets the fields kvs, more and count.</param>
    public static void Write(in RangeRequest request, in ReadState state, IBufferWriter<byte> output)
    {
        long revision = request.Revision > 0 ? request.Revision : state.Current;
        var range = new KeyRange(request.Key, request.RangeEnd);
        if (range.IsSingle)
            WriteSingle(request, state.Find(range.Start, revision), output);
        else if (request.CountOnly)
            WriteEnd(more: false, state.Count(range, revision), output);
        else if (request.Target == SortTarget.Key)
            WriteInKeyOrder(request, range, state, revision, output);
        else
            SortedRange.Write(request, range, state, revision, output);
    }

    public static bool Passes(in RangeRequest request, byte[] wire)
    {
        if (!request.HasFilter)
            return true;
        KeyValueFields fields = KeyValueWire.Fields(wire);
        return Within(fields.Mod, request.ModMin, request.ModMax) && Within(fields.Create, request.CreateMin, request.CreateMax);
    }

    public static void WriteKeyValue(bool keysOnly, byte[] wire, IBufferWriter<byte> output)
    {
        if (keysOnly)
        {
            KeyValueFields fields = KeyValueWire.Fields(wire);
            int length = fields.BeforeValue.Length + fields.AfterValue.Length;
            Span<byte> room = output.GetSpan(Varint.BytesFieldSize(length));
            room[0] = KvsTag;
            int at = Varint.Write(room, 1, (uint)length);
            fields.BeforeValue.CopyTo(room[at..]);
            fields.AfterValue.CopyTo(room[(at + fields.BeforeValue.Length)..]);
            output.Advance(at + length);
            return;
        }

        Span<byte> span = output.GetSpan(1 + Varint.IntBytesMax + wire.Length);
        output.Advance(Varint.WriteBytes(span, 0, KvsTag, wire));
    }

    public static void WriteEnd(bool more, long count, IBufferWriter<byte> output)
    {
        Span<byte> span = output.GetSpan(3 + Varint.LongBytesMax);
        int at = 0;
        if (more)
            at = Varint.WriteLong(span, at, MoreTag, 1);
        if (count != 0)
            at = Varint.WriteLong(span, at, CountTag, count);
        output.Advance(at);
    }

    private static bool Within(long value, long min, long max) => (min == 0 || value >= min) && (max == 0 || value <= max);

    private static void WriteSingle(in RangeRequest request, byte[]? wire, IBufferWriter<byte> output)
    {
        if (wire is null)
            return;
        if (request.CountOnly || request.KeysOnly || !Passes(request, wire))
        {
            if (!request.CountOnly && Passes(request, wire))
                WriteKeyValue(keysOnly: true, wire, output);
            WriteEnd(more: false, 1, output);
            return;
        }

        // The most frequent read of all: one span for everything.
        Span<byte> span = output.GetSpan(1 + Varint.IntBytesMax + wire.Length + 2);
        int at = Varint.WriteBytes(span, 0, KvsTag, wire);
        output.Advance(Varint.WriteLong(span, at, CountTag, 1));
    }

    private static void WriteInKeyOrder(in RangeRequest request, in KeyRange range, in ReadState state, long revision, IBufferWriter<byte> output)
    {
        long limit = request.Limit > 0 ? request.Limit : long.MaxValue;
        long visited = 0, written = 0;
        bool more = false;
        var scan = new KeyScan(state, range, revision, descending: request.Order == SortOrder.Descend);
        while (scan.Next())
        {
            visited++;
            if (!Passes(request, scan.Current))
                continue;
            if (written == limit)
            {
                more = true;
                break;
            }

            WriteKeyValue(request.KeysOnly, scan.Current, output);
            written++;
        }

        WriteEnd(more, more ? state.Count(range, revision) : visited, output);
    }
}
