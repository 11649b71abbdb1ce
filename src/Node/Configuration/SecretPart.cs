using System.Collections.Immutable;
using Conclave.Layers;
using Conclave.Layers.Serving.Secrets;

namespace Conclave.Node.Configuration;

/// <summary>What a change has to do with secrets.</summary>
/// <param name="Edits">The change, without secrets in clear.</param>
/// <param name="Made">Values that were sealed, to be written with it.</param>
/// <param name="Problems">What could not be sealed, references to what is not there, and warnings.</param>
/// <param name="BroughtIn">What it refers to where nothing did before: the author has to be allowed to use it.</param>
internal sealed record SecretPart(ImmutableArray<Edit> Edits, ImmutableSortedDictionary<string, SealedSecret> Made, ImmutableArray<ConfigProblem> Problems, Brought BroughtIn);
