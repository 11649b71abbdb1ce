using System.Runtime.CompilerServices;

namespace Conclave.Store.Tree;

/// <summary>Look-ups below a root. Roots that were published never change, but for new versions inside their items.</summary>
internal static class TreeReader<TItem>
    where TItem : struct, ITreeItem
{
    public static object? Find(TreeNode? root, ReadOnlySpan<byte> key)
    {
        if (root is null)
            return null;
        TreeNode node = root;
        while (node is TreeInner inner)
            node = inner.Children[inner.ChildFor(key)];
        var leaf = Unsafe.As<TreeLeaf>(node);
        int index = LowerBound(leaf, key, out bool found);
        return found ? leaf.Slots[index] : null;
    }

    /// <summary>Index of the first item whose key is not below this one; <see cref="TreeNode.Count"/> when all are.</summary>
    public static int LowerBound(TreeLeaf leaf, ReadOnlySpan<byte> key, out bool found)
    {
        Span<object> slots = leaf.Slots;
        int low = 0, high = leaf.Count;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            int order = TItem.KeyOf(slots[middle]).SequenceCompareTo(key);
            if (order == 0)
            {
                found = true;
                return middle;
            }

            if (order < 0)
                low = middle + 1;
            else
                high = middle;
        }

        found = false;
        return low;
    }

    /// <summary>Items that count with a key below this one. Visits one path, whatever the size of the tree.</summary>
    /// <param name="root">The root.</param>
    /// <param name="key">The bound, itself outside.</param>
    /// <param name="revision">The revision that the root was published for; the weights inside it know no other.</param>
    public static long CountBelow(TreeNode? root, ReadOnlySpan<byte> key, long revision)
    {
        if (root is null)
            return 0;
        long count = 0;
        TreeNode node = root;
        while (node is TreeInner inner)
        {
            int child = inner.ChildFor(key);
            foreach (int weight in inner.Weights[..child])
                count += weight;
            node = inner.Children[child];
        }

        var leaf = Unsafe.As<TreeLeaf>(node);
        int end = LowerBound(leaf, key, out _);
        foreach (object item in leaf.Slots[..end])
        {
            if (TItem.CountsAt(item, revision))
                count++;
        }

        return count;
    }

    /// <summary>Items that count from a key (inclusive) to an end (exclusive; empty: to the last).</summary>
    /// <param name="root">The root.</param>
    /// <param name="total">All items that count below the root.</param>
    /// <param name="key">First key.</param>
    /// <param name="end">Key behind the last one; empty for none.</param>
    /// <param name="revision">The revision that the root was published for.</param>
    public static long Count(TreeNode? root, long total, ReadOnlySpan<byte> key, ReadOnlySpan<byte> end, long revision) =>
        (end.IsEmpty ? total : CountBelow(root, end, revision)) - CountBelow(root, key, revision);
}
