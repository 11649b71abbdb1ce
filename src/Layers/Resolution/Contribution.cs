namespace Conclave.Layers;

/// <summary>An entry that matches a node, with its scope.</summary>
public sealed record Contribution(Scope Scope, Entry Entry);
