namespace Conclave.Store.Requests;

/// <summary>etcd's way to name keys: a key alone, or a key and a range end.</summary>
internal readonly ref struct KeyRange
{
    /// <param name="key">First key.</param>
    /// <param name="rangeEnd">As on the wire: empty for the key alone, one zero byte for everything from the key on.</param>
    public KeyRange(ReadOnlySpan<byte> key, ReadOnlySpan<byte> rangeEnd)
    {
        Start = key;
        IsSingle = rangeEnd.IsEmpty;
        IsOpen = rangeEnd.Length == 1 && rangeEnd[0] == 0;
        End = IsOpen ? default : rangeEnd;
    }

    public ReadOnlySpan<byte> Start { get; }

    /// <summary>Key behind the last one; empty when the range is single or open.</summary>
    public ReadOnlySpan<byte> End { get; }

    public bool IsSingle { get; }

    /// <summary>Goes on to the last key there is.</summary>
    public bool IsOpen { get; }

    public bool IsEmpty => !IsSingle && !IsOpen && End.SequenceCompareTo(Start) <= 0;

    public bool Contains(ReadOnlySpan<byte> key)
    {
        if (IsSingle)
            return key.SequenceEqual(Start);
        return key.SequenceCompareTo(Start) >= 0 && (IsOpen || key.SequenceCompareTo(End) < 0);
    }
}
