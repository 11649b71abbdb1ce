using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace Conclave.Layers;

/// <summary>Which version of each secret there is, and documents with these versions written into their references.</summary>
/// <remarks>
/// Classes resolve a document once, without versions. The versions are put in behind that, once for each document that is shared, so that nodes of a
/// class share the result too.
/// </remarks>
internal sealed class SecretVersions
{
    public static readonly SecretVersions None = new(ImmutableDictionary.Create<string, string>(StringComparer.Ordinal));

    private readonly ImmutableDictionary<string, string> _versions;
    private readonly ConditionalWeakTable<EffectiveDocument, EffectiveDocument> _stamped = [];

    private SecretVersions(ImmutableDictionary<string, string> versions) => _versions = versions;

    public static SecretVersions Of(IEnumerable<KeyValuePair<string, string>> versions)
    {
        var all = versions.ToImmutableDictionary(StringComparer.Ordinal);
        return all.IsEmpty ? None : new(all);
    }

    public EffectiveDocument Stamp(EffectiveDocument document) =>
        _versions.IsEmpty || !document.Entries.Any(e => e.IsPending) ? document : _stamped.GetValue(document, Make);

    public Evaluated Stamp(Evaluated evaluated) => _versions.IsEmpty || !evaluated.IsPending || evaluated.Value is null ? evaluated : evaluated with { Value = Stamp(evaluated.Value) };

    private EffectiveDocument Make(EffectiveDocument document) =>
        document.With(entry => entry.IsPending && Stamp(entry.Value) is var stamped && !ReferenceEquals(stamped, entry.Value) ? entry with { Value = stamped } : entry);

    private Value Stamp(Value template) => SecretReferences.Rename(template, name => _versions.TryGetValue(name, out string? version) ? $"{name}{SecretReferences.VersionMark}{version}" : null);
}
