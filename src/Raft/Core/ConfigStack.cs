namespace Conclave.Raft;

/// <summary>The memberships that the log holds, oldest first, over the one it starts from. The newest is in force, committed or not.</summary>
/// <remarks>A truncation takes back what it cuts, so the older ones stay until the log forgets their entries. Few, since changes are rare.</remarks>
internal sealed class ConfigStack(LogIndex baseIndex, Membership baseMembership)
{
    private readonly List<(LogIndex Index, Membership Membership)> _stack = [(baseIndex, baseMembership)];

    public Membership Newest => _stack[^1].Membership;

    /// <summary>Index of the entry that holds <see cref="Newest"/>, or where the log starts.</summary>
    public LogIndex NewestIndex => _stack[^1].Index;

    /// <summary>From the base on, in log order.</summary>
    public IReadOnlyList<(LogIndex Index, Membership Membership)> All => _stack;

    public void Append(LogIndex index, Membership membership)
    {
        Invariant.Holds(index > NewestIndex, "Memberships follow each other in the log.");
        _stack.Add((index, membership));
    }

    public void TruncateFrom(LogIndex index)
    {
        Invariant.Holds(index > _stack[0].Index, "What the log starts from is committed.");
        while (_stack[^1].Index >= index) _stack.RemoveAt(_stack.Count - 1);
    }

    /// <summary>Forgets what was replaced at or before <paramref name="index"/>.</summary>
    public void CompactTo(LogIndex index)
    {
        int gone = 0;
        while (gone + 1 < _stack.Count && _stack[gone + 1].Index <= index) gone++;
        if (gone > 0) _stack.RemoveRange(0, gone);
    }

    public void Reset(LogIndex index, Membership membership)
    {
        _stack.Clear();
        _stack.Add((index, membership));
    }

    /// <param name="writer">Where to.</param>
    /// <param name="inForce">Another list keeps it too; its place in this one is saved, since it has to be the same object afterwards.</param>
    public void Save(ref FieldWriter writer, Membership inForce)
    {
        writer.Varint((ulong)_stack.Count);
        foreach ((LogIndex index, Membership membership) in _stack)
        {
            writer.Index(index);
            writer.Membership(membership);
        }
        int place = _stack.FindLastIndex(config => ReferenceEquals(config.Membership, inForce));
        writer.Varint((ulong)(place + 1));
        if (place < 0) writer.Membership(inForce);
    }

    /// <returns>The membership in force.</returns>
    public Membership Load(ref FieldReader reader)
    {
        int count = reader.Count(bytesMin: 6);
        reader.Expect(count > 0);
        _stack.Clear();
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            (LogIndex index, Membership membership) = (reader.Index(), reader.Membership());
            reader.Expect(i == 0 || index > NewestIndex);
            _stack.Add((index, membership));
        }
        int place = reader.Int(count) - 1;
        return place < 0 ? reader.Membership() : _stack[place].Membership;
    }

    /// <summary>The membership as of an index; null when that is forgotten.</summary>
    public Membership? At(LogIndex index)
    {
        for (int i = _stack.Count - 1; i >= 0; i--)
            if (_stack[i].Index <= index) return _stack[i].Membership;
        return null;
    }
}
