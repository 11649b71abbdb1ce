using Conclave.Store.Tree;
using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Store.Tests;

public class TreeTests(ITestOutputHelper output)
{
    [Fact]
    public void The_tree_agrees_with_a_sorted_dictionary_and_published_roots_never_change() =>
        Properties.Holds(Prop.ForAll(Choices.Programs(3000), program =>
        {
            var choices = new Choices(program);
            var tree = new CowTree<Item>();
            var model = new SortedDictionary<string, bool>(StringComparer.Ordinal);
            var published = new List<(TreeNode? Root, long Weight, KeyValuePair<string, bool>[] Items)>();
            int next = 0;
            while (choices.AreLeft)
            {
                int what = choices.Below(16);
                if (what == 0)
                    published.Add((tree.Publish(), tree.Weight, [.. model]));
                else if (what == 1)
                    RemoveSome(tree, model, choices.Below(256), choices.Below(256));
                else
                    Set(tree, model, what < 8 ? next++ : (choices.Below(256) << 3) + choices.Below(8), choices.Chance(70));
            }

            published.Add((tree.Publish(), tree.Weight, [.. model]));
            foreach (var (root, weight, items) in published)
                Check(root, weight, items, choices);
        }), output, tests: 60);

    [Fact]
    public void A_tree_grows_to_many_levels_and_shrinks_to_nothing()
    {
        var tree = new CowTree<Item>();
        var model = new SortedDictionary<string, bool>(StringComparer.Ordinal);
        for (int i = 0; i < 12_000; i++)
            Set(tree, model, (int)(i * 2654435761L % 12_007), counts: true);
        Check(tree.Publish(), tree.Weight, [.. model], new Choices([]));
        RemoveSome(tree, model, 0, 100);
        Check(tree.Publish(), tree.Weight, [.. model], new Choices([]));
        foreach (string key in model.Keys.ToArray())
        {
            Assert.NotNull(tree.Seek(Proto.Key(key)));
            tree.Remove(1);
        }

        Assert.Null(tree.Root);
        Assert.Equal(0, tree.Weight);
    }

    [Fact]
    public void Keys_that_come_in_order_fill_their_leaves()
    {
        var tree = new CowTree<Item>();
        for (int i = 0; i < 3200; i++)
        {
            byte[] key = Proto.Key(Name(i));
            Assert.Null(tree.Seek(key));
            tree.Insert(new object[] { key, true }, 1);
        }

        int leaves = 0;
        var cursor = new TreeCursor<Item>(tree.Root);
        cursor.Seek([]);
        for (bool any = true; any; any = cursor.NextLeaf())
            leaves++;
        Assert.Equal(100, leaves);
    }

    private static string Name(int number) => $"key {number:00000}";

    private static void Set(CowTree<Item> tree, SortedDictionary<string, bool> model, int number, bool counts)
    {
        string name = Name(number);
        byte[] key = Proto.Key(name);
        object item = new object[] { key, counts };
        object? found = tree.Seek(key);
        Assert.Equal(model.TryGetValue(name, out bool counted), found is not null);
        if (found is null)
            tree.Insert(item, counts ? 1 : 0);
        else
            tree.Replace(item, (counts ? 1 : 0) - (counted ? 1 : 0));
        model[name] = counts;
    }

    private static void RemoveSome(CowTree<Item> tree, SortedDictionary<string, bool> model, int from, int modulus)
    {
        int i = 0;
        foreach ((string name, bool counts) in model.ToArray())
        {
            if (i++ < from || (modulus > 0 && i % 8 == modulus % 8))
                continue;
            Assert.NotNull(tree.Seek(Proto.Key(name)));
            tree.Remove(counts ? 1 : 0);
            model.Remove(name);
        }
    }

    private static void Check(TreeNode? root, long weight, KeyValuePair<string, bool>[] items, Choices choices)
    {
        CheckNode(root, null, null, isRoot: true);
        Assert.Equal(items.Count(i => i.Value), weight);
        Assert.Equal(items.Select(i => i.Key), Walk(root, forward: true));
        Assert.Equal(items.Select(i => i.Key).Reverse(), Walk(root, forward: false));
        foreach ((string name, bool counts) in items)
            Assert.Equal(counts, (bool)((object[])TreeReader<Item>.Find(root, Proto.Key(name))!)[1]);
        Assert.Null(TreeReader<Item>.Find(root, Proto.Key("nothing")));
        for (int i = 0; i < 5; i++)
        {
            string from = Name(choices.Below(256) * 8), to = Name(choices.Below(256) * 8);
            int expected = items.Count(item => item.Value && string.CompareOrdinal(item.Key, from) >= 0 && string.CompareOrdinal(item.Key, to) < 0);
            if (string.CompareOrdinal(from, to) <= 0)
                Assert.Equal(expected, TreeReader<Item>.Count(root, weight, Proto.Key(from), Proto.Key(to), 0));
        }
    }

    private static List<string> Walk(TreeNode? root, bool forward)
    {
        List<string> keys = [];
        var cursor = new TreeCursor<Item>(root);
        if (forward)
            cursor.Seek([]);
        else
            cursor.SeekLast();
        for (bool any = cursor.Leaf is not null; any; any = forward ? cursor.NextLeaf() : cursor.PreviousLeaf())
        {
            string[] leaf = [.. cursor.Leaf!.Slots[..cursor.Leaf.Count].ToArray().Select(item => Proto.Text(Item.KeyOf(item).ToArray()))];
            keys.AddRange(forward ? leaf : leaf.Reverse());
        }

        return keys;
    }

    /// <summary>Order, bounds and weights of every node; its weight is returned.</summary>
    private static int CheckNode(TreeNode? node, byte[]? lowest, byte[]? end, bool isRoot)
    {
        if (node is null)
            return 0;
        Assert.InRange(node.Count, isRoot && node is TreeInner ? 2 : 1, TreeNode.Order);
        if (node is TreeLeaf leaf)
        {
            int counting = 0;
            foreach (object item in leaf.Slots[..leaf.Count])
            {
                Assert.True(lowest is null || Item.KeyOf(item).SequenceCompareTo(lowest) >= 0);
                Assert.True(end is null || Item.KeyOf(item).SequenceCompareTo(end) < 0);
                counting += Item.CountsAt(item, 0) ? 1 : 0;
            }

            return counting;
        }

        var inner = (TreeInner)node;
        int sum = 0;
        for (int i = 0; i < inner.Count; i++)
        {
            int weight = CheckNode(inner.Children[i], i == 0 ? lowest : inner.Separators[i], i + 1 < inner.Count ? inner.Separators[i + 1] : end, isRoot: false);
            Assert.Equal(weight, inner.Weights[i]);
            sum += weight;
        }

        return sum;
    }

    /// <summary>An array of key and "counts".</summary>
    private readonly struct Item : ITreeItem
    {
        public static ReadOnlySpan<byte> KeyOf(object item) => (byte[])((object[])item)[0];

        public static bool CountsAt(object item, long revision) => (bool)((object[])item)[1];
    }
}
