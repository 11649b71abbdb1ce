using System.Collections.Concurrent;
using System.Collections.Immutable;
using V1 = Conclave.Wire.V1;

namespace Conclave.Layers.Serving;

/// <summary>A space at one moment: the fleet at a release, and the facts that nodes have reported. Immutable for its users.</summary>
public sealed class SpaceSnapshot(string space, Fleet fleet, ResolutionInputs inputs, ImmutableSortedDictionary<string, Value> facts)
{
    private const int DeltasMax = 10_000;

    private readonly Lazy<IReadOnlySet<KeyAddress>> _secrets = new(fleet.SecretKeys);
    private readonly ConcurrentDictionary<(EffectiveDocument? From, EffectiveDocument To), V1.DocumentDelta> _deltas = new();
    private readonly ConcurrentDictionary<SpaceSnapshot, FleetDelta> _since = new();
    private volatile bool _isPast;

    public string Space => space;

    public Fleet Fleet => fleet;

    public ConfigState State => fleet.State;

    public long Release => fleet.State.Release;

    public ResolutionInputs Inputs => inputs;

    /// <summary>By node; each a map.</summary>
    public ImmutableSortedDictionary<string, Value> Facts => facts;

    /// <summary>Whether the key's value, or what it is made of, is called secret.</summary>
    public bool IsSecret(string document, string key) => _secrets.Value.Contains(new(document, key));

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
    }

    /// <summary>How many different deltas were made.</summary>
    public int DeltaCount => _deltas.Count;
}
