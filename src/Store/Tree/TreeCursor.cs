using System.Runtime.CompilerServices;

namespace Conclave.Store.Tree;

/// <summary>Walks the leaves of a tree in key order, in either direction, a leaf at a time.</summary>
/// <remarks>Leaves have no links (a copy would have to change its neighbours), so the cursor keeps its path.</remarks>
internal struct TreeCursor<TItem>
    where TItem : struct, ITreeItem
{
    private readonly TreeNode? _root;
    private Path _path;
    private Indexes _indexes;
    private int _depth;

    public TreeCursor(TreeNode? root) => _root = root;

    /// <summary>The leaf under the cursor; null before a seek and behind either end.</summary>
    public TreeLeaf? Leaf { get; private set; }

    /// <summary>Goes to the leaf that holds, or would hold, a key.</summary>
    /// <returns>Index in the leaf of the first item not below the key; may be the leaf's count.</returns>
    public int Seek(ReadOnlySpan<byte> key)
    {
        _depth = 0;
        Leaf = null;
        if (_root is null)
            return 0;
        TreeNode node = _root;
        while (node is TreeInner inner)
        {
            int child = inner.ChildFor(key);
            Push(inner, child);
            node = inner.Children[child];
        }

        Leaf = Unsafe.As<TreeLeaf>(node);
        return TreeReader<TItem>.LowerBound(Leaf, key, out _);
    }

    /// <summary>Goes to the last leaf.</summary>
    public void SeekLast()
    {
        _depth = 0;
        Leaf = _root is null ? null : Descend(_root, last: true);
    }

    public bool NextLeaf()
    {
        while (_depth > 0)
        {
            TreeInner inner = _path[_depth - 1];
            int child = _indexes[_depth - 1] + 1;
            if (child < inner.Count)
            {
                _indexes[_depth - 1] = child;
                Leaf = Descend(inner.Children[child], last: false);
                return true;
            }

            _depth--;
        }

        Leaf = null;
        return false;
    }

    public bool PreviousLeaf()
    {
        while (_depth > 0)
        {
            int child = _indexes[_depth - 1] - 1;
            if (child >= 0)
            {
                _indexes[_depth - 1] = child;
                Leaf = Descend(_path[_depth - 1].Children[child], last: true);
                return true;
            }

            _depth--;
        }

        Leaf = null;
        return false;
    }

    private TreeLeaf Descend(TreeNode node, bool last)
    {
        while (node is TreeInner inner)
        {
            int child = last ? inner.Count - 1 : 0;
            Push(inner, child);
            node = inner.Children[child];
        }

        return Unsafe.As<TreeLeaf>(node);
    }

    private void Push(TreeInner inner, int child)
    {
        _path[_depth] = inner;
        _indexes[_depth++] = child;
    }

    [InlineArray(CowTree.DepthMax)]
    private struct Path
    {
        private TreeInner _first;
    }

    [InlineArray(CowTree.DepthMax)]
    private struct Indexes
    {
        private int _first;
    }
}
