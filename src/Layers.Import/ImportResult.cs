using System.Collections.Immutable;

namespace Conclave.Layers.Import;

/// <summary>What an import would publish.</summary>
/// <param name="Edits">The edits of one change, in an order in which it may be split.</param>
/// <param name="Problems">What could not be taken over (E_...) or was left out (W_...). With errors nodes may resolve differently from the source.</param>
public sealed record ImportResult(ImmutableArray<Edit> Edits, ImmutableArray<ConfigProblem> Problems);
