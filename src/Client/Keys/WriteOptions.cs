using Conclave.Wire.Etcd.Etcdserverpb;

namespace Conclave.Client;

/// <summary>How to put.</summary>
public sealed record PutOptions
{
    internal static PutOptions Default { get; } = new();

    /// <summary>Delete the key when this lease ends; 0 takes the key off any lease it had.</summary>
    public long LeaseId { get; init; }

    /// <summary>Return what the key held before.</summary>
    public bool ReturnPrevious { get; init; }

    /// <summary>Keep the value the key has and change only its lease. The key must exist and the value given must be empty.</summary>
    public bool KeepValue { get; init; }

    /// <summary>Keep the lease the key has and change only its value. The key must exist and <see cref="LeaseId"/> must be 0.</summary>
    public bool KeepLease { get; init; }

    internal PutRequest For(Bytes key, Bytes value) => new()
    {
        Key = key.ToByteString(),
        Value = value.ToByteString(),
        Lease = LeaseId,
        PrevKv = ReturnPrevious,
        IgnoreValue = KeepValue,
        IgnoreLease = KeepLease,
    };
}

/// <summary>How to delete.</summary>
public sealed record DeleteOptions
{
    internal static DeleteOptions Default { get; } = new();

    /// <summary>Return what the deleted keys held.</summary>
    public bool ReturnPrevious { get; init; }

    internal DeleteRangeRequest For(KeyRange range) => new()
    {
        Key = range.Key.ToByteString(),
        RangeEnd = range.End.ToByteString(),
        PrevKv = ReturnPrevious,
    };
}
