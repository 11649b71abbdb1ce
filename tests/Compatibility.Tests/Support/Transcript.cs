using System.Text.Json.Nodes;

namespace Conclave.Compatibility.Tests.Support;

/// <summary>What a script saw, line by line; each line has a name that is unique in the script.</summary>
internal sealed class Transcript
{
    public List<(string Name, JsonNode? Seen)> Lines { get; } = [];

    public void Add(string name, JsonNode? seen)
    {
        if (Lines.Any(line => line.Name == name))
            throw new ArgumentException($"The script has two lines named '{name}'.", nameof(name));
        Lines.Add((name, seen));
    }
}
