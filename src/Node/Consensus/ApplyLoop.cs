using System.Diagnostics;
using Conclave.Raft;
using Conclave.Store;

namespace Conclave.Node.Consensus;

/// <summary>What happens besides the store when entries are applied. Called on the apply thread, in log order.</summary>
internal interface IApplyObserver
{
    /// <summary>The first entry of a term was applied and published; everything of earlier terms is in the store.</summary>
    void OnTermApplied(ulong term);

    /// <summary>A lease came into being.</summary>
    void OnLeaseGranted(LeaseState lease);

    /// <summary>A lease is gone.</summary>
    void OnLeaseRevoked(long id);

    /// <summary>A membership was applied, and is published with the batch that it is in.</summary>
    void OnMembershipApplied(EntryId entry, Membership membership);

    /// <summary>A batch was applied and published.</summary>
    void OnBatchApplied(ulong index, ulong term, int entries, long payloadBytes);

    /// <summary>A batch that was published has a transaction of the server itself.</summary>
    void OnServerWrote()
    {
    }

    /// <summary>A batch that was published may have changed keys of live members: it names some, or a lease ended.</summary>
    void OnLiveWrote()
    {
    }

    /// <summary>A state mark was applied; the view is of the state just behind it.</summary>
    void OnStateMarked(StoreView view);

    /// <summary>Another member's state took the place of this one's, which was wrong. The log is as it was.</summary>
    void OnStateReplaced(SnapshotId snapshot);

    /// <summary>The state was replaced by a snapshot.</summary>
    void OnSnapshotInstalled(SnapshotId snapshot);

    /// <summary>Somebody wants a snapshot of what is applied now; everything applied is published.</summary>
    void OnSnapshotWanted();

    void OnFatal(Exception cause);
}

/// <summary>Changes the store, one thread at a time: applies committed entries in order, publishes one view per batch, then tells who waits.</summary>
internal sealed class ApplyLoop : SerialWorker
{
    /// <summary>Committed entries waiting to be applied above which new requests are turned away, as in etcd.</summary>
    public const int BacklogMax = 5_000;

    /// <summary>Entries applied before a view is published, so that nobody waits for the end of a long replay.</summary>
    private const int BatchEntriesMax = 1_024;

    /// <summary>Payload bytes that gather while nothing is applied. With more it goes on: a member that waits for ever is worse than one that heals later.</summary>
    internal const long PausedBytesMax = 256L << 20;

    private static ReadOnlySpan<byte> FirstLive => "conclave-live/"u8;

    private static ReadOnlySpan<byte> BehindLive => "conclave-live0"u8;

    private readonly KeyValueStore _store;
    private readonly ulong _self;
    private readonly Proposals _proposals;
    private readonly ReadBarrier _reads;
    private readonly Action<RaftInput> _toCore;
    private readonly IDriver _driver;
    private readonly Action<SnapshotId> _load;
    private readonly IApplyObserver _observer;

    // Under the worker's lock.
    private List<Work> _queue = [];
    private Replacement? _replacement;
    private bool _paused;
    private long _pausedBytes;

    private int _backlog;
    private long _slowCount;   // written by whoever runs the worker
    private volatile bool _isInstalling;

    // Of whoever runs the worker.
    private List<Work> _taken = [];
    private Replacement? _replacing;
    private readonly List<(ulong Id, ApplyOutcome Outcome)> _finished = [];
    private bool _serverWrote, _liveWrote;
    private ulong _term, _replacedIndex;
    private ulong _logIndex;   // where the log is; behind the state while entries pass that came with another member's state

    private sealed record Replacement(SnapshotId Snapshot, TaskCompletionSource<bool> Done);

    private readonly record struct Work(ReadOnlyMemory<Entry> Entries, SnapshotId? Install, bool WantsSnapshot = false);

    /// <param name="store">Owned by this worker from now on.</param>
    /// <param name="self">Entries with this origin have a client waiting here.</param>
    /// <param name="proposals">The waiting clients.</param>
    /// <param name="reads">The waiting readers.</param>
    /// <param name="toCore">Reports progress.</param>
    /// <param name="driver">Gives the other workers their turn.</param>
    /// <param name="load">Replaces the content of the store by a snapshot on disk.</param>
    /// <param name="observer">Hears of everything else.</param>
    public ApplyLoop(KeyValueStore store, ulong self, Proposals proposals, ReadBarrier reads, Action<RaftInput> toCore, IDriver driver, Action<SnapshotId> load, IApplyObserver observer)
        : base("apply")
    {
        (_store, _self, _proposals, _reads, _toCore, _driver, _load, _observer) = (store, self, proposals, reads, toCore, driver, load, observer);
        (_term, _logIndex) = (store.View.AppliedTerm, store.View.AppliedIndex);
        _reads.OnApplied(store.View.AppliedIndex);   // what the snapshot held counts; in a quiet cluster nothing else would say so
    }

    /// <summary>Committed entries that are not applied yet.</summary>
    public int Backlog => Volatile.Read(ref _backlog);

    /// <summary>Entries that took longer than <see cref="SlowAfter"/> to apply.</summary>
    public long SlowCount => Volatile.Read(ref _slowCount);

    /// <summary>As long as etcd's.</summary>
    public TimeSpan SlowAfter { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>A snapshot takes the place of the state just now.</summary>
    public bool IsInstalling => _isInstalling;

    /// <param name="committed">Consecutive runs in log order.</param>
    public void Enqueue(List<ReadOnlyMemory<Entry>> committed) => Add((this, committed), static s =>
    {
        foreach (ReadOnlyMemory<Entry> run in s.committed)
        {
            s.Item1._queue.Add(new Work(run, null));
            Interlocked.Add(ref s.Item1._backlog, run.Length);
            if (s.Item1._paused) s.Item1.CountPausedUnderLock(run.Span);
        }
    }, wake: false);

    /// <summary>The log was reset to this snapshot: the store follows, after everything queued before.</summary>
    public void EnqueueInstall(SnapshotId snapshot) => Add((this, snapshot), static s =>
    {
        s.Item1._queue.Add(new Work(default, s.snapshot));
        s.Item1._paused = false;   // what it would have waited for has come another way
    }, wake: true);

    /// <summary>A snapshot is wanted, whether anything is there to be applied or not.</summary>
    public void EnqueueSnapshotWanted() => Add(this, static s => s._queue.Add(new Work(default, null, WantsSnapshot: true)), wake: true);

    /// <summary>Entries wait until <see cref="Resume"/>, until a state is taken over, or until more than <see cref="PausedBytesMax"/> have come. What is being applied still is.</summary>
    public void Pause() => Add(this, static me => (me._paused, me._pausedBytes) = (true, 0), wake: false);

    public void Resume() => Add(this, static me => me._paused = false, wake: true);

    /// <summary>Puts the content of a snapshot on disk in the place of the store's, before the entries that wait. Those that it holds already are passed over.</summary>
    /// <param name="snapshot">Behind what is applied here; any other is refused.</param>
    /// <param name="done">Told whether it was done.</param>
    public void EnqueueReplace(SnapshotId snapshot, TaskCompletionSource<bool> done) => Add((this, snapshot, done), static s =>
    {
        s.Item1._replacement = new Replacement(s.snapshot, s.done);
        s.Item1._paused = false;
    }, wake: true);

    protected override bool HasWorkUnderLock => _replacement is not null || (_queue.Count > 0 && !_paused) || _store.HasBackgroundWork;

    protected override void TakeUnderLock()
    {
        (_replacing, _replacement) = (_replacement, null);
        if (!_paused) (_queue, _taken) = (_taken, _queue);
    }

    protected override void Run(bool borrowed)
    {
        if (_replacing is { } replacement) Replace(replacement);
        if (_taken.Count == 0) _store.Publish();   // nothing to apply: reclaims a bounded part of the compacted history
        foreach (Work work in _taken)
        {
            if (work.Install is { } snapshot) Install(snapshot);
            // Not while the state is ahead of the log: the core has not committed yet what it holds. Who wants it asks again.
            if (work.WantsSnapshot && _store.AppliedIndex <= _logIndex) _observer.OnSnapshotWanted();
            for (ReadOnlyMemory<Entry> rest = work.Entries; !rest.IsEmpty;)
            {
                int count = Math.Min(rest.Length, BatchEntriesMax);
                ApplyBatch(rest.Span[..count]);
                rest = rest[count..];
            }
        }

        _taken.Clear();
    }

    protected override void AfterOwnRun() => _driver.DriveWithoutLog();

    protected override void OnFailure(Exception cause) => _observer.OnFatal(cause);

    private void CountPausedUnderLock(ReadOnlySpan<Entry> entries)
    {
        foreach (ref readonly Entry entry in entries) _pausedBytes += entry.Payload.Length;
        _paused = _pausedBytes <= PausedBytesMax;
    }

    private void ApplyBatch(ReadOnlySpan<Entry> entries)
    {
        ulong newTerm = 0;
        long payloadBytes = 0, before = Stopwatch.GetTimestamp();
        foreach (ref readonly Entry entry in entries)
        {
            if (entry.Term.Value > _term) newTerm = _term = entry.Term.Value;
            payloadBytes += entry.Payload.Length;
            if (entry.Index.Value <= _store.AppliedIndex) Pass(entry);
            else if (entry.Kind == EntryKind.Command) ApplyCommand(entry);
            else _store.AdvanceApplied(entry.Index.Value, entry.Term.Value);
            if (entry.Kind == EntryKind.Membership) ApplyMembership(entry);
            long after = Stopwatch.GetTimestamp();
            if (Stopwatch.GetElapsedTime(before, after) > SlowAfter) Volatile.Write(ref _slowCount, _slowCount + 1);
            before = after;
        }

        _store.Publish();
        ulong index = _logIndex = entries[^1].Index.Value;
        _reads.OnApplied(_store.AppliedIndex);
        foreach ((ulong id, ApplyOutcome outcome) in _finished) _proposals.OnApplied(id, outcome);
        _finished.Clear();
        if (_serverWrote) _observer.OnServerWrote();
        if (_liveWrote) _observer.OnLiveWrote();
        _serverWrote = _liveWrote = false;
        Interlocked.Add(ref _backlog, -entries.Length);
        if (newTerm != 0)
        {
            _proposals.OnTermApplied(newTerm);
            _observer.OnTermApplied(newTerm);
        }

        _toCore(RaftInput.Applied(entries[^1].Index));
        // Not while the state is ahead of the entries that pass: a snapshot of it would bear the wrong index.
        if (_store.AppliedIndex == index) _observer.OnBatchApplied(index, _term, entries.Length, payloadBytes);
    }

    /// <summary>The state that was taken over holds this entry.</summary>
    private void Pass(in Entry entry) => Invariant.Holds(entry.Index.Value <= _replacedIndex, "Only entries that came with another member's state are passed over.");

    private void ApplyMembership(in Entry entry)
    {
        bool known = Membership.TryDecode(entry.Payload.Span, out Membership? membership);
        Invariant.Holds(known && membership is not null, "Only memberships that this version encodes are appended.");
        _observer.OnMembershipApplied(entry.Id, membership);
    }

    private void ApplyCommand(in Entry entry)
    {
        bool known = Command.TryDecode(entry.Payload, out Command command);
        Invariant.Holds(known, "Only commands that this version encodes are proposed.");
        bool mine = command.Origin == _self;
        ApplyOutcome outcome = _store.Apply(entry.Index.Value, entry.Term.Value, command, wantResponse: mine);
        if (mine) _finished.Add((command.RequestId, outcome));
        if (outcome.Error != StoreError.None) return;
        _serverWrote |= command.Kind == CommandKind.ServerTxn;
        _liveWrote |= command.Kind == CommandKind.LeaseRevoke || (command.Kind is CommandKind.Put or CommandKind.Txn or CommandKind.DeleteRange && NamesLive(command));
        if (command.Kind == CommandKind.StateMark)
        {
            _store.Publish();   // now, so that there is a view of just this point
            _observer.OnStateMarked(_store.View);
        }

        if (command.Kind == CommandKind.LeaseGrant) _observer.OnLeaseGranted(new LeaseState(outcome.LeaseId, outcome.LeaseTtlSeconds, outcome.LeaseIncarnation));
        else if (command.Kind == CommandKind.LeaseRevoke) _observer.OnLeaseRevoked(outcome.LeaseId);
    }

    /// <summary>Whether it can touch a key of a live member: it names one, or deletes a range that they may be in. A look too many costs little.</summary>
    private static bool NamesLive(in Command command)
    {
        ReadOnlySpan<byte> body = command.Body.Span;
        return body.IndexOf(FirstLive) >= 0 || command.Kind switch
        {
            CommandKind.DeleteRange => RequestKeys.IsDeleteInto(body, FirstLive, BehindLive),
            CommandKind.Txn => RequestKeys.DeletesInto(body, FirstLive, BehindLive),
            _ => false,
        };
    }

    private void Replace(Replacement replacement)
    {
        _replacing = null;
        ulong index = replacement.Snapshot.Last.Index.Value;
        bool isAhead = index > _store.AppliedIndex;
        if (isAhead)
        {
            LoadState(replacement.Snapshot);
            _replacedIndex = index;
            _proposals.OnSnapshotInstalled();   // the answers of what it holds are not known here
            _reads.OnApplied(index);
            _observer.OnStateReplaced(replacement.Snapshot);
        }

        replacement.Done.TrySetResult(isAhead);
    }

    private void LoadState(SnapshotId snapshot)
    {
        _isInstalling = true;
        _load(snapshot);
        _isInstalling = false;
    }

    private void Install(SnapshotId snapshot)
    {
        // The log may be reset to less than the state holds that was taken over from another member: the state does not go back.
        bool isHeld = snapshot.Last.Index.Value <= _replacedIndex && snapshot.Last.Index.Value <= _store.AppliedIndex;
        if (!isHeld) LoadState(snapshot);
        (_term, _logIndex) = (snapshot.Last.Term.Value, snapshot.Last.Index.Value);
        _proposals.OnSnapshotInstalled();
        _reads.OnApplied(_store.AppliedIndex);
        _observer.OnSnapshotInstalled(snapshot);
        _toCore(RaftInput.SnapshotInstalled(snapshot));
    }
}
