using Conclave.Store.Tree;

namespace Conclave.Store.Leases;

/// <summary>The leases of a view.</summary>
internal readonly record struct LeaseRoots(TreeNode? Leases, long Count, TreeNode? Attachments)
{
    public bool TryGet(long id, out LeaseState lease)
    {
        Span<byte> key = stackalloc byte[LeaseTable.IdBytes];
        LeaseTable.WriteId(key, id);
        var item = (LeaseEntry.Item?)TreeReader<LeaseEntry>.Find(Leases, key);
        lease = item?.Lease ?? default;
        return item is not null;
    }

    /// <summary>All leases, by id.</summary>
    public IReadOnlyList<LeaseState> All()
    {
        var all = new List<LeaseState>((int)Count);
        var cursor = new TreeCursor<LeaseEntry>(Leases);
        cursor.Seek([]);
        for (bool any = cursor.Leaf is not null; any; any = cursor.NextLeaf())
        {
            TreeLeaf leaf = cursor.Leaf!;
            for (int i = 0; i < leaf.Count; i++)
                all.Add(((LeaseEntry.Item)leaf.Slots[i]).Lease);
        }

        return all;
    }

    public static void CopyAttached(TreeNode? attachments, long id, List<byte[]> into)
    {
        Span<byte> prefix = stackalloc byte[LeaseTable.IdBytes];
        LeaseTable.WriteId(prefix, id);
        var cursor = new TreeCursor<Attachment>(attachments);
        int index = cursor.Seek(prefix);
        for (bool any = cursor.Leaf is not null; any; any = cursor.NextLeaf(), index = 0)
        {
            foreach (object item in cursor.Leaf!.Slots[index..cursor.Leaf.Count])
            {
                byte[] composite = (byte[])item;
                if (!composite.AsSpan().StartsWith(prefix))
                    return;
                into.Add(composite);
            }
        }
    }
}
