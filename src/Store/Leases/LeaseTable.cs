using System.Buffers.Binary;
using Conclave.Store.Tree;

namespace Conclave.Store.Leases;

/// <summary>The granted leases, and for each the keys attached to it. The writer's side; its roots are for views.</summary>
/// <remarks>
/// Attachments are a tree of their own, ordered by lease and then key, so that a revoke finds its keys in key order and
/// a view can list them. They say nothing that the keys' own lease fields do not say, and are rebuilt from those on load.
/// </remarks>
internal sealed class LeaseTable
{
    internal const int IdBytes = sizeof(ulong);

    private readonly CowTree<LeaseEntry> _leases = new();
    private readonly CowTree<Attachment> _attachments = new();

    public LeaseRoots Publish() => new(_leases.Publish(), _leases.Weight, _attachments.Publish());

    public bool TryGet(long id, out LeaseState lease) => new LeaseRoots(_leases.Root, _leases.Weight, null).TryGet(id, out lease);

    public bool Contains(long id) => TryGet(id, out _);

    public void Grant(LeaseState lease)
    {
        var entry = new LeaseEntry.Item(lease);
        Invariant.Holds(_leases.Seek(entry.Key) is null, "A lease is granted once.");
        _leases.Insert(entry, 1);
    }

    public void Attach(long id, ReadOnlySpan<byte> key)
    {
        byte[] composite = Composite(id, key);
        if (_attachments.Seek(composite) is null)
            _attachments.Insert(composite, 1);
    }

    public void Detach(long id, ReadOnlySpan<byte> key)
    {
        int length = IdBytes + key.Length;
        Span<byte> composite = length <= 256 ? stackalloc byte[256] : new byte[length];
        composite = composite[..length];
        WriteId(composite, id);
        key.CopyTo(composite[IdBytes..]);
        if (_attachments.Seek(composite) is not null)
            _attachments.Remove(1);
    }

    /// <summary>The attached keys of a lease, in key order, each behind <see cref="IdBytes"/> bytes of lease id.</summary>
    public void CopyAttached(long id, List<byte[]> into) => LeaseRoots.CopyAttached(_attachments.Root, id, into);

    /// <summary>Whether every attachment is to a lease that exists; for a state that was loaded.</summary>
    public bool AreAllAttachmentsGranted()
    {
        var cursor = new TreeCursor<Attachment>(_attachments.Root);
        cursor.Seek([]);
        for (bool any = cursor.Leaf is not null; any; any = cursor.NextLeaf())
        {
            foreach (object composite in cursor.Leaf!.Slots[..cursor.Leaf.Count])
            {
                if (TreeReader<LeaseEntry>.Find(_leases.Root, ((byte[])composite).AsSpan(0, IdBytes)) is null)
                    return false;
            }
        }

        return true;
    }

    /// <summary>Forgets a lease whose keys are gone already.</summary>
    public void Remove(long id)
    {
        Span<byte> key = stackalloc byte[IdBytes];
        WriteId(key, id);
        Invariant.Holds(_leases.Seek(key) is not null, "Only a granted lease is removed.");
        _leases.Remove(1);
    }

    /// <summary>Big-endian with the sign turned, so that byte order is number order.</summary>
    internal static void WriteId(Span<byte> destination, long id) =>
        BinaryPrimitives.WriteUInt64BigEndian(destination, (ulong)id ^ (1UL << 63));

    private static byte[] Composite(long id, ReadOnlySpan<byte> key)
    {
        byte[] composite = new byte[IdBytes + key.Length];
        WriteId(composite, id);
        key.CopyTo(composite.AsSpan(IdBytes));
        return composite;
    }
}

internal readonly struct LeaseEntry : ITreeItem
{
    public static ReadOnlySpan<byte> KeyOf(object item) => ((Item)item).Key;

    public static bool CountsAt(object item, long revision) => true;

    internal sealed class Item
    {
        public Item(LeaseState lease)
        {
            Lease = lease;
            Key = new byte[LeaseTable.IdBytes];
            LeaseTable.WriteId(Key, lease.Id);
        }

        public LeaseState Lease { get; }
        public byte[] Key { get; }
    }
}

internal readonly struct Attachment : ITreeItem
{
    public static ReadOnlySpan<byte> KeyOf(object item) => (byte[])item;

    public static bool CountsAt(object item, long revision) => true;
}
