using System.Collections.Immutable;

namespace Conclave.Layers;

/// <summary>What a document depends on besides the release: facts that agents report and, where it is known, who is alive. Immutable.</summary>
public sealed class ResolutionInputs
{
    public static readonly ResolutionInputs None = new(ImmutableDictionary.Create<string, ImmutableDictionary<string, Value>>(StringComparer.Ordinal), null);

    private readonly ImmutableDictionary<string, ImmutableDictionary<string, Value>> _facts;
    private readonly ImmutableDictionary<string, ImmutableArray<string>>? _live;

    private ResolutionInputs(ImmutableDictionary<string, ImmutableDictionary<string, Value>> facts, ImmutableDictionary<string, ImmutableArray<string>>? live)
    {
        (_facts, _live) = (facts, live);
    }

    /// <summary>False: references to live members stay in the value and are filled in later, like secrets.</summary>
    public bool KnowsLive => _live is not null;

    /// <summary>Replaces everything that the node reported. Its references in facts' values are not followed: they are text.</summary>
    public ResolutionInputs WithFacts(string node, IEnumerable<KeyValuePair<string, Value>> facts) =>
        new(_facts.SetItem(node, facts.ToImmutableDictionary(StringComparer.Ordinal)), _live);

    public ResolutionInputs WithLive(string service, IEnumerable<string> addresses) =>
        new(_facts, (_live ?? ImmutableDictionary.Create<string, ImmutableArray<string>>(StringComparer.Ordinal)).SetItem(service, [.. addresses.Order(StringComparer.Ordinal)]));

    public Value? Fact(string node, string name) => _facts.TryGetValue(node, out ImmutableDictionary<string, Value>? facts) && facts.TryGetValue(name, out Value? value) ? value : null;

    /// <summary>Addresses in ordinal order; empty when nobody is alive.</summary>
    public ImmutableArray<string> Live(string service) => _live is not null && _live.TryGetValue(service, out ImmutableArray<string> addresses) ? addresses : [];

    /// <summary>Is this what the node reported before, too?</summary>
    internal bool SameFacts(string node, ResolutionInputs other) =>
        ReferenceEquals(_facts.GetValueOrDefault(node), other._facts.GetValueOrDefault(node));

    internal bool Same(ResolutionInputs other) => ReferenceEquals(_facts, other._facts) && ReferenceEquals(_live, other._live);
}
