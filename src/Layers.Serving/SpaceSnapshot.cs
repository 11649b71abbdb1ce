using System.Collections.Concurrent;
using System.Collections.Immutable;
using Conclave.Layers.Serving.Secrets;
using V1 = Conclave.Wire.V1;

namespace Conclave.Layers.Serving;

/// <summary>A space at one moment: the fleet at a release, and the facts that nodes have reported. Immutable for its users.</summary>
public sealed class SpaceSnapshot(string space, Fleet fleet, ResolutionInputs inputs, ImmutableSortedDictionary<string, Value> facts, SpaceSecrets? secrets = null)
{
    private const int DeltasMax = 10_000;

    private readonly Lazy<IReadOnlySet<KeyAddress>> _secretKeys = new(fleet.SecretKeys);
    private readonly Lazy<ImmutableSortedDictionary<string, ImmutableSortedSet<KeyAddress>>> _secretUses = new(() => SecretUses.Of(fleet.State));
    private readonly ConcurrentDictionary<(EffectiveDocument? From, EffectiveDocument To), V1.DocumentDelta> _deltas = new();

    public string Space => space;

    public Fleet Fleet => fleet;

    public ConfigState State => fleet.State;

    public long Release => fleet.State.Release;

    public ResolutionInputs Inputs => inputs;

    /// <summary>By node; each a map.</summary>
    public ImmutableSortedDictionary<string, Value> Facts => facts;

    /// <summary>Whether the key's value, or what it is made of, is called secret.</summary>
    public bool IsSecret(string document, string key) => _secretKeys.Value.Contains(new(document, key));

    /// <summary>The secrets of the space as they are now, whatever the release.</summary>
    public SpaceSecrets Secrets { get; } = secrets ?? SpaceSecrets.None(space);

    /// <summary>Which keys refer to each secret.</summary>
    public ImmutableSortedDictionary<string, ImmutableSortedSet<KeyAddress>> UsesOfSecrets => _secretUses.Value;

    /// <summary>The same at another release.</summary>
    public SpaceSnapshot With(Fleet other) => other == fleet ? this : new(space, other, inputs, facts, secrets: Secrets);

    /// <summary>The same with other inputs.</summary>
    public SpaceSnapshot With(ResolutionInputs other) => new(space, fleet, other, facts, secrets: Secrets);

    /// <summary>The same with secrets that are about to be written.</summary>
    public SpaceSnapshot With(IReadOnlyDictionary<string, SealedSecret> made) => made.Count == 0 ? this : new(space, fleet, inputs, facts, secrets: Secrets.With(made));

    /// <summary>A delta that is the same for every node that shares both documents: made once for all of them.</summary>
    public V1.DocumentDelta DeltaOf(EffectiveDocument? from, EffectiveDocument to, Func<V1.DocumentDelta> make)
    {
        if (_deltas.TryGetValue((from, to), out V1.DocumentDelta? known)) return known;
        V1.DocumentDelta made = make();
        return _deltas.Count >= DeltasMax ? made : _deltas.GetOrAdd((from, to), made);
    }

    /// <summary>How many different deltas were made.</summary>
    public int DeltaCount => _deltas.Count;
}
