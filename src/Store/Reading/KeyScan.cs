using Conclave.Store.History;
using Conclave.Store.Requests;
using Conclave.Store.Tree;

namespace Conclave.Store.Reading;

/// <summary>Walks the live keys of a range at a revision, ascending or descending.</summary>
internal ref struct KeyScan
{
    private readonly KeyRange _range;
    private readonly long _revision;
    private readonly bool _descending, _isCurrent;
    private TreeCursor<KeySlot> _cursor;
    private int _index, _stop;

    /// <param name="state">Where to look.</param>
    /// <param name="range">Not a single key.</param>
    /// <param name="revision">At or below the state's.</param>
    /// <param name="descending">From the last key to the first.</param>
    public KeyScan(in ReadState state, in KeyRange range, long revision, bool descending = false)
    {
        _range = range;
        _revision = revision;
        _descending = descending;
        _isCurrent = revision == state.Current;
        _cursor = new TreeCursor<KeySlot>(state.Root);
        Current = [];
        if (range.IsEmpty)
            return;
        if (!descending)
        {
            _index = _cursor.Seek(range.Start);
            _stop = StopInLeaf();
            return;
        }

        int behind = 0;
        if (range.IsOpen)
        {
            _cursor.SeekLast();
            behind = _cursor.Leaf?.Count ?? 0;
        }
        else
        {
            behind = _cursor.Seek(range.End);
        }

        _index = behind - 1;
        _stop = StartInLeaf();
    }

    /// <summary>The version of the key under the scan.</summary>
    public byte[] Current { get; private set; }

    public bool Next() => _descending ? MoveDown() : MoveUp();

    private bool MoveUp()
    {
        while (_cursor.Leaf is { } leaf)
        {
            Span<object> slots = leaf.Slots;
            while (_index < _stop)
            {
                if (Live(slots[_index++]) is { } wire)
                {
                    Current = wire;
                    return true;
                }
            }

            if (_stop < leaf.Count || !_cursor.NextLeaf())
                return false;
            _index = 0;
            _stop = StopInLeaf();
        }

        return false;
    }

    private bool MoveDown()
    {
        while (_cursor.Leaf is { } leaf)
        {
            Span<object> slots = leaf.Slots;
            while (_index >= _stop)
            {
                if (Live(slots[_index--]) is { } wire)
                {
                    Current = wire;
                    return true;
                }
            }

            if (_stop > 0 || !_cursor.PreviousLeaf())
                return false;
            _index = _cursor.Leaf!.Count - 1;
            _stop = StartInLeaf();
        }

        return false;
    }

    private readonly byte[]? Live(object item) => _isCurrent ? KeySlot.LiveNow(item, _revision) : KeySlot.Live(item, _revision);

    /// <summary>Index behind the last item of the leaf that is in the range: one look for most leaves.</summary>
    private readonly int StopInLeaf()
    {
        if (_cursor.Leaf is not { } leaf)
            return 0;
        if (_range.IsOpen || leaf.Count == 0 || KeySlot.KeyOf(leaf.Slots[leaf.Count - 1]).SequenceCompareTo(_range.End) < 0)
            return leaf.Count;
        return TreeReader<KeySlot>.LowerBound(leaf, _range.End, out _);
    }

    private readonly int StartInLeaf()
    {
        if (_cursor.Leaf is not { } leaf || leaf.Count == 0 || KeySlot.KeyOf(leaf.Slots[0]).SequenceCompareTo(_range.Start) >= 0)
            return 0;
        return TreeReader<KeySlot>.LowerBound(leaf, _range.Start, out _);
    }
}
