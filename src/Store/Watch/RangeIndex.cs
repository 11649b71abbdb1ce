
namespace Conclave.Store.Watching;

/// <summary>The watched ranges: a balanced (AVL) tree by start and end, each node knowing the largest end below it.</summary>
/// <remarks>A look-up visits the ranges that contain the key and about log n others.</remarks>
internal sealed class RangeIndex
{
    private Node? _root;

    public bool IsEmpty => _root is null;

    public WatchFeed GetOrAdd(ReadOnlySpan<byte> start, ReadOnlySpan<byte> rangeEnd)
    {
        WatchFeed? found = Find(start, rangeEnd);
        if (found is null)
            _root = Add(_root, found = new WatchFeed(start.ToArray(), rangeEnd.ToArray()));
        return found;
    }

    public void Remove(WatchFeed feed) => _root = Remove(_root, feed);

    /// <summary>The feeds whose range contains a key.</summary>
    public void Find(ReadOnlySpan<byte> key, List<WatchFeed> into) => Find(_root, key, into);

    public void CopyAll(List<WatchFeed> into) => CopyAll(_root, into);

    private WatchFeed? Find(ReadOnlySpan<byte> start, ReadOnlySpan<byte> rangeEnd)
    {
        Node? node = _root;
        while (node is not null)
        {
            int order = Order(start, rangeEnd, node.Feed);
            if (order == 0)
                return node.Feed;
            node = order < 0 ? node.Left : node.Right;
        }

        return null;
    }

    private static void Find(Node? node, ReadOnlySpan<byte> key, List<WatchFeed> into)
    {
        while (node is not null && IsBelowEnd(key, node.LargestEnd))
        {
            Find(node.Left, key, into);
            if (key.SequenceCompareTo(node.Start) < 0)
                return;
            if (IsBelowEnd(key, node.End))
                into.Add(node.Feed);
            node = node.Right;
        }
    }

    private static void CopyAll(Node? node, List<WatchFeed> into)
    {
        if (node is null)
            return;
        CopyAll(node.Left, into);
        into.Add(node.Feed);
        CopyAll(node.Right, into);
    }

    private static bool IsOpen(ReadOnlySpan<byte> rangeEnd) => rangeEnd.Length == 1 && rangeEnd[0] == 0;

    private static bool IsBelowEnd(ReadOnlySpan<byte> key, ReadOnlySpan<byte> rangeEnd) => IsOpen(rangeEnd) || key.SequenceCompareTo(rangeEnd) < 0;

    private static int OrderOfEnds(ReadOnlySpan<byte> x, ReadOnlySpan<byte> y)
    {
        if (IsOpen(x) || IsOpen(y))
            return IsOpen(x).CompareTo(IsOpen(y));
        return x.SequenceCompareTo(y);
    }

    private static int Order(ReadOnlySpan<byte> start, ReadOnlySpan<byte> rangeEnd, WatchFeed feed)
    {
        int order = start.SequenceCompareTo(feed.Key);
        return order != 0 ? order : OrderOfEnds(rangeEnd, feed.RangeEnd);
    }

    private static Node Add(Node? node, WatchFeed feed)
    {
        if (node is null)
            return new Node(feed);
        if (Order(feed.Key, feed.RangeEnd, node.Feed) < 0)
            node.Left = Add(node.Left, feed);
        else
            node.Right = Add(node.Right, feed);
        return Balanced(node);
    }

    private static Node? Remove(Node? node, WatchFeed feed)
    {
        Invariant.Holds(node is not null, "Only an indexed feed is removed.");
        int order = Order(feed.Key, feed.RangeEnd, node.Feed);
        if (order < 0)
        {
            node.Left = Remove(node.Left, feed);
        }
        else if (order > 0)
        {
            node.Right = Remove(node.Right, feed);
        }
        else
        {
            if (node.Left is null || node.Right is null)
                return node.Left ?? node.Right;
            Node next = node.Right;
            while (next.Left is not null)
                next = next.Left;
            node.Feed = next.Feed;
            node.Start = next.Start;
            node.End = next.End;
            node.Right = Remove(node.Right, next.Feed);
        }

        return Balanced(node);
    }

    private static int Height(Node? node) => node?.Height ?? 0;

    private static Node Balanced(Node node)
    {
        int lean = Height(node.Left) - Height(node.Right);
        if (lean > 1)
        {
            if (Height(node.Left!.Left) < Height(node.Left.Right))
                node.Left = RotateLeft(node.Left);
            return RotateRight(node);
        }

        if (lean < -1)
        {
            if (Height(node.Right!.Right) < Height(node.Right.Left))
                node.Right = RotateRight(node.Right);
            return RotateLeft(node);
        }

        Update(node);
        return node;
    }

    private static Node RotateLeft(Node node)
    {
        Node top = node.Right!;
        node.Right = top.Left;
        top.Left = node;
        Update(node);
        Update(top);
        return top;
    }

    private static Node RotateRight(Node node)
    {
        Node top = node.Left!;
        node.Left = top.Right;
        top.Right = node;
        Update(node);
        Update(top);
        return top;
    }

    private static void Update(Node node)
    {
        node.Height = Math.Max(Height(node.Left), Height(node.Right)) + 1;
        byte[] largest = node.Feed.RangeEnd;
        if (node.Left is not null && OrderOfEnds(node.Left.LargestEnd, largest) > 0)
            largest = node.Left.LargestEnd;
        if (node.Right is not null && OrderOfEnds(node.Right.LargestEnd, largest) > 0)
            largest = node.Right.LargestEnd;
        node.LargestEnd = largest;
    }

    private sealed class Node(WatchFeed feed)
    {
        public WatchFeed Feed = feed;

        // The feed's own, without the way there: most nodes of a look-up are only passed.
        public byte[] Start = feed.Key, End = feed.RangeEnd;
        public Node? Left, Right;
        public int Height = 1;
        public byte[] LargestEnd = feed.RangeEnd;
    }
}
