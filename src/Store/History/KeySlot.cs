using System.Runtime.CompilerServices;
using Conclave.Store.Tree;

namespace Conclave.Store.History;

/// <summary>What the key tree holds per key: the bare bytes of the only version, or a <see cref="KeyHistory"/>.</summary>
/// <remarks>
/// Most keys have one version, and the second object would cost more than a third of their memory.
/// A deleted key stays, with a tombstone as its newest version, until compaction removes it; a bare version is never a
/// tombstone. A bare version is never newer than the view that shows it either: a new key comes in a new leaf.
/// </remarks>
internal readonly struct KeySlot : ITreeItem
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ReadOnlySpan<byte> KeyOf(object item) =>
        item.GetType() == typeof(byte[]) ? KeyValueWire.Key(Unsafe.As<byte[]>(item)) : Unsafe.As<KeyHistory>(item).Key;

    public static bool CountsAt(object item, long revision) => LiveNow(item, revision) is not null;

    /// <summary>The version that a reader at a revision sees; null when the key does not exist there.</summary>
    public static byte[]? Live(object item, long revision)
    {
        if (item.GetType() == typeof(byte[]))
        {
            byte[] only = Unsafe.As<byte[]>(item);
            return KeyValueWire.Mod(only) <= revision ? only : null;
        }

        return Unsafe.As<KeyHistory>(item).TryAt(revision, out byte[]? wire) && !KeyValueWire.IsTombstone(wire) ? wire : null;
    }

    /// <summary><see cref="Live"/> at the revision that the root was published for: a bare version that is in the tree is live there.</summary>
    public static byte[]? LiveNow(object item, long revision) =>
        item.GetType() == typeof(byte[]) ? Unsafe.As<byte[]>(item) : Live(item, revision);

    /// <summary>The newest version, a tombstone perhaps. For the writer.</summary>
    public static byte[] Newest(object item) =>
        item.GetType() == typeof(byte[]) ? Unsafe.As<byte[]>(item) : Unsafe.As<KeyHistory>(item).Newest;
}
