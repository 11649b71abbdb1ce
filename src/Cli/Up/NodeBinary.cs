using System.Collections.Immutable;

namespace Conclave.Cli.Up;

/// <summary>Finds the node's program.</summary>
internal static class NodeBinary
{
    public const string Variable = "CONCLAVE_NODE", FileName = "conclave-node";

    /// <summary>
    /// Places to look, best first: what the variable says and nothing else; beside this program; where the build puts it, as seen
    /// from where the build puts this program (artifacts/bin/Cli/release and artifacts/bin/Node/release).
    /// </summary>
    public static ImmutableArray<string> Candidates(string? variable, string ownDirectory)
    {
        if (!string.IsNullOrEmpty(variable)) return [variable];
        string own = ownDirectory.TrimEnd(Path.DirectorySeparatorChar);
        return [Path.Combine(own, FileName), Path.GetFullPath(Path.Combine(own, "..", "..", "Node", Path.GetFileName(own), FileName))];
    }
}
