using System.Runtime.CompilerServices;

namespace Conclave.Store.Tree;

internal static class CowTree
{
    /// <summary>Inner levels at most. A level is added only when 17 or more children split, so 16^12 inserts come first.</summary>
    public const int DepthMax = 12;
}

/// <summary>The writer's side of a copy-on-write B+tree over byte-string keys. Not thread-safe; published roots are.</summary>
/// <remarks>
/// A node carries the epoch that created it. Publishing is "read the root, begin a new epoch": O(1). A change copies
/// the nodes on its path whose epoch has passed, once per epoch, and then works in place.
/// </remarks>
internal sealed partial class CowTree<TItem>
    where TItem : struct, ITreeItem
{
    private readonly TreeInner[] _path = new TreeInner[CowTree.DepthMax];
    private readonly int[] _childIndex = new int[CowTree.DepthMax];
    private int _depth;
    private TreeLeaf? _leaf;
    private int _slot;
    private long _epoch = 1;

    public TreeNode? Root { get; private set; }

    /// <summary>Number of items that count.</summary>
    public long Weight { get; private set; }

    /// <summary>Freezes the present root: later changes leave it as it is.</summary>
    public TreeNode? Publish()
    {
        _epoch++;
        return Root;
    }

    /// <summary>Finds a key, or the place where it belongs. The next change must be of this key.</summary>
    public object? Seek(ReadOnlySpan<byte> key)
    {
        _depth = 0;
        _slot = 0;
        _leaf = null;
        if (Root is null)
            return null;
        TreeNode node = Root;
        while (node is TreeInner inner)
        {
            int child = inner.ChildFor(key);
            _path[_depth] = inner;
            _childIndex[_depth++] = child;
            node = inner.Children[child];
        }

        _leaf = Unsafe.As<TreeLeaf>(node);
        _slot = TreeReader<TItem>.LowerBound(_leaf, key, out bool found);
        return found ? _leaf.Slots[_slot] : null;
    }

    /// <summary>
    /// Puts another item of the same key where <see cref="Seek"/> found one, also in what readers of older views see:
    /// only for an item that means the same to them.
    /// </summary>
    public void ReplaceShared(object item) => _leaf!.Slots[_slot] = item;

    /// <summary>Puts another item of the same key where <see cref="Seek"/> found one; older views keep theirs.</summary>
    public void Replace(object item, int weightChange)
    {
        OwnPath(weightChange);
        _leaf!.Slots[_slot] = item;
    }

    /// <summary>Notes that the item found by <see cref="Seek"/> now counts differently.</summary>
    public void Reweigh(int weightChange) => OwnPath(weightChange);

    /// <summary>Adds an item where <see cref="Seek"/> found none.</summary>
    public void Insert(object item, int weight)
    {
        if (_leaf is null)
        {
            _leaf = new TreeLeaf(_epoch) { Count = 1 };
            _leaf.Slots[0] = item;
            Root = _leaf;
            Weight = weight;
            return;
        }

        OwnPath(weight);
        if (_leaf.Count == TreeNode.Order)
            SplitLeafAndInsert(item);
        else
            InsertInto(_leaf, _slot, item);
    }

    /// <summary>Takes out the item that <see cref="Seek"/> found.</summary>
    public void Remove(int weight)
    {
        OwnPath(-weight);
        TreeLeaf leaf = _leaf!;
        Span<object> slots = leaf.Slots;
        slots[(_slot + 1)..leaf.Count].CopyTo(slots[_slot..]);
        slots[--leaf.Count] = null!;
        if (leaf.Count < TreeNode.JoinBelow)
            JoinUpwards();
    }

    private static void InsertInto(TreeLeaf leaf, int slot, object item)
    {
        Span<object> slots = leaf.Slots;
        slots[slot..leaf.Count].CopyTo(slots[(slot + 1)..]);
        slots[slot] = item;
        leaf.Count++;
    }

    /// <summary>Copies the nodes of the path that older views share, and adds to the weights on the way.</summary>
    private void OwnPath(int weightChange)
    {
        Weight += weightChange;
        TreeInner? parent = null;
        for (int level = 0; level < _depth; level++)
        {
            TreeInner inner = _path[level];
            if (inner.Epoch != _epoch)
            {
                inner = Copy(inner);
                _path[level] = inner;
                Attach(parent, level - 1, inner);
            }

            inner.Weights[_childIndex[level]] += weightChange;
            parent = inner;
        }

        if (_leaf!.Epoch != _epoch)
        {
            _leaf = Copy(_leaf);
            Attach(parent, _depth - 1, _leaf);
        }
    }

    private void Attach(TreeInner? parent, int parentLevel, TreeNode child)
    {
        if (parent is null)
            Root = child;
        else
            parent.Children[_childIndex[parentLevel]] = child;
    }

    private TreeLeaf Copy(TreeLeaf leaf)
    {
        var copy = new TreeLeaf(_epoch) { Count = leaf.Count };
        leaf.Slots[..leaf.Count].CopyTo(copy.Slots);
        return copy;
    }

    private TreeInner Copy(TreeInner inner)
    {
        var copy = new TreeInner(_epoch) { Count = inner.Count };
        inner.Separators[..inner.Count].CopyTo(copy.Separators);
        inner.Children[..inner.Count].CopyTo(copy.Children);
        inner.Weights[..inner.Count].CopyTo(copy.Weights);
        return copy;
    }
}
