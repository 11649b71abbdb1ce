namespace Conclave.Store;

/// <summary>What applying one command gave.</summary>
public readonly struct ApplyOutcome
{
    public StoreError Error { get; init; }

    /// <summary>For header.revision: the revision of this change, or the current one when nothing changed.</summary>
    public long Revision { get; init; }

    /// <summary>etcd's response message without field 1 (the header). Empty on error, and when no response was wanted.</summary>
    public ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>The lease this command granted or revoked; 0 otherwise.</summary>
    public long LeaseId { get; init; }

    /// <summary>Seconds granted; 0 unless this command granted a lease.</summary>
    public long LeaseTtlSeconds { get; init; }

    /// <summary>Of the lease granted, see <see cref="LeaseState"/>; 0 unless this command granted one.</summary>
    public ulong LeaseIncarnation { get; init; }
}
