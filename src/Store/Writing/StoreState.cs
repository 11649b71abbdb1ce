using System.Collections.Immutable;
using Conclave.Store.History;
using Conclave.Store.Leases;
using Conclave.Store.Reading;
using Conclave.Store.Requests;
using Conclave.Store.Sessions;
using Conclave.Store.Tree;

namespace Conclave.Store.Writing;

/// <summary>Everything that is replicated, as the writer has it, and the elementary changes.</summary>
/// <remarks>
/// A command makes its changes at <see cref="Revision"/> + 1 and then ends the revision; whatever can fail is checked
/// before the first change, so there is nothing to undo.
/// </remarks>
internal sealed class StoreState
{
    /// <summary>What a version costs beside its bytes, about: objects, its place in the tree, its place in the log.</summary>
    private const int VersionOverheadBytes = 64;

    /// <summary>Size of an empty store; etcd's tools divide by the size.</summary>
    private const int BaseBytes = 16 << 10;

    private readonly List<byte[]> _found = [];
    private bool _changed;
    private long _versionBytes = BaseBytes, _liveBytes = BaseBytes;

    /// <summary>Deliberate bugs; none but in tests and the simulator.</summary>
    public StoreFaults Faults { get; init; }

    /// <summary>What this member did, which is no part of what is replicated.</summary>
    public OperationCounts Counts { get; set; } = new();

    public CowTree<KeySlot> Keys { get; } = new();
    public ChangeLog Log { get; } = new();
    public LeaseTable Leases { get; } = new();
    public SessionTable Sessions { get; } = new();
    public ImmutableArray<ActiveAlarm> Alarms { get; set; } = [];
    public ImmutableSortedDictionary<ulong, ReadOnlyMemory<byte>> Attributes { get; set; } = ImmutableSortedDictionary<ulong, ReadOnlyMemory<byte>>.Empty;
    public ClusterMarks Marks { get; set; } = ClusterMarks.None;
    public AuthState Auth { get; set; } = AuthState.Initial;
    public long Revision { get; set; } = 1;
    public long CompactRevision { get; set; } = -1;
    public ulong AppliedIndex { get; set; }
    public ulong AppliedTerm { get; set; }

    /// <summary>All versions held, and the answers of the sessions.</summary>
    public long SizeBytes => _versionBytes + Sessions.SizeBytes;

    /// <summary>The live versions, and the answers of the sessions.</summary>
    public long SizeInUseBytes => _liveBytes + Sessions.SizeBytes;

    /// <summary>The state in the middle of a command, its own changes included.</summary>
    public ReadState Now => new(Keys.Root, Keys.Weight, Revision + 1);

    /// <summary>For header.revision in the middle of a command: the new revision from the first change on.</summary>
    public long HeaderRevision => _changed ? Revision + 1 : Revision;

    /// <summary>Ends a command: its changes, if any, have made one revision.</summary>
    public void EndRevision()
    {
        if (_changed)
            Revision++;
        _changed = false;
    }

    public byte[]? FindLive(ReadOnlySpan<byte> key) => Now.Find(key, Revision + 1);

    /// <summary>Whether a key may name this lease: it exists, or it is 0.</summary>
    public bool MayAttach(long lease) => lease == 0 || Leases.Contains(lease) || Faults.HasFlag(StoreFaults.AttachToDeadLease);

    /// <summary>Writes one key. The request is checked and its lease exists.</summary>
    /// <returns>False when ignore_value or ignore_lease finds no key; nothing was changed then.</returns>
    public bool TryPut(in PutRequest put, out byte[]? previous)
    {
        object? item = Keys.Seek(put.Key);
        byte[]? newest = item is null ? null : KeySlot.Newest(item);
        previous = newest is null || KeyValueWire.IsTombstone(newest) ? null : newest;
        long revision = Revision + 1, create = revision, version = 1, lease = put.Lease, leaseBefore = 0;
        ReadOnlySpan<byte> value = put.Value;
        if (previous is not null)
        {
            KeyValueFields fields = KeyValueWire.Fields(previous);
            create = fields.Create;
            version = fields.Version + 1;
            leaseBefore = fields.Lease;
            if (put.IgnoreValue)
                value = fields.Value;
            if (put.IgnoreLease)
                lease = leaseBefore;
        }
        else if (put.IgnoreValue || put.IgnoreLease)
        {
            return false;
        }

        if (Faults.HasFlag(StoreFaults.RepeatCreateRevision) && previous is null && item is KeyHistory former)
            create = KeyValueWire.Fields(former.Versions[0].Wire).Create;
        byte[] wire = KeyValueWire.Put(put.Key, create, revision, version, value, lease);
        Store(item, newest, previous, wire);
        if (lease != leaseBefore)
            MoveLease(put.Key, leaseBefore, lease);
        if (Faults.HasFlag(StoreFaults.PreviousIsNew))
            previous = wire;
        return true;
    }

    /// <summary>Deletes the keys of a range; <paramref name="deleted"/> gets them as they were, in key order.</summary>
    public void Delete(in KeyRange range, List<byte[]> deleted)
    {
        if (range.IsSingle)
        {
            if (FindLive(range.Start) is { } wire)
                deleted.Add(wire);
        }
        else
        {
            var scan = new KeyScan(Now, range, Revision + 1);
            while (scan.Next())
                deleted.Add(scan.Current);
        }

        foreach (byte[] wire in deleted)
            Delete(wire);
    }

    /// <summary>Takes a lease away with its session and all its keys, which are deleted in key order.</summary>
    /// <returns>How many keys those were.</returns>
    public int Revoke(long leaseId)
    {
        Leases.CopyAttached(leaseId, _found);
        if (Faults.HasFlag(StoreFaults.LeaveKeyOnRevoke) && _found.Count > 0)
            _found.RemoveAt(_found.Count - 1);
        foreach (byte[] composite in _found)
        {
            byte[]? live = FindLive(composite.AsSpan(LeaseTable.IdBytes));
            Invariant.Holds(live is not null, "An attached key is a live key.");
            Delete(live);
        }

        int keys = _found.Count;
        _found.Clear();
        Leases.Remove(leaseId);
        Sessions.Remove(leaseId);
        return keys;
    }

    /// <summary>Compaction gave a version back.</summary>
    public void Reclaimed(byte[] wire)
    {
        _versionBytes -= Cost(wire);
        Counts.ReclaimedOne();
    }

    /// <summary>Takes in one version from a saved state: a live key as it was at the compacted revision.</summary>
    public void LoadBase(byte[] wire, ReadOnlySpan<byte> key)
    {
        Invariant.Holds(Keys.Seek(key) is null, "A saved state names each key once.");
        Keys.Insert(wire, 1);
        _versionBytes += Cost(wire);
        _liveBytes += Cost(wire);
        long lease = KeyValueWire.Lease(wire);
        if (lease != 0)
            Leases.Attach(lease, key);
    }

    /// <summary>Takes in a change of the compacted revision itself from a saved state: the keys have it, the log must too.</summary>
    /// <returns>False when the keys say otherwise.</returns>
    public bool TryLoadCompacted(byte[] wire)
    {
        byte[]? live = Now.Find(KeyValueWire.Key(wire), long.MaxValue);
        bool fits = KeyValueWire.IsTombstone(wire) ? live is null : live is not null && live.AsSpan().SequenceEqual(wire);
        if (fits)
            Log.Append(live ?? wire, previous: null);
        return fits;
    }

    /// <summary>Takes in a later change from a saved state.</summary>
    /// <returns>False when it does not follow from what is there.</returns>
    public bool TryLoadChange(byte[] wire)
    {
        KeyValueFields fields = KeyValueWire.Fields(wire);
        object? item = Keys.Seek(fields.Key);
        byte[]? newest = item is null ? null : KeySlot.Newest(item);
        if (newest is not null && KeyValueWire.Mod(newest) >= fields.Mod)
            return false;
        byte[]? previous = newest is null || KeyValueWire.IsTombstone(newest) ? null : newest;
        if (fields.Version == 0)
        {
            if (previous is null)
                return false;
            Delete(previous);
            return true;
        }

        KeyValueFields before = previous is null ? default : KeyValueWire.Fields(previous);
        bool follows = fields.Version == before.Version + 1 && fields.Create == (previous is null ? fields.Mod : before.Create);
        if (!follows)
            return false;
        Store(item, newest, previous, wire);
        if (fields.Lease != before.Lease)
            MoveLease(fields.Key, before.Lease, fields.Lease);
        return true;
    }

    private static int Cost(byte[] wire) => wire.Length + VersionOverheadBytes;

    /// <summary>Puts a new version where <see cref="Keys"/> was last sought.</summary>
    private void Store(object? item, byte[]? newest, byte[]? previous, byte[] wire)
    {
        if (item is null)
        {
            Keys.Insert(wire, 1);
        }
        else if (item is KeyHistory history)
        {
            history.Append(wire);
            if (previous is null)
                Keys.Reweigh(1);
        }
        else
        {
            // Readers of older views may meet the pair at once: they pass over the newer half.
            Keys.ReplaceShared(new KeyHistory(newest!, wire));
        }

        Note(wire, previous);
    }

    private void Delete(byte[] live)
    {
        ReadOnlySpan<byte> key = KeyValueWire.Key(live);
        byte[] tombstone = KeyValueWire.Tombstone(key, Revision + 1);
        if (Keys.Seek(key) is KeyHistory history)
        {
            history.Append(tombstone);
            Keys.Reweigh(-1);
        }
        else
        {
            Keys.Replace(new KeyHistory(live, tombstone), -1);
        }

        Note(tombstone, live);
        long lease = KeyValueWire.Lease(live);
        if (lease != 0)
            Leases.Detach(lease, key);
    }

    private void Note(byte[] wire, byte[]? previous)
    {
        Log.Append(wire, previous);
        _changed |= !(Faults.HasFlag(StoreFaults.KeepRevisionOnDelete) && KeyValueWire.IsTombstone(wire));
        _versionBytes += Cost(wire);
        if (!KeyValueWire.IsTombstone(wire))
            _liveBytes += Cost(wire);
        if (previous is not null)
            _liveBytes -= Cost(previous);
    }

    private void MoveLease(ReadOnlySpan<byte> key, long before, long after)
    {
        if (before != 0)
            Leases.Detach(before, key);
        if (after != 0)
            Leases.Attach(after, key);
    }
}
