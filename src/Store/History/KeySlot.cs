using System.Runtime.CompilerServices;
using Conclave.Store.Tree;

namespace Conclave.Store.History;

/// <summary>What the key tree holds per key: the bare bytes of the only version, or a <see cref="KeyHistory"/>.</summary>
/// <remarks>
/// Most keys have one version, and the second object would cost more than a third of their memory.
/// A deleted key stays, with a tombstone as its newest version, until compaction removes it.
/// </remarks>
internal readonly struct KeySlot : ITreeItem
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ReadOnlySpan<byte> KeyOf(object item) =>
        item.GetType() == typeof(byte[]) ? KeyValueWire.Key(Unsafe.As<byte[]>(item)) : Unsafe.As<KeyHistory>(item).Key;

    public static bool CountsAt(object item, long revision) => Live(item, revision) is not null;

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

    /// <summary>The newest version, a tombstone perhaps. For the writer.</summary>
    public static byte[] Newest(object item) =>
        item.GetType() == typeof(byte[]) ? Unsafe.As<byte[]>(item) : Unsafe.As<KeyHistory>(item).Newest;
}
