using System.Collections.Immutable;

namespace Conclave.Layers;

/// <summary>What a document depends on besides the release: facts that agents report, which versions of secrets there are and, where it is known, who is alive. Immutable.</summary>
public sealed class ResolutionInputs
{
    public static readonly ResolutionInputs None = new(ImmutableDictionary.Create<string, ImmutableDictionary<string, Value>>(StringComparer.Ordinal), null, SecretVersions.None);

    private readonly ImmutableDictionary<string, ImmutableDictionary<string, Value>> _facts;
    private readonly ImmutableDictionary<string, ImmutableArray<string>>? _live;
    private readonly SecretVersions _secrets;

    private ResolutionInputs(ImmutableDictionary<string, ImmutableDictionary<string, Value>> facts, ImmutableDictionary<string, ImmutableArray<string>>? live, SecretVersions secrets)
    {
        (_facts, _live, _secrets) = (facts, live, secrets);
    }

    /// <summary>False: references to live members stay in the value and are filled in later, like secrets.</summary>
    public bool KnowsLive => _live is not null;

    /// <summary>Replaces everything that the node reported. Its references in facts' values are not followed: they are text.</summary>
    public ResolutionInputs WithFacts(string node, IEnumerable<KeyValuePair<string, Value>> facts) =>
        new(_facts.SetItem(node, facts.ToImmutableDictionary(StringComparer.Ordinal)), _live, _secrets);

    public ResolutionInputs WithLive(string service, IEnumerable<string> addresses) =>
        new(_facts, (_live ?? NoLive).SetItem(service, [.. addresses.Order(StringComparer.Ordinal)]), _secrets);

    /// <summary>Replaces everybody who is alive: whoever is not named is not.</summary>
    public ResolutionInputs WithAllLive(IEnumerable<KeyValuePair<string, ImmutableArray<string>>> services) =>
        new(_facts, NoLive.AddRange(services.Select(s => KeyValuePair.Create(s.Key, s.Value.Sort(StringComparer.Ordinal)))), _secrets);

    /// <summary>Replaces the versions of all secrets, by name. Each is part of the hash of the documents that refer to it, so that a new version is a change.</summary>
    public ResolutionInputs WithSecrets(IEnumerable<KeyValuePair<string, string>> versions) => new(_facts, _live, SecretVersions.Of(versions));

    public Value? Fact(string node, string name) => _facts.TryGetValue(node, out ImmutableDictionary<string, Value>? facts) && facts.TryGetValue(name, out Value? value) ? value : null;

    /// <summary>Addresses in ordinal order; empty when nobody is alive.</summary>
    public ImmutableArray<string> Live(string service) => _live is not null && _live.TryGetValue(service, out ImmutableArray<string> addresses) ? addresses : [];

    internal SecretVersions Secrets => _secrets;

    /// <summary>Is this what the node reported before, too?</summary>
    internal bool SameFacts(string node, ResolutionInputs other) =>
        ReferenceEquals(_facts.GetValueOrDefault(node), other._facts.GetValueOrDefault(node));

    internal bool Same(ResolutionInputs other) => ReferenceEquals(_facts, other._facts) && ReferenceEquals(_live, other._live) && ReferenceEquals(_secrets, other._secrets);

    private static readonly ImmutableDictionary<string, ImmutableArray<string>> NoLive = ImmutableDictionary.Create<string, ImmutableArray<string>>(StringComparer.Ordinal);
}
