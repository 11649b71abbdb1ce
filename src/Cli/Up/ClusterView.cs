using System.Collections.Immutable;
using System.Globalization;

namespace Conclave.Cli.Up;

/// <summary>One row of the live table, as text.</summary>
internal sealed record ViewRow(string Member, string Role, string Term, string Revision, string Lag, string Endpoint, string ProcessId, string State);

/// <summary>The cluster as one line and as rows. Pure: made from what is known of each node.</summary>
/// <param name="Summary">
/// Begins with <c>ready</c> (all members serve and agree on a leader), <c>degraded</c> (a majority does), <c>no leader</c>,
/// <c>starting</c> or <c>down</c>. Changes only when something worth telling has happened.
/// </param>
/// <param name="Rows">One per node.</param>
internal sealed record ClusterView(string Summary, ImmutableArray<ViewRow> Rows)
{
    /// <param name="nodes">All nodes.</param>
    /// <param name="wasReady">Whether the cluster has been ready before: until then, nodes that do not answer are starting.</param>
    public static ClusterView Of(IReadOnlyList<NodeState> nodes, bool wasReady)
    {
        ulong newest = nodes.Max(node => node.Status?.RaftIndex ?? 0);
        return new ClusterView(Summarize(nodes, wasReady), [.. nodes.Select(node => Row(node, newest))]);
    }

    /// <summary>True when all members serve and agree on a leader.</summary>
    public bool IsReady => Summary.StartsWith("ready", StringComparison.Ordinal);

    private static string Summarize(IReadOnlyList<NodeState> nodes, bool wasReady)
    {
        NodeState[] serving = [.. nodes.Where(node => node.Status is { LeaderId: not 0 })];
        NodeState? leader = Leader(nodes);
        NodeState[] down = [.. nodes.Where(node => node.ProcessId is null)];
        string members = string.Create(CultureInfo.InvariantCulture, $"{serving.Length} of {nodes.Count} members");
        string missing = down.Length > 0 ? $"; down: {string.Join(", ", down.Select(node => node.Name))}" : "";
        if (down.Length == nodes.Count) return "down: all members have stopped";
        if (leader is null) return wasReady ? $"no leader{missing}" : $"starting: {nodes.Count} members{missing}";
        if (serving.Length == nodes.Count) return $"ready: {members}, leader {leader.Name}";
        return wasReady || down.Length > 0 ? $"degraded: {members}, leader {leader.Name}{missing}" : $"starting: {members}, leader {leader.Name}";
    }

    // The leader in the highest term, if a majority of all nodes follows it: a deposed one may not know it yet.
    private static NodeState? Leader(IReadOnlyList<NodeState> nodes)
    {
        NodeState? leader = nodes.Where(node => node.Status is { IsLeader: true }).MaxBy(node => node.Status?.RaftTerm);
        if (leader?.Status is not { } lead) return null;
        int followers = nodes.Count(node => node.Status?.LeaderId == lead.LeaderId);
        return 2 * followers > nodes.Count ? leader : null;
    }

    private static ViewRow Row(NodeState node, ulong newest)
    {
        string process = node.ProcessId?.ToString(CultureInfo.InvariantCulture) ?? "";
        if (node.Status is not { } status)
            return new ViewRow(node.Name, "", "", "", "", node.Endpoint, process, node.ProcessId is null ? Ended(node.ExitCode) : "not answering");
        string role = status.IsLeader ? "leader" : status.IsLearner ? "learner" : status.LeaderId == 0 ? "candidate" : "follower";
        string state = status.Errors.IsEmpty ? "up" : string.Join("; ", status.Errors.Select(error => error.Trim()));
        return new ViewRow(
            node.Name, role, Number(status.RaftTerm), status.Header.Revision.ToString(CultureInfo.InvariantCulture),
            Number(newest > status.RaftAppliedIndex ? newest - status.RaftAppliedIndex : 0), node.Endpoint, process, state);
    }

    private static string Ended(int? exitCode) => exitCode switch
    {
        null => "down",
        > 128 and < 160 => string.Create(CultureInfo.InvariantCulture, $"down (signal {exitCode - 128})"),
        _ => string.Create(CultureInfo.InvariantCulture, $"down (exit code {exitCode})"),
    };

    private static string Number(ulong value) => value.ToString(CultureInfo.InvariantCulture);
}
