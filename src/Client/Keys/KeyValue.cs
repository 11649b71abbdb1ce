namespace Conclave.Client;

/// <summary>A stored key as it was at one revision.</summary>
public sealed record KeyValue
{
    public required Bytes Key { get; init; }

    /// <summary>Empty when only keys were asked for.</summary>
    public required Bytes Value { get; init; }

    /// <summary>Revision of the write that created the key. 0 in events about a deletion.</summary>
    public long CreateRevision { get; init; }

    /// <summary>Revision of the last write; in events about a deletion the revision of the deletion.</summary>
    public long ModRevision { get; init; }

    /// <summary>1 at creation and one more with each write. 0 in events about a deletion.</summary>
    public long Version { get; init; }

    /// <summary>The lease the key lives with; 0 for none.</summary>
    public long LeaseId { get; init; }

    internal static KeyValue Of(Wire.Etcd.Mvccpb.KeyValue wire) => new()
    {
        Key = Bytes.Of(wire.Key),
        Value = Bytes.Of(wire.Value),
        CreateRevision = wire.CreateRevision,
        ModRevision = wire.ModRevision,
        Version = wire.Version,
        LeaseId = wire.Lease,
    };
}
