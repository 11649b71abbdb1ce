using Conclave.Wire.Etcd.Etcdserverpb;

namespace Conclave.Client;

/// <summary>What a list is ordered by.</summary>
public enum SortBy
{
    Key = 0,
    Version = 1,
    CreateRevision = 2,
    ModRevision = 3,
    Value = 4,
}

/// <summary>Direction of a sorted list.</summary>
public enum SortOrder
{
    /// <summary>By key, ascending; the cheapest.</summary>
    None = 0,
    Ascending = 1,
    Descending = 2,
}

/// <summary>How to read. The defaults read the newest state, all of it, in key order.</summary>
public sealed record ReadOptions
{
    internal static ReadOptions Default { get; } = new();

    /// <summary>Read as of this revision; 0 is the newest. Revisions below the last compaction are gone.</summary>
    public long Revision { get; init; }

    /// <summary>Return at most this many keys; 0 is all. The count still counts all.</summary>
    public long Limit { get; init; }

    public SortBy SortBy { get; init; }

    public SortOrder SortOrder { get; init; }

    /// <summary>
    /// Answer from the asked member's own state: faster, works without a majority, but may be behind. Default false:
    /// linearizable, no older than any write acknowledged before the call.
    /// </summary>
    public bool Serializable { get; init; }

    /// <summary>Leave values out.</summary>
    public bool KeysOnly { get; init; }

    /// <summary>Leave keys and values out; only the count comes back.</summary>
    public bool CountOnly { get; init; }

    /// <summary>Drop keys last written before this revision; 0 is off.</summary>
    public long ModRevisionMin { get; init; }

    /// <summary>Drop keys last written after this revision; 0 is off.</summary>
    public long ModRevisionMax { get; init; }

    /// <summary>Drop keys created before this revision; 0 is off.</summary>
    public long CreateRevisionMin { get; init; }

    /// <summary>Drop keys created after this revision; 0 is off.</summary>
    public long CreateRevisionMax { get; init; }

    internal RangeRequest For(KeyRange range) => new()
    {
        Key = range.Key.ToByteString(),
        RangeEnd = range.End.ToByteString(),
        Limit = Limit,
        Revision = Revision,
        SortOrder = (RangeRequest.Types.SortOrder)SortOrder,
        SortTarget = (RangeRequest.Types.SortTarget)SortBy,
        Serializable = Serializable,
        KeysOnly = KeysOnly,
        CountOnly = CountOnly,
        MinModRevision = ModRevisionMin,
        MaxModRevision = ModRevisionMax,
        MinCreateRevision = CreateRevisionMin,
        MaxCreateRevision = CreateRevisionMax,
    };
}
