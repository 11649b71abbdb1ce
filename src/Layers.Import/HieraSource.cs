namespace Conclave.Layers.Import;

/// <summary>Hiera data as texts.</summary>
/// <param name="Hierarchy">The levels, highest first, and what variables mean: YAML with <c>dimensions</c>, <c>levels</c> and <c>variables</c>.</param>
/// <param name="Nodes">Tab-separated, with a header: the first column names the node, others are values of variables.</param>
/// <param name="Files">Path below the data directory to text.</param>
public sealed record HieraSource(string Hierarchy, string Nodes, IReadOnlyDictionary<string, string> Files);
