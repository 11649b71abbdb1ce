using System.Collections.Immutable;

namespace Conclave.Layers;

/// <summary>Where an <see cref="Evaluator"/> finds the keys that references name: a class, a node of a fleet, or a node that is only thought of.</summary>
internal interface IKeySource
{
    /// <summary>The node, or null for a class: then whatever depends on the node is <see cref="Evaluator.IsLocal"/>.</summary>
    string? Node { get; }

    Dimensions Dimensions { get; }

    /// <summary>A key of the own node.</summary>
    ResolvedKey? Find(string document, string key);

    /// <summary>Values of a dimension that were assigned to the own node.</summary>
    ImmutableArray<string> Assigned(string dimension);

    /// <summary>Another node, or null when there is none of that name.</summary>
    IKeySource? Other(string node);
}
