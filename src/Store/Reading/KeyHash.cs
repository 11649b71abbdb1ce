using Conclave.Store.History;
using Conclave.Store.Saving;
using Conclave.Store.Tree;

namespace Conclave.Store.Reading;

/// <summary>The hash that members compare: of all versions up to a revision that a compaction to another one leaves.</summary>
internal static class KeyHash
{
    public static uint Of(in ReadState state, long revision, long compactRevision)
    {
        var crc = new Crc32C();
        crc.Add("key"u8);   // an empty store has a hash too: clients take a missing number for a missing answer
        var cursor = new TreeCursor<KeySlot>(state.Root);
        cursor.Seek([]);
        for (bool any = cursor.Leaf is not null; any; any = cursor.NextLeaf())
        {
            foreach (object item in cursor.Leaf!.Slots[..cursor.Leaf.Count])
                Add(ref crc, item, revision, compactRevision);
        }

        return crc.Value;
    }

    private static void Add(ref Crc32C crc, object item, long revision, long compactRevision)
    {
        if (item is not KeyHistory history)
        {
            byte[] only = (byte[])item;
            if (KeyValueWire.Mod(only) <= revision)
                crc.Add(only);
            return;
        }

        foreach (KeyVersion version in history.Readable(compactRevision, revision))
            crc.Add(version.Wire);
    }
}
