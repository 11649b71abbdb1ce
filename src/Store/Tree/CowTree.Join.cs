using System.Runtime.CompilerServices;

namespace Conclave.Store.Tree;

internal sealed partial class CowTree<TItem>
{
    /// <summary>From the leaf of the path up: nodes that ran low join a neighbour, empty ones go, a lone child becomes the root.</summary>
    private void JoinUpwards()
    {
        TreeNode node = _leaf!;
        for (int level = _depth - 1; level >= 0 && node.Count < TreeNode.JoinBelow; level--)
        {
            TreeInner parent = _path[level];
            int index = _childIndex[level];
            if (node.Count == 0)
                RemoveChild(parent, index);
            else if (index + 1 < parent.Count && node.Count + parent.Children[index + 1].Count <= TreeNode.JoinedMax)
                Join(parent, index);
            else if (index > 0 && node.Count + parent.Children[index - 1].Count <= TreeNode.JoinedMax)
                Join(parent, index - 1);
            else
                return;
            node = parent;
        }

        while (Root is TreeInner { Count: 1 } lone)
            Root = lone.Children[0];
        if (Root is { Count: 0 })
            Root = null;
    }

    /// <summary>Moves the right one of two neighbours into the left one.</summary>
    private void Join(TreeInner parent, int leftIndex)
    {
        TreeNode right = parent.Children[leftIndex + 1];
        if (parent.Children[leftIndex] is TreeInner leftInner)
        {
            TreeInner left = leftInner.Epoch == _epoch ? leftInner : Copy(leftInner);
            var source = Unsafe.As<TreeInner>(right);
            source.Children[..source.Count].CopyTo(left.Children[left.Count..]);
            source.Separators[..source.Count].CopyTo(left.Separators[left.Count..]);
            source.Weights[..source.Count].CopyTo(left.Weights[left.Count..]);
            left.Separators[left.Count] = parent.Separators[leftIndex + 1];
            left.Count += source.Count;
            parent.Children[leftIndex] = left;
        }
        else
        {
            var leftLeaf = Unsafe.As<TreeLeaf>(parent.Children[leftIndex]);
            TreeLeaf left = leftLeaf.Epoch == _epoch ? leftLeaf : Copy(leftLeaf);
            Unsafe.As<TreeLeaf>(right).Slots[..right.Count].CopyTo(left.Slots[left.Count..]);
            left.Count += right.Count;
            parent.Children[leftIndex] = left;
        }

        parent.Weights[leftIndex] += parent.Weights[leftIndex + 1];
        RemoveChild(parent, leftIndex + 1);
    }

    private static void RemoveChild(TreeInner parent, int index)
    {
        int count = parent.Count--;
        parent.Children[(index + 1)..count].CopyTo(parent.Children[index..]);
        parent.Separators[(index + 1)..count].CopyTo(parent.Separators[index..]);
        parent.Weights[(index + 1)..count].CopyTo(parent.Weights[index..]);
        parent.Children[count - 1] = null!;
        parent.Separators[count - 1] = null!;
        parent.Weights[count - 1] = 0;
        // What was child 1 may now be child 0, whose keys start anywhere.
        parent.Separators[0] = null!;
    }
}
