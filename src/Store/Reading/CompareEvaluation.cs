using Conclave.Store.History;
using Conclave.Store.Requests;

namespace Conclave.Store.Reading;

/// <summary>Decides which branch a transaction takes.</summary>
internal static class CompareEvaluation
{
    /// <summary>Whether all compares of a checked transaction hold; none given is a yes.</summary>
    /// <param name="txn">The transaction.</param>
    /// <param name="state">What is compared with.</param>
    /// <param name="looked">How many compares that took: the first that does not hold ends it.</param>
    public static bool Holds(ReadOnlySpan<byte> txn, in ReadState state, out int looked)
    {
        looked = 0;
        var compares = new TxnParts(txn, TxnParts.Compares);
        while (compares.Next())
        {
            looked++;
            Compare.TryParse(compares.Current, out Compare compare);
            if (!Holds(compare, state))
                return false;
        }

        return true;
    }

    private static bool Holds(in Compare compare, in ReadState state)
    {
        var range = new KeyRange(compare.Key, compare.RangeEnd);
        if (range.IsSingle)
            return Holds(compare, state.Find(range.Start, state.Current));

        // Every key of the range must satisfy it; a range without keys behaves like one missing key.
        bool any = false;
        var scan = new KeyScan(state, range, state.Current);
        while (scan.Next())
        {
            any = true;
            if (!Holds(compare, scan.Current))
                return false;
        }

        return any || Holds(compare, wire: null);
    }

    private static bool Holds(in Compare compare, byte[]? wire)
    {
        KeyValueFields fields = wire is null ? default : KeyValueWire.Fields(wire);
        int order;
        switch (compare.Target)
        {
            case CompareTarget.Version: order = fields.Version.CompareTo(compare.Number); break;
            case CompareTarget.Create: order = fields.Create.CompareTo(compare.Number); break;
            case CompareTarget.Mod: order = fields.Mod.CompareTo(compare.Number); break;
            case CompareTarget.Lease: order = fields.Lease.CompareTo(compare.Number); break;
            case CompareTarget.Value:
                // A missing key has no value, not even an unequal one.
                if (wire is null)
                    return false;
                order = fields.Value.SequenceCompareTo(compare.Value);
                break;
            default: order = 0; break;
        }

        return compare.Result switch
        {
            CompareResult.Equal => order == 0,
            CompareResult.Greater => order > 0,
            CompareResult.Less => order < 0,
            CompareResult.NotEqual => order != 0,
            _ => true,
        };
    }
}
