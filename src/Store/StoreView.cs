using System.Buffers;
using System.Collections.Immutable;
using Conclave.Store.Auth;
using Conclave.Store.History;
using Conclave.Store.Leases;
using Conclave.Store.Protobuf;
using Conclave.Store.Reading;
using Conclave.Store.Requests;
using Conclave.Store.Saving;
using Conclave.Store.Tree;
using Conclave.Store.Writing;

namespace Conclave.Store;

/// <summary>The store as it was when it was published. Immutable, lock-free, usable on any thread for as long as one likes.</summary>
/// <remarks>A view keeps in memory what it shows, also history that was compacted since: do not hoard them.</remarks>
public sealed class StoreView
{
    private readonly ReadState _state;
    private readonly LeaseRoots _leases;
    private readonly OperationCounts _counts;

    internal StoreView(StoreState state, long reclaimedRevision)
    {
        Revision = state.Revision;
        CompactRevision = state.CompactRevision;
        ReclaimedRevision = reclaimedRevision;
        AppliedIndex = state.AppliedIndex;
        AppliedTerm = state.AppliedTerm;
        SizeBytes = state.SizeBytes;
        SizeInUseBytes = state.SizeInUseBytes;
        Alarms = state.Alarms;
        MemberAttributes = state.Attributes;
        Marks = state.Marks;
        Auth = state.Auth;
        Faults = state.Faults;
        _counts = state.Counts;
        Log = state.Log.View;
        Sessions = state.Sessions.Publish();
        _leases = state.Leases.Publish();
        _state = new ReadState(state.Keys.Publish(), state.Keys.Weight, state.Revision);
    }

    /// <summary>1 for an empty store; each change adds 1.</summary>
    public long Revision { get; }

    /// <summary>Reads and watches below it are refused; -1 when nothing was ever compacted (as etcd says it).</summary>
    public long CompactRevision { get; }

    /// <summary>The compacted revision whose memory this member has given back; a physical compaction waits until it reaches its revision.</summary>
    public long ReclaimedRevision { get; }

    public ulong AppliedIndex { get; }
    public ulong AppliedTerm { get; }

    /// <summary>All versions and session answers held, about; never 0. What the quota limits.</summary>
    public long SizeBytes { get; }

    /// <summary>The part of <see cref="SizeBytes"/> that a compaction to this revision would leave.</summary>
    public long SizeInUseBytes { get; }

    /// <summary>Live keys.</summary>
    public long KeyCount => _state.KeyCount;

    /// <summary>Raised alarms, by kind and member.</summary>
    public ImmutableArray<ActiveAlarm> Alarms { get; }

    /// <summary>What each member last said of itself, by member id.</summary>
    public ImmutableSortedDictionary<ulong, ReadOnlyMemory<byte>> MemberAttributes { get; }

    /// <summary>The newest state mark, and what the members reported of it.</summary>
    public ClusterMarks Marks { get; }

    /// <summary>Users and roles, and whether they count.</summary>
    public AuthState Auth { get; }

    /// <summary>All leases, by id. A new list each time.</summary>
    public IReadOnlyList<LeaseState> Leases => _leases.All();

    public long LeaseCount => _leases.Count;

    internal ChangeLogView Log { get; }

    internal ReadState State => _state;

    internal StoreFaults Faults { get; }

    /// <summary>Root of the last answers, see <see cref="Conclave.Store.Sessions.SessionTable"/>.</summary>
    internal TreeNode? Sessions { get; }

    public bool HasAlarm(AlarmKind alarm) => AlarmSet.Has(Alarms, alarm);

    /// <summary>Answers a RangeRequest; header.revision is <see cref="Revision"/>, whatever revision was asked for.</summary>
    /// <param name="request">Any bytes.</param>
    /// <param name="body">Gets the RangeResponse without its header; nothing on error.</param>
    /// <param name="counts">False for what the server asks for itself: see <see cref="OperationCounts"/>.</param>
    public StoreError Range(ReadOnlySpan<byte> request, IBufferWriter<byte> body, bool counts = true)
    {
        if (!RangeRequest.TryParse(request, out RangeRequest range))
            return StoreError.Malformed;
        StoreError error = range.Check();
        if (error != StoreError.None)
            return error;
        if (counts)
            _counts.Answered(1);
        error = RangeQuery.CheckRevision(range.Revision, Revision, CompactRevision);
        if (error == StoreError.None)
            RangeQuery.Write(range, _state, body);
        return error;
    }

    /// <summary>Answers a TxnRequest of which <see cref="RequestCheck.Txn"/> said that it is read-only.</summary>
    /// <param name="request">Checked bytes.</param>
    /// <param name="body">Gets the TxnResponse without its header; nothing on error.</param>
    public StoreError ReadOnlyTxn(ReadOnlySpan<byte> request, IBufferWriter<byte> body) =>
        ReadOnlyTransaction.Run(request, _state, Revision, CompactRevision, _counts, body);

    /// <summary>Answers an AlarmRequest that only asks.</summary>
    public StoreError AlarmGet(ReadOnlySpan<byte> request, IBufferWriter<byte> body)
    {
        if (!AlarmRequest.TryParse(request, out AlarmRequest alarm))
            return StoreError.Malformed;
        var answer = new ResponseBuffer();
        AlarmSet.Apply(Alarms, alarm with { Action = AlarmAction.Get }, answer);
        body.Write(answer.Written);
        return StoreError.None;
    }

    /// <summary>Whether somebody may ask this RangeRequest. What is no such message is let pass: <see cref="Range"/> refuses it.</summary>
    public StoreError CheckRange(in CommandIdentity who, ReadOnlySpan<byte> request) =>
        RangeRequest.TryParse(request, out RangeRequest range) ? Auth.CheckRead(who, range.Key, range.RangeEnd) : StoreError.None;

    /// <summary>Whether somebody may ask this TxnRequest, of which <see cref="RequestCheck.Txn"/> said that it is read-only.</summary>
    public StoreError CheckReadOnlyTxn(in CommandIdentity who, ReadOnlySpan<byte> request) => CommandPermission.ReadOnlyTxn(Auth, who, request);

    /// <summary>Whether somebody may do what this WatchRequest asks for. Only what it creates needs a permission.</summary>
    public StoreError CheckWatch(in CommandIdentity who, ReadOnlySpan<byte> request)
    {
        bool creates = WatchRequest.TryParse(request, out WatchRequest watch) && watch.Kind == WatchRequestKind.Create;
        return creates && WatchCreateRequest.TryParse(watch.Body, out WatchCreateRequest create) ? Auth.CheckRead(who, create.Key, create.RangeEnd) : StoreError.None;
    }

    /// <summary>Whether somebody may read, or write, all keys that are attached to a lease.</summary>
    public StoreError CheckAttached(in CommandIdentity who, long leaseId, bool writes)
    {
        StoreError error = Auth.CheckUser(who, out AuthUser? user);
        if (user is null || user.IsRoot)
            return error;
        foreach (ReadOnlyMemory<byte> key in LeaseKeys(leaseId))
        {
            error = writes ? Auth.CheckWrite(who, key.Span, rangeEnd: []) : Auth.CheckRead(who, key.Span, rangeEnd: []);
            if (error != StoreError.None)
                break;
        }

        return error;
    }

    public bool TryGetLease(long id, out LeaseState lease) => _leases.TryGet(id, out lease);

    /// <summary>The keys attached to a lease, in key order; none for an unknown lease.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> LeaseKeys(long id)
    {
        var attached = new List<byte[]>();
        LeaseRoots.CopyAttached(_leases.Attachments, id, attached);
        var keys = new ReadOnlyMemory<byte>[attached.Count];
        for (int i = 0; i < keys.Length; i++)
            keys[i] = attached[i].AsMemory(LeaseTable.IdBytes);
        return keys;
    }

    /// <summary>Hash of everything that is saved, the applied index included. Reads the whole state.</summary>
    public uint Hash()
    {
        var sink = new HashSink();
        StateWriter.Save(this, sink);
        return sink.Hash;
    }

    /// <summary>How <see cref="StateHash"/> adds up. Hashes of different schemes say nothing about each other.</summary>
    public const ushort StateHashScheme = 1;

    /// <summary>
    /// 64-bit hash of everything a client can see: keys with all versions and changes since the compacted revision, leases, sessions,
    /// alarms, members' attributes and marks. Equal on all members that have applied the same entries, whatever happened to each
    /// of them on the way. Visits everything: 0.15 s for 200 MB in values of 1 KiB, 0.25 s for a million small keys.
    /// </summary>
    public ulong StateHash() => Reading.StateHash.Of(this, _leases);

    /// <summary>
    /// Hash of all versions that can be read at a revision: equal on all members with the same compacted revision.
    /// Visits every key.
    /// </summary>
    /// <param name="revision">0 or less is the current one.</param>
    /// <param name="hash">The hash.</param>
    /// <param name="hashedRevision">The revision it was taken at.</param>
    public StoreError HashKv(long revision, out uint hash, out long hashedRevision)
    {
        hash = 0;
        hashedRevision = revision > 0 ? revision : Revision;
        StoreError error = RangeQuery.CheckRevision(revision, Revision, CompactRevision);
        if (error == StoreError.None)
            hash = KeyHash.Of(_state, hashedRevision, CompactRevision);
        return error;
    }
}
