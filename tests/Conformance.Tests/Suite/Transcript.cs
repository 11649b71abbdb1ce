using System.Text.Json.Nodes;

namespace Conclave.Conformance.Tests.Suite;

/// <summary>What one case saw on one server over one transport.</summary>
/// <param name="Case">Name of the case.</param>
/// <param name="Over">Transport.</param>
/// <param name="Begins">Revision of the store at the beginning, counted from the group's.</param>
/// <param name="Steps">Each step's name and what came back, revisions counted from the case's beginning.</param>
internal sealed record Transcript(string Case, Over Over, long Begins, List<(string Name, JsonNode? Seen)> Steps)
{
    /// <summary>Name of a step that tells why the case ended early.</summary>
    public const string Broken = "broken";

    public bool IsBroken => Steps.Any(step => step.Name == Broken);
}
