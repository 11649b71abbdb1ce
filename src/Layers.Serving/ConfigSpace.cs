using System.Collections.Immutable;
using Conclave.Layers.Serving.Live;
using Conclave.Layers.Serving.Rollouts;
using Conclave.Layers.Serving.Secrets;
using Conclave.Store;
using Conclave.Wire.Etcd.Mvccpb;

namespace Conclave.Layers.Serving;

/// <summary>One space as this member has it: follows the store, and remembers what was lately.</summary>
/// <param name="name">Its name.</param>
/// <param name="keys">What this member opens secrets with; null opens none.</param>
public sealed class ConfigSpace(string name, SecretKeyRing? keys = null)
{
    /// <summary>Snapshots kept so that who was away for a moment gets what changed and not everything.</summary>
    private const int RecentMax = 16;

    /// <summary>Old releases that are kept resolved.</summary>
    private const int OldMax = 4;

    private readonly Lock _gate = new();
    private readonly LinkedList<Fleet> _old = [];
    private ConfigState _folded = ConfigState.Initial, _stopped = ConfigState.Initial;   // content alone: the furthest, and where the last one ended that was not done
    private volatile TaskCompletionSource _changed = NewSignal();
    private volatile SpaceSnapshot _current = Empty(name, keys);
    private ImmutableArray<SpaceSnapshot> _recent = [];
    private long _revision;
    private ImmutableSortedDictionary<string, ImmutableArray<string>> _live = ImmutableSortedDictionary.Create<string, ImmutableArray<string>>(StringComparer.Ordinal);
    private bool _refersToNodes;   // some value may look at another node: then every change may concern everybody

    public string Name => name;

    internal ServingFaults Faults { get; init; }

    /// <summary>Told of nodes that were removed, on the thread that follows.</summary>
    public Action<string> NodeGone { get; init; } = static _ => { };

    public SpaceSnapshot Current => _current;

    /// <summary>What was written up to this revision of the store is in <see cref="Current"/>, as far as it is of the configuration.</summary>
    public long FollowedRevision => Volatile.Read(ref _revision);

    /// <summary>Completes when <see cref="Current"/> is another one. Take it before looking at that.</summary>
    public Task Changed => _changed.Task;

    /// <summary>The store's revision that <see cref="Current"/> includes everything of.</summary>
    public long Revision => Volatile.Read(ref _revision);

    public static SpaceSnapshot Empty(string name, SecretKeyRing? keys = null) => new(name, Fleet.Of(ConfigState.Initial), ResolutionInputs.None.WithAllLive([]),
        ImmutableSortedDictionary.Create<string, Value>(StringComparer.Ordinal), secrets: SpaceSecrets.None(name, keys));

    /// <summary>The newest snapshot of a release, when it is still remembered.</summary>
    public SpaceSnapshot? Recent(long release)
    {
        lock (_gate) return _recent.LastOrDefault(s => s.Release == release);
    }

    /// <summary>Everything at a release, resolved; null when its history is not kept any more (<see cref="Fold"/>), or it is not yet.</summary>
    public Fleet? At(SpaceSnapshot now, long release)
    {
        if (release == now.Release) return now.Fleet;
        lock (_gate)
        {
            if (_recent.LastOrDefault(s => s.Release == release) is { } recent) return recent.Fleet;
            if (_old.FirstOrDefault(f => f.State.Release == release) is { } known) return known;
        }

        return now.State.At(release) is { } state ? Keep(Fleet.Of(state)) : null;
    }

    /// <summary>Everything at a release whose history is not kept any more, put together from the records, which are. Takes as long as reading them: one at a time.</summary>
    /// <param name="view">Has the records, as all views of this state have.</param>
    /// <param name="now">The newest release.</param>
    /// <param name="release">One before it.</param>
    /// <param name="cancellationToken">Stops it between two records.</param>
    /// <exception cref="ConfigDamagedException">A record is missing or cannot be read.</exception>
    public Fleet Fold(StoreView view, SpaceSnapshot now, long release, CancellationToken cancellationToken)
    {
        ConfigState state;
        lock (_gate) state = _old.Select(f => f.State).Append(_folded).Append(_stopped).Where(s => s.Release <= release).MaxBy(s => s.Release) ?? ConfigState.Initial;
        try
        {
            while (state.Release < release)
            {
                cancellationToken.ThrowIfCancellationRequested();
                state = state.Replay(RecordOf(view, state.Release + 1));
            }
        }
        finally
        {
            lock (_gate)
            {
                // Who had no time for all of it goes on here, also when somebody asks for another one in between.
                if (state.Release > _folded.Release) _folded = state;
                else if (state.Release < release) _stopped = state;
            }
        }

        return Keep(Fleet.Of(state.SeenFrom(now.State)));
    }

    private Fleet Keep(Fleet made)
    {
        lock (_gate)
        {
            _old.AddFirst(made);
            if (_old.Count > OldMax) _old.RemoveLast();
        }

        return made;
    }

    /// <summary>Takes in what a published view has more. One thread at a time.</summary>
    /// <param name="view">The view.</param>
    /// <param name="anew">The state was replaced: what is known may be wrong.</param>
    /// <returns>The nodes whose documents may be others now; empty when nothing is new, null for all.</returns>
    /// <exception cref="ConfigDamagedException">A release record is missing or cannot be applied.</exception>
    public IReadOnlySet<string>? Follow(StoreView view, bool anew)
    {
        SpaceSnapshot before = anew ? Empty(name, keys) : _current;
        long head = StoreReads.Find(view, ConfigKeys.Head(name)) is { } kv ? ConfigKeys.Number(kv.Value.Span) : 0;
        if (head < before.Release)
        {
            before = Empty(name, keys);
            anew = true;
        }

        if (anew) before = before.With(before.Inputs.WithAllLive(_live));

        Fleet fleet = before.Fleet;
        var gone = new List<string>();
        HashSet<string>? concerned = anew ? null : new(StringComparer.Ordinal);
        while (fleet.State.Release < head)
        {
            ChangeRecord record = RecordOf(view, fleet.State.Release + 1);
            PublishResult result = fleet.Publish(record);
            if (!result.IsPublished)
                throw new ConfigDamagedException($"Release {fleet.State.Release + 1} of space {name} cannot be applied: {result.Problems[0].Message}");
            concerned = Concerned(concerned, record.Change.Edits, fleet.State.Dimensions.NodeDimension);
            gone.AddRange(record.Change.Edits.OfType<NodeEdit>().Where(e => e.Assignment is null).Select(e => e.Node));
            fleet = result.Fleet;
        }

        (ResolutionInputs inputs, ImmutableSortedDictionary<string, Value> facts) = (before.Inputs, before.Facts);
        long moved = before.MovedRevision;
        bool skips = Faults.HasFlag(ServingFaults.SkipFacts) && fleet != before.Fleet && !anew;
        foreach (KeyValue reported in skips ? [] : StoreReads.All(view, ConfigKeys.AllFacts(name), anew ? 0 : _revision))
        {
            string node = reported.Key.ToStringUtf8()[ConfigKeys.AllFacts(name).Length..];
            if (!ValueJson.TryParse(reported.Value.Span, out Value? known, out string problem) || known.Kind != ValueKind.Map)
                throw new ConfigDamagedException($"The facts of node {node} in space {name} cannot be read: {problem}");
            facts = facts.SetItem(node, known);
            moved = Math.Max(moved, reported.ModRevision);
            inputs = inputs.WithFacts(node, known.Members);
            gone.Remove(node);
            concerned?.Add(node);
        }

        foreach (string node in gone.Where(n => !fleet.State.Nodes.ContainsKey(n))) NodeGone(node);
        foreach (string node in gone.Where(facts.ContainsKey))
        {
            facts = facts.Remove(node);
            inputs = inputs.WithFacts(node, []);
        }

        bool misses = Faults.HasFlag(ServingFaults.MissStages) && fleet == before.Fleet && !anew;
        ImmutableArray<ActiveRollout> rollouts = misses ? before.Rollouts : ActiveRollout.Follow(view, name, before.Rollouts, anew ? 0 : _revision, Faults);
        bool sameFleets = fleet == before.Fleet && rollouts.AsSpan().SequenceEqual(before.Rollouts.AsSpan());
        SpaceSecrets secrets = SecretReads.Follow(before.Secrets, view, anew ? 0 : _revision);
        if (secrets != before.Secrets) inputs = SecretReads.Versions(secrets, inputs);
        // Records of rollouts that have ended count, too: after a start nothing else tells of these.
        if (secrets != before.Secrets) moved = Math.Max(moved, NewestOf(ConfigKeys.Secrets(name)));
        if (anew || _revision == 0 || !rollouts.AsSpan().SequenceEqual(before.Rollouts.AsSpan())) moved = Math.Max(moved, NewestOf(ConfigKeys.Rollouts(name)));
        bool isNew = anew || !sameFleets || facts != before.Facts || secrets != before.Secrets;
        if (isNew)
        {
            FleetVersions? versions = sameFleets ? before.Versions : rollouts.IsEmpty ? null : new FleetVersions(fleet, rollouts);
            Become(new SpaceSnapshot(name, fleet, inputs, facts, versions, secrets) { MovedRevision = moved }, anew);
        }

        Volatile.Write(ref _revision, view.Revision);   // behind the snapshot: who sees it finds what was written until then
        if (!isNew) return ImmutableHashSet<string>.Empty;
        // A rollout decides for every node, and a secret may be behind any value.
        bool concernsAll = _refersToNodes || !rollouts.IsEmpty || !before.Rollouts.IsEmpty || secrets != before.Secrets;
        return concernsAll && !Faults.HasFlag(ServingFaults.WakeOwnAlone) ? null : concerned;

        long NewestOf(string prefix) => StoreReads.All(view, prefix, anew ? 0 : _revision, keysOnly: true).Select(kv => kv.ModRevision).DefaultIfEmpty().Max();
    }

    /// <summary>Takes in who is alive. On the thread that follows.</summary>
    /// <returns>Whether that is news, and so may concern every node.</returns>
    public bool FollowLive(ImmutableSortedDictionary<string, ImmutableArray<string>> live)
    {
        if (LiveKeys.Same(_live, live)) return false;
        _live = live;
        Become(_current.With(_current.Inputs.WithAllLive(live)), anew: false);
        return true;
    }

    /// <summary>Adds those whom a release may concern; null stays null. Scopes that name a host, and hosts, are told apart; the rest is for everybody.</summary>
    private HashSet<string>? Concerned(HashSet<string>? concerned, ImmutableArray<Edit> edits, string nodeDimension)
    {
        foreach (Edit edit in edits)
        {
            // By its text, which says more often yes than need be and never wrongly no.
            if (edit is EntryEdit { Entry: { } entry } && !_refersToNodes) _refersToNodes = entry.Value.ToString().Contains("node:", StringComparison.Ordinal);
            string? node = edit switch { EntryEdit of => of.Scope.ValueOf(nodeDimension), NodeEdit of => of.Node, _ => null };
            if (node is null) concerned = null;
            else concerned?.Add(node);
        }

        return concerned;
    }

    private void Become(SpaceSnapshot next, bool anew)
    {
        lock (_gate)
        {
            ImmutableArray<SpaceSnapshot> kept = anew ? [] : _recent;
            if (anew) _old.Clear();
            if (anew) _folded = _stopped = ConfigState.Initial;
            _recent = [.. kept.Length >= RecentMax ? kept.RemoveAt(0) : kept, next];
        }

        SpaceSnapshot past = _current;
        _current = next;
        past.BecomePast();
        TaskCompletionSource changed = _changed;
        _changed = NewSignal();
        changed.SetResult();
    }

    /// <summary>What was published as a release. Records are kept as long as their space.</summary>
    /// <exception cref="ConfigDamagedException">It is missing or cannot be read.</exception>
    public ChangeRecord RecordOf(StoreView view, long release)
    {
        KeyValue kv = StoreReads.Find(view, ConfigKeys.Release(name, release))
            ?? throw new ConfigDamagedException($"The record of release {release} of space {name} is missing.");
        try
        {
            return ChangeRecord.FromBytes(kv.Value.Span);
        }
        catch (RecordDamagedException damage)
        {
            throw new ConfigDamagedException($"The record of release {release} of space {name} cannot be read: {damage.Message}");
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>What is below /conclave/ does not make a configuration.</summary>
public sealed class ConfigDamagedException(string message) : Exception(message);
