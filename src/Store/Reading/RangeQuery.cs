using System.Buffers;
using Conclave.Store.History;
using Conclave.Store.Requests;

namespace Conclave.Store.Reading;

/// <summary>Answers a RangeRequest: everything of a RangeResponse but the header.</summary>
internal static class RangeQuery
{
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
            new KeyValueOutput(output).WriteEnd(more: false, state.Count(range, revision));
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


    private static bool Within(long value, long min, long max) => (min == 0 || value >= min) && (max == 0 || value <= max);

    private static void WriteSingle(in RangeRequest request, byte[]? wire, IBufferWriter<byte> output)
    {
        if (wire is null)
            return;
        var answer = new KeyValueOutput(output);
        if (!request.CountOnly && Passes(request, wire))
            answer.Write(request.KeysOnly, wire);
        answer.WriteEnd(more: false, 1);
    }

    private static void WriteInKeyOrder(in RangeRequest request, in KeyRange range, in ReadState state, long revision, IBufferWriter<byte> output)
    {
        long limit = request.Limit > 0 ? request.Limit : long.MaxValue;
        long visited = 0, written = 0;
        bool more = false;
        var answer = new KeyValueOutput(output);
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

            answer.Write(request.KeysOnly, scan.Current);
            written++;
        }

        answer.WriteEnd(more, more ? state.Count(range, revision) : visited);
    }
}
