using System.Runtime.CompilerServices;

namespace Conclave.Store.Tree;

/// <summary>A node of the copy-on-write B+tree. The writer changes a node in place only while it carries the current epoch.</summary>
internal abstract class TreeNode(long epoch)
{
    /// <summary>Items or children per node at most. Measured: 32 copies cheaper than 64 and finds as fast.</summary>
    public const int Order = 32;

    /// <summary>Below this a node looks for a neighbour to join; the pair must leave room for inserts.</summary>
    public const int JoinBelow = Order / 4, JoinedMax = Order * 3 / 4;

    public readonly long Epoch = epoch;
    public int Count;
}

internal sealed class TreeLeaf(long epoch) : TreeNode(epoch)
{
    private Items _items;

    /// <summary>All slots; <see cref="TreeNode.Count"/> of them are in use, in key order.</summary>
    public Span<object> Slots => _items!;

    [InlineArray(Order)]
    private struct Items
    {
        private object _first;
    }
}

/// <summary>
/// Child i holds the keys from separator i (inclusive; child 0: from anywhere) to separator i + 1.
/// The weight of a child is the number of items below it that count.
/// </summary>
internal sealed class TreeInner(long epoch) : TreeNode(epoch)
{
    private SeparatorArray _separators;
    private ChildArray _children;
    private WeightArray _weights;

    public Span<byte[]> Separators => _separators!;
    public Span<TreeNode> Children => _children!;
    public Span<int> Weights => _weights;

    /// <summary>Index of the child whose keys include this one.</summary>
    public int ChildFor(ReadOnlySpan<byte> key)
    {
        ReadOnlySpan<byte[]> separators = Separators;
        int low = 0, high = Count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) >> 1;
            if (key.SequenceCompareTo(separators[middle]) >= 0)
                low = middle;
            else
                high = middle - 1;
        }

        return low;
    }

    [InlineArray(Order)]
    private struct SeparatorArray
    {
        private byte[] _first;
    }

    [InlineArray(Order)]
    private struct ChildArray
    {
        private TreeNode _first;
    }

    [InlineArray(Order)]
    private struct WeightArray
    {
        private int _first;
    }
}
