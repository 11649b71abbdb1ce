namespace Conclave.Store.Tree;

internal sealed partial class CowTree<TItem>
{
    private void SplitLeafAndInsert(object item)
    {
        TreeLeaf left = _leaf!;
        var right = new TreeLeaf(_epoch);
        int keep = SplitPoint();
        Span<object> slots = left.Slots;
        slots[keep..].CopyTo(right.Slots);
        slots[keep..].Clear();
        right.Count = TreeNode.Order - keep;
        left.Count = keep;
        if (_slot <= keep && left.Count < TreeNode.Order)
            InsertInto(left, _slot, item);
        else
            InsertInto(right, _slot - keep, item);

        byte[] separator = ShortestBetween(TItem.KeyOf(left.Slots[left.Count - 1]), TItem.KeyOf(right.Slots[0]));
        InsertChild(_depth - 1, left, separator, right, CountingIn(right));
    }

    /// <summary>
    /// How many items stay left. Half, unless the new item comes behind all of them: keys that arrive in order would
    /// leave every leaf half empty for ever.
    /// </summary>
    private int SplitPoint()
    {
        if (_slot < TreeNode.Order)
            return TreeNode.Order / 2;
        for (int level = 0; level < _depth; level++)
        {
            if (_childIndex[level] != _path[level].Count - 1)
                return TreeNode.Order * 3 / 4;
        }

        return TreeNode.Order;
    }

    // All items of a full leaf count at the writer's own revision, or are deleted keys that wait for compaction.
    private static int CountingIn(TreeLeaf leaf)
    {
        int counting = 0;
        foreach (object item in leaf.Slots[..leaf.Count])
        {
            if (TItem.CountsAt(item, long.MaxValue))
                counting++;
        }

        return counting;
    }

    private static int WeightOf(TreeInner inner)
    {
        int sum = 0;
        foreach (int weight in inner.Weights[..inner.Count])
            sum += weight;
        return sum;
    }

    /// <summary>The shortest key that is above <paramref name="below"/> and not above <paramref name="key"/>.</summary>
    private static byte[] ShortestBetween(ReadOnlySpan<byte> below, ReadOnlySpan<byte> key) =>
        key[..(below.CommonPrefixLength(key) + 1)].ToArray();

    /// <summary>Puts a new right neighbour of the child on the path into its parent, splitting upwards as needed.</summary>
    private void InsertChild(int level, TreeNode left, byte[] separator, TreeNode right, int rightWeight)
    {
        if (level < 0)
        {
            var root = new TreeInner(_epoch) { Count = 2 };
            root.Children[0] = left;
            root.Weights[0] = (int)Weight - rightWeight;
            root.Children[1] = right;
            root.Weights[1] = rightWeight;
            root.Separators[1] = separator;
            Root = root;
            return;
        }

        TreeInner parent = _path[level];
        int at = _childIndex[level] + 1;
        parent.Weights[at - 1] -= rightWeight;
        if (parent.Count < TreeNode.Order)
        {
            InsertInto(parent, at, separator, right, rightWeight);
            return;
        }

        var sibling = new TreeInner(_epoch);
        int keep = at == TreeNode.Order ? TreeNode.Order * 3 / 4 : TreeNode.Order / 2;
        parent.Children[keep..].CopyTo(sibling.Children);
        parent.Separators[keep..].CopyTo(sibling.Separators);
        parent.Weights[keep..].CopyTo(sibling.Weights);
        parent.Children[keep..].Clear();
        parent.Separators[keep..].Clear();
        sibling.Count = TreeNode.Order - keep;
        parent.Count = keep;
        byte[] siblingSeparator = sibling.Separators[0];
        sibling.Separators[0] = null!;
        if (at <= keep)
            InsertInto(parent, at, separator, right, rightWeight);
        else
            InsertInto(sibling, at - keep, separator, right, rightWeight);
        InsertChild(level - 1, parent, siblingSeparator, sibling, WeightOf(sibling));
    }

    private static void InsertInto(TreeInner inner, int at, byte[] separator, TreeNode child, int weight)
    {
        int count = inner.Count++;
        inner.Children[at..count].CopyTo(inner.Children[(at + 1)..]);
        inner.Separators[at..count].CopyTo(inner.Separators[(at + 1)..]);
        inner.Weights[at..count].CopyTo(inner.Weights[(at + 1)..]);
        inner.Children[at] = child;
        inner.Separators[at] = separator;
        inner.Weights[at] = weight;
    }
}
