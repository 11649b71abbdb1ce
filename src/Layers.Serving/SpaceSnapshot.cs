using System.Collections.Concurrent;
using System.Collections.Immutable;
using Conclave.Layers.Serving.Rollouts;
using Conclave.Layers.Serving.Secrets;
using V1 = Conclave.Wire.V1;

namespace Conclave.Layers.Serving;

/// <summary>A space at one moment: the fleet at a release, and the facts that nodes have reported. Immutable for its users.</summary>
/// <param name="space">Its name.</param>
/// <param name="fleet">The newest release, or that of the node whose view it is.</param>
/// <param name="inputs">What documents depend on besides the release.</param>
/// <param name="facts">What nodes reported.</param>
/// <param name="versions">Which fleet each node is on, while releases are on their way; null: all are on this one.</param>
/// <param name="secrets">The secrets of the space; null: there are none.</param>
public sealed class SpaceSnapshot(string space, Fleet fleet, ResolutionInputs inputs, ImmutableSortedDictionary<string, Value> facts, FleetVersions? versions = null, SpaceSecrets? secrets = null)
{
    private const int DeltasMax = 10_000;

    private readonly Lazy<IReadOnlySet<KeyAddress>> _secretKeys = new(fleet.SecretKeys);
    private readonly Lazy<ImmutableSortedDictionary<string, ImmutableSortedSet<KeyAddress>>> _secretUses = new(() => versions is null ? SecretUses.Of(fleet.State) : SecretUses.Of(fleet.State, versions.AllHeld.State));
    private readonly ConcurrentDictionary<int, SpaceSnapshot> _held = new();
    private readonly ConcurrentDictionary<(EffectiveDocument? From, EffectiveDocument To), V1.DocumentDelta> _deltas = new();
    private SpaceSnapshot? _whole;
    private ImmutableDictionary<string, long> _baseReleases = ImmutableDictionary<string, long>.Empty;
    private readonly ConcurrentDictionary<SpaceSnapshot, FleetDelta> _since = new();
    private volatile bool _isPast;

    public string Space => space;

    public Fleet Fleet => fleet;

    public ConfigState State => fleet.State;

    /// <summary>Revision of the newest record of a stage, a fact or a secret that is in it: these move without a release.</summary>
    public long MovedRevision { get; internal init; }

    public long Release => fleet.State.Release;

    public ResolutionInputs Inputs => inputs;

    /// <summary>By node; each a map.</summary>
    public ImmutableSortedDictionary<string, Value> Facts => facts;

    /// <summary>Which fleet each node is on; null when all are on the newest release.</summary>
    public FleetVersions? Versions => versions;

    /// <summary>The releases that are on their way to the nodes, oldest first.</summary>
    public ImmutableArray<ActiveRollout> Rollouts => versions?.Rollouts ?? [];

    /// <summary>The space as a node has it now: without the releases that a rollout holds it back from.</summary>
    public SpaceSnapshot As(string? node) => node is null || versions is null ? this : AsHeld(versions.HeldBy(node));

    /// <summary>As nodes have it that these rollouts hold back.</summary>
    public SpaceSnapshot AsHeld(int held)
    {
        if (versions is null) return this;
        SpaceSnapshot made = _held.GetOrAdd(held, h => new SpaceSnapshot(space, versions.FleetOf(h), inputs, facts, secrets: Secrets) { _whole = this, _baseReleases = versions.BaseReleases(h), MovedRevision = MovedRevision });
        if (_isPast && !made._isPast) made.BecomePast();   // made too late to be told
        return made;
    }

    /// <summary>The newest release of a document that is in it. Never goes down, also where the document comes and goes.</summary>
    public long ReleaseOf(string document) => _baseReleases.TryGetValue(document, out long held) ? held
        : State.Documents.TryGetValue(document, out DocumentState? there) ? there.Head : Release;

    /// <summary>Whether the key's value, or what it is made of, is called secret.</summary>
    public bool IsSecret(string document, string key) => _secretKeys.Value.Contains(new(document, key)) || (_whole?.IsSecret(document, key) ?? false);

    /// <summary>The secrets of the space as they are now, whatever the release.</summary>
    public SpaceSecrets Secrets { get; } = secrets ?? SpaceSecrets.None(space);

    /// <summary>Which keys refer to each secret, in what any node has now.</summary>
    public ImmutableSortedDictionary<string, ImmutableSortedSet<KeyAddress>> UsesOfSecrets => _secretUses.Value;

    /// <summary>The same at another release.</summary>
    public SpaceSnapshot With(Fleet other) => other == fleet && versions is null ? this : new(space, other, inputs, facts, secrets: Secrets) { MovedRevision = MovedRevision };

    /// <summary>The same with other inputs.</summary>
    public SpaceSnapshot With(ResolutionInputs other) => new(space, fleet, other, facts, versions, Secrets) { _whole = _whole, _baseReleases = _baseReleases, MovedRevision = MovedRevision };

    /// <summary>The same with secrets that are about to be written.</summary>
    public SpaceSnapshot With(IReadOnlyDictionary<string, SealedSecret> made) => made.Count == 0 ? this : new(space, fleet, inputs, facts, versions, Secrets.With(made)) { _whole = _whole, _baseReleases = _baseReleases, MovedRevision = MovedRevision };

    /// <summary>A delta that is the same for every node that shares both documents: made once for all of them. One that is a node's own is not kept.</summary>
    public V1.DocumentDelta DeltaOf(EffectiveDocument? from, EffectiveDocument to, Func<V1.DocumentDelta> make)
    {
        if (!to.IsShared || from is { IsShared: false }) return make();
        if (_deltas.TryGetValue((from, to), out V1.DocumentDelta? known)) return known;
        V1.DocumentDelta made = make();
        if (_deltas.Count >= DeltasMax) return made;
        made = _deltas.GetOrAdd((from, to), made);
        if (_isPast) _deltas.Clear();
        return made;
    }

    /// <summary>Whether a node's document may be another than at an earlier moment, when it had no problems.</summary>
    public bool Differs(SpaceSnapshot before, string node, string document)
    {
        if (ReferenceEquals(before, this)) return false;
        FleetDelta delta = _since.GetOrAdd(before, static (from, to) => from.Fleet.DeltaTo(to.Fleet, from.Inputs, to.Inputs), this);
        if (_isPast) _since.Clear();   // else each would hold the one before it
        return delta.For(node, document) is not { IsEmpty: true };
    }

    /// <summary>There is a newer one: what was kept for streams is let go of.</summary>
    internal void BecomePast()
    {
        _isPast = true;
        _deltas.Clear();
        _since.Clear();
        foreach (SpaceSnapshot held in _held.Values) held.BecomePast();
    }

    /// <summary>How many different deltas were made.</summary>
    public int DeltaCount => _deltas.Count;
}
