using System.Buffers;
using System.Collections.Immutable;

namespace Conclave.Store;

/// <summary>The store as it was when it was published. Immutable, lock-free, usable on any thread for as long as one likes.</summary>
public sealed class StoreView
{
    /// <summary>1 for an empty store; each change adds 1.</summary>
    public long Revision { get; init; }

    /// <summary>Reads and watches below it are refused; -1 when nothing was ever compacted (as etcd says it).</summary>
    public long CompactRevision { get; init; }
    public ulong AppliedIndex { get; init; }
    public ulong AppliedTerm { get; init; }
    public long SizeBytes { get; init; }
    public long SizeInUseBytes { get; init; }
    public long KeyCount { get; init; }

    /// <summary>History at or below this compacted revision has been given back to the memory; for physical compactions.</summary>
    public long ReclaimedRevision { get; init; }

    public ImmutableArray<ActiveAlarm> Alarms { get; init; } = [];
    public bool HasAlarm(AlarmKind alarm) => throw new NotSupportedException();
    public ImmutableSortedDictionary<ulong, ReadOnlyMemory<byte>> MemberAttributes { get; init; } = ImmutableSortedDictionary<ulong, ReadOnlyMemory<byte>>.Empty;

    public StoreError Range(ReadOnlySpan<byte> request, IBufferWriter<byte> body) => throw new NotSupportedException();
    public StoreError ReadOnlyTxn(ReadOnlySpan<byte> request, IBufferWriter<byte> body) => throw new NotSupportedException();
    public StoreError AlarmGet(ReadOnlySpan<byte> request, IBufferWriter<byte> body) => throw new NotSupportedException();
    public bool TryGetLease(long id, out LeaseState lease) => throw new NotSupportedException();
    public IEnumerable<LeaseState> Leases => throw new NotSupportedException();
    public IEnumerable<ReadOnlyMemory<byte>> LeaseKeys(long id) => throw new NotSupportedException();
    public uint Hash() => throw new NotSupportedException();
    public StoreError HashKv(long revision, out uint hash, out long hashedRevision) => throw new NotSupportedException();
}
