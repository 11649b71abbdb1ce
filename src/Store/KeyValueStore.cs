using System.Buffers;
using Conclave.Store.History;
using Conclave.Store.Saving;
using Conclave.Store.Writing;

namespace Conclave.Store;

/// <summary>The replicated state machine. One writer applies commands and publishes; any number of readers use views.</summary>
/// <remarks>
/// <see cref="Apply"/>, <see cref="AdvanceApplied"/>, <see cref="Publish"/> and <see cref="Install"/> belong to one thread
/// at a time. <see cref="View"/> and <see cref="Watches"/> may be used on any.
/// </remarks>
public sealed class KeyValueStore
{
    private readonly StoreOptions _options;
    private CommandApplier _applier;
    private HistoryReclaim _reclaim;
    private StoreState _state;
    private volatile StoreView _view;

    public KeyValueStore(StoreOptions options)
        : this(options, new StoreState())
    {
    }

    /// <summary>For tests and the simulator.</summary>
    internal KeyValueStore(StoreOptions options, StoreFaults faults)
        : this(options, new StoreState { Faults = faults })
    {
    }

    internal KeyValueStore(StoreOptions options, StoreState state)
    {
        _options = options;
        _state = state;
        Counts = state.Counts;
        _applier = new CommandApplier(state);
        _reclaim = new HistoryReclaim(state);
        _view = new StoreView(state, _reclaim.ReclaimedRevision);
        Watches = new WatchHub(this, options.WatchProgressMilliseconds);
    }

    /// <summary>The last published state.</summary>
    public StoreView View => _view;

    public WatchHub Watches { get; }

    /// <summary>What was done with this store since it was made. Stays the same when another state is installed.</summary>
    public OperationCounts Counts { get; }

    internal StoreFaults Faults => _state.Faults;

    /// <summary>Compacted history waits to be given back: call <see cref="Publish"/> again when there is nothing else to do.</summary>
    public bool HasBackgroundWork => _reclaim.IsPending;

    /// <summary>Index of the last entry applied, published or not.</summary>
    public ulong AppliedIndex => _state.AppliedIndex;

    /// <summary>Whether the published state and a request of this size would pass the quota; the caller then proposes a NOSPACE alarm.</summary>
    /// <param name="requestBytes">0 asks whether the quota is passed already.</param>
    public bool IsOverQuota(long requestBytes) => _options.QuotaBytes >= 0 && View.SizeBytes + requestBytes > _options.QuotaBytes;

    /// <summary>Applies one command. Equal state and equal command give an equal result on every member, always.</summary>
    /// <param name="index">Log index: the one after the last applied.</param>
    /// <param name="term">Term of the log entry.</param>
    /// <param name="command">Any bytes: what is not valid is refused alike everywhere.</param>
    /// <param name="wantResponse">Somebody here waits for the body of the answer.</param>
    /// <remarks>Readers see nothing of it before <see cref="Publish"/>.</remarks>
    public ApplyOutcome Apply(ulong index, ulong term, in Command command, bool wantResponse)
    {
        AdvanceApplied(index, term);
        ApplyOutcome outcome = _applier.Apply(command, wantResponse);
        if (command.Kind == CommandKind.Compact && outcome.Error == StoreError.None)
            _reclaim.Begin();
        return outcome;
    }

    /// <summary>Counts an entry that is no command (no-op, membership).</summary>
    public void AdvanceApplied(ulong index, ulong term)
    {
        bool isAgain = Faults.HasFlag(StoreFaults.ApplyIndexTwice) && index == _state.AppliedIndex;
        Invariant.Holds(index == _state.AppliedIndex + 1 || isAgain, "Entries are applied in order, once each.");
        _state.AppliedIndex = index;
        _state.AppliedTerm = term;
    }

    /// <summary>Makes everything applied so far visible and feeds the watchers.</summary>
    public void Publish()
    {
        // Before anything goes: a compaction may be of revisions that were applied just now and that no watcher has been fed yet.
        ChangeLogView fresh = _state.Log.View;
        _reclaim.Step(_options.CompactionChangesPerPublish);
        _view = new StoreView(_state, _reclaim.ReclaimedRevision);
        Watches.OnPublished(_view, fresh);
    }

    /// <summary>Takes over the state of a store made by <see cref="Load(Stream, StoreOptions)"/> and publishes it; watchers go on from where they were.</summary>
    /// <param name="loaded">Not used by anybody else, and not usable afterwards.</param>
    public void Install(KeyValueStore loaded)
    {
        _state = loaded._state;
        _state.Counts = Counts;
        _applier = loaded._applier;
        _reclaim = loaded._reclaim;
        _view = new StoreView(_state, _reclaim.ReclaimedRevision);
        Watches.OnReplaced(_view);
    }

    /// <summary>Writes a state as bytes: equal for all members that have applied the same entries.</summary>
    /// <remarks>Runs beside the writer, on any thread.</remarks>
    public static void Save(StoreView view, Stream destination) => StateWriter.Save(view, new StreamSink(destination));

    /// <inheritdoc cref="Save(StoreView, Stream)"/>
    public static void Save(StoreView view, IBufferWriter<byte> destination) => StateWriter.Save(view, new BufferSink(destination));

    /// <summary>Reads what <see cref="Save(StoreView, Stream)"/> wrote, history included.</summary>
    /// <exception cref="StoreDamagedException">The bytes are not a whole saved state.</exception>
    public static KeyValueStore Load(Stream source, StoreOptions options) => Load(source, options, StoreFaults.None);

    /// <summary>As <see cref="Load(Stream, StoreOptions)"/>, with up to that many zero bytes behind the state.</summary>
    /// <exception cref="StoreDamagedException">The bytes are not a whole saved state.</exception>
    public static KeyValueStore LoadPadded(Stream source, StoreOptions options, int paddingMax) => new(options, StateReader.Load(source, StoreFaults.None, paddingMax));

    /// <summary>Makes a loaded state the first one of another cluster, before anybody uses it: what it says of members and their disks is of the old one.</summary>
    /// <remarks>Keys, history, leases and sessions stay. Alarms go with the members that they name.</remarks>
    public void BeginNewCluster()
    {
        _state.Attributes = _state.Attributes.Clear();
        _state.Alarms = [];
        _state.Marks = ClusterMarks.None;
        Publish();
    }

    /// <summary>For tests and the simulator.</summary>
    internal static KeyValueStore Load(Stream source, StoreOptions options, StoreFaults faults) => new(options, StateReader.Load(source, faults));
}
