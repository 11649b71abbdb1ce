using System.Collections.Immutable;
using Conclave.Store;
using Conclave.Wire.Etcd.Mvccpb;

namespace Conclave.Layers.Serving;

/// <summary>One space as this member has it: follows the store, and remembers what was lately.</summary>
public sealed class ConfigSpace(string name)
{
    /// <summary>Snapshots kept so that who was away for a moment gets what changed and not everything.</summary>
    private const int RecentMax = 16;

    /// <summary>Old releases that are kept resolved.</summary>
    private const int OldMax = 4;

    private readonly Lock _gate = new();
    private readonly LinkedList<Fleet> _old = [];
    private volatile TaskCompletionSource _changed = NewSignal();
    private volatile SpaceSnapshot _current = Empty(name);
    private ImmutableArray<SpaceSnapshot> _recent = [];
    private long _factsRevision;
    private bool _refersToNodes;   // some value may look at another node: then every change may concern everybody

    public string Name => name;

    internal ServingFaults Faults { get; init; }

    public SpaceSnapshot Current => _current;

    /// <summary>Completes when <see cref="Current"/> is another one. Take it before looking at that.</summary>
    public Task Changed => _changed.Task;

    public static SpaceSnapshot Empty(string name) =>
        new(name, Fleet.Of(ConfigState.Initial), ResolutionInputs.None, ImmutableSortedDictionary.Create<string, Value>(StringComparer.Ordinal));

    /// <summary>The newest snapshot of a release, when it is still remembered.</summary>
    public SpaceSnapshot? Recent(long release)
    {
        lock (_gate) return _recent.LastOrDefault(s => s.Release == release);
    }

    /// <summary>Everything at a release, resolved; null when the release is no more or not yet.</summary>
    public Fleet? At(SpaceSnapshot now, long release)
    {
        if (release == now.Release) return now.Fleet;
        lock (_gate)
        {
            if (_recent.LastOrDefault(s => s.Release == release) is { } recent) return recent.Fleet;
            if (_old.FirstOrDefault(f => f.State.Release == release) is { } known) return known;
        }

        if (now.State.At(release) is not { } state) return null;
        Fleet made = Fleet.Of(state);
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
        SpaceSnapshot before = anew ? Empty(name) : _current;
        long head = StoreReads.Find(view, ConfigKeys.Head(name)) is { } kv ? ConfigKeys.Number(kv.Value.Span) : 0;
        if (head < before.Release)
        {
            before = Empty(name);
            anew = true;
        }

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
        bool skips = Faults.HasFlag(ServingFaults.SkipFacts) && fleet != before.Fleet && !anew;
        foreach (KeyValue reported in skips ? [] : StoreReads.All(view, ConfigKeys.AllFacts(name), anew ? 0 : _factsRevision))
        {
            string node = reported.Key.ToStringUtf8()[ConfigKeys.AllFacts(name).Length..];
            if (!ValueJson.TryParse(reported.Value.Span, out Value? known, out string problem) || known.Kind != ValueKind.Map)
                throw new ConfigDamagedException($"The facts of node {node} in space {name} cannot be read: {problem}");
            facts = facts.SetItem(node, known);
            inputs = inputs.WithFacts(node, known.Members);
            gone.Remove(node);
            concerned?.Add(node);
        }

        foreach (string node in gone.Where(facts.ContainsKey))
        {
            facts = facts.Remove(node);
            inputs = inputs.WithFacts(node, []);
        }

        _factsRevision = view.Revision;
        if (!anew && fleet == before.Fleet && facts == before.Facts) return ImmutableHashSet<string>.Empty;
        Become(new SpaceSnapshot(name, fleet, inputs, facts), anew);
        return _refersToNodes && !Faults.HasFlag(ServingFaults.WakeOwnAlone) ? null : concerned;
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
            _recent = [.. kept.Length >= RecentMax ? kept.RemoveAt(0) : kept, next];
        }

        SpaceSnapshot past = _current;
        _current = next;
        past.BecomePast();
        TaskCompletionSource changed = _changed;
        _changed = NewSignal();
        changed.SetResult();
    }

    private ChangeRecord RecordOf(StoreView view, long release)
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
