using System.Collections.Immutable;

namespace Conclave.Layers.Import;

/// <summary>What an import would publish.</summary>
/// <param name="Edits">The edits of one change.</param>
/// <param name="Facts">Facts that the source knows, by node. They are inputs of resolution, not content of a release.</param>
/// <param name="Problems">What could not be taken over (E_...) or was left out (W_...). With errors nodes may resolve differently from the source.</param>
public sealed record ImportResult(ImmutableArray<Edit> Edits, ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, Value>> Facts, ImmutableArray<ConfigProblem> Problems)
{
    public ResolutionInputs Inputs() => Facts.Aggregate(ResolutionInputs.None, (inputs, node) => inputs.WithFacts(node.Key, node.Value));
}
