namespace Conclave.Layers;

/// <summary>References from values to keys, whatever document or node these are of.</summary>
public static class KeyReferences
{
    public static IEnumerable<Reference> In(Value value) => Template.ReferencesOf(value).Where(r => r.Kind is ReferenceKind.Key or ReferenceKind.Document or ReferenceKind.Node);

    /// <summary>The key that it leads to, on whatever node.</summary>
    /// <param name="reference">One of <see cref="In"/>.</param>
    /// <param name="document">Where the reference stands.</param>
    public static KeyAddress TargetOf(Reference reference, string document) => new(reference.Document ?? document, reference.Name);

    /// <summary>Equal for references that give the same value where there is one.</summary>
    public static string Meaning(Reference reference) => (reference with { AsText = false, Default = null }).ToString();
}
