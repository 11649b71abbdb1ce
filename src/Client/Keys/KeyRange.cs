namespace Conclave.Client;

/// <summary>A key, or a contiguous range of keys. Text and byte arrays convert to the single key.</summary>
public readonly record struct KeyRange
{
    private static readonly byte[] Zero = [0];

    private KeyRange(Bytes key, Bytes end) => (Key, End) = (key, end);

    /// <summary>First key of the range.</summary>
    public Bytes Key { get; }

    /// <summary>First key after the range; empty for a single key, one zero byte for "to the last key".</summary>
    public Bytes End { get; }

    /// <summary>True for one key only.</summary>
    public bool IsSingle => End.IsEmpty;

    /// <summary>Every key.</summary>
    public static KeyRange All => new(Zero, Zero);

    /// <summary>Just this key.</summary>
    public static KeyRange Single(Bytes key) => new(key, Bytes.Empty);

    /// <summary>This key and every key after it.</summary>
    public static KeyRange From(Bytes key) => new(key.IsEmpty ? Zero : key, Zero);

    /// <summary>Keys from <paramref name="key"/> on, up to but not including <paramref name="end"/>.</summary>
    public static KeyRange Between(Bytes key, Bytes end) => new(key.IsEmpty ? Zero : key, end);

    /// <summary>Every key that starts with these bytes; an empty prefix is every key.</summary>
    public static KeyRange Prefix(Bytes prefix)
    {
        int last = prefix.Span.LastIndexOfAnyExcept((byte)0xFF);
        if (last < 0) return From(prefix);   // nothing, or only 0xFF: there is no greater prefix, so the range ends with the last key
        byte[] end = prefix.Span[..(last + 1)].ToArray();
        end[last]++;
        return new KeyRange(prefix, end);
    }

    public static implicit operator KeyRange(Bytes key) => Single(key);

    public static implicit operator KeyRange(string key) => Single(key);

    public static implicit operator KeyRange(byte[] key) => Single(key);

    /// <summary>Whether the key lies in the range.</summary>
    public bool Contains(Bytes key) =>
        IsSingle ? key == Key : key.CompareTo(Key) >= 0 && (End == Zero || key.CompareTo(End) < 0);
}
