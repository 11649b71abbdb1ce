using System.Buffers;
using Conclave.Store.History;
using Conclave.Store.Requests;

namespace Conclave.Store.Reading;

/// <summary>Ranges in another order than that of the keys: everything is read, sorted, then cut.</summary>
internal static class SortedRange
{
    public static void Write(in RangeRequest request, in KeyRange range, in ReadState state, long revision, IBufferWriter<byte> output)
    {
        Entry[] entries = ArrayPool<Entry>.Shared.Rent(64);
        int kept = 0;
        try
        {
            long visited = 0;
            var scan = new KeyScan(state, range, revision);
            while (scan.Next())
            {
                visited++;
                if (!RangeQuery.Passes(request, scan.Current))
                    continue;
                if (kept == entries.Length)
                    entries = Larger(entries);
                entries[kept] = new Entry(scan.Current, Number(request.Target, scan.Current), kept);
                kept++;
            }

            int count = request.Limit > 0 && request.Limit < kept ? (int)request.Limit : kept;
            var order = new EntryOrder(request.Target == SortTarget.Value, request.Order == SortOrder.Descend);
            if (count == 1)
                MoveFirstToFront(entries.AsSpan(0, kept), order);
            else
                entries.AsSpan(0, kept).Sort(order);
            var answer = new KeyValueOutput(output);
            foreach (ref readonly Entry entry in entries.AsSpan(0, count))
                answer.Write(request.KeysOnly, entry.Wire);
            answer.WriteEnd(more: count < kept, visited);
        }
        finally
        {
            entries.AsSpan(0, kept).Clear();
            ArrayPool<Entry>.Shared.Return(entries);
        }
    }

    // Locks and elections ask for "the one created first": no need to sort the others.
    private static void MoveFirstToFront(Span<Entry> entries, EntryOrder order)
    {
        for (int i = 1; i < entries.Length; i++)
        {
            if (order.Compare(entries[i], entries[0]) < 0)
                entries[0] = entries[i];
        }
    }

    private static Entry[] Larger(Entry[] full)
    {
        Entry[] larger = ArrayPool<Entry>.Shared.Rent(full.Length * 2);
        full.CopyTo(larger, 0);
        full.AsSpan().Clear();
        ArrayPool<Entry>.Shared.Return(full);
        return larger;
    }

    private static long Number(SortTarget target, byte[] wire)
    {
        KeyValueFields fields = KeyValueWire.Fields(wire);
        return target switch
        {
            SortTarget.Version => fields.Version,
            SortTarget.Create => fields.Create,
            SortTarget.Mod => fields.Mod,
            _ => 0,
        };
    }

    private readonly record struct Entry(byte[] Wire, long Number, int Position);

    /// <summary>By the target; equal ones in key order, whichever the direction.</summary>
    private readonly struct EntryOrder(bool byValue, bool descending) : IComparer<Entry>
    {
        public int Compare(Entry x, Entry y)
        {
            int order = byValue
                ? KeyValueWire.Fields(x.Wire).Value.SequenceCompareTo(KeyValueWire.Fields(y.Wire).Value)
                : x.Number.CompareTo(y.Number);
            if (order == 0)
                return x.Position.CompareTo(y.Position);
            return descending ? -order : order;
        }
    }
}
