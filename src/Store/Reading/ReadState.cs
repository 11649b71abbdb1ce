using Conclave.Store.History;
using Conclave.Store.Requests;
using Conclave.Store.Tree;

namespace Conclave.Store.Reading;

/// <summary>What a read looks at: a published view, or the writer's own state in the middle of a transaction.</summary>
/// <param name="Root">Root of the key tree.</param>
/// <param name="KeyCount">Live keys below the root.</param>
/// <param name="Current">The revision the root stands for: newer versions that the writer has appended since are passed over.</param>
internal readonly record struct ReadState(TreeNode? Root, long KeyCount, long Current)
{
    public byte[]? Find(ReadOnlySpan<byte> key, long revision)
    {
        object? item = TreeReader<KeySlot>.Find(Root, key);
        if (item is null)
            return null;
        return revision == Current ? KeySlot.LiveNow(item, revision) : KeySlot.Live(item, revision);
    }

    /// <summary>Live keys in a range. Cheap at the current revision, a visit to every key at an older one.</summary>
    public long Count(in KeyRange range, long revision)
    {
        if (range.IsSingle)
            return Find(range.Start, revision) is null ? 0 : 1;
        if (range.IsEmpty)
            return 0;
        if (revision == Current)
            return TreeReader<KeySlot>.Count(Root, KeyCount, range.Start, range.End, revision);
        long count = 0;
        var scan = new KeyScan(this, range, revision);
        while (scan.Next())
            count++;
        return count;
    }
}
