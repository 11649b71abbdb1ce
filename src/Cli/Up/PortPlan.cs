using System.Collections.Immutable;

namespace Conclave.Cli.Up;

/// <summary>Ports of one node on loopback.</summary>
internal readonly record struct NodePorts(int Client, int Peer);

/// <summary>Which ports the nodes of <c>conclave up</c> take. Pure.</summary>
internal static class PortPlan
{
    private const int PortMax = 65535;
    private static readonly ImmutableArray<int> Traditional = [2379, 22379, 32379, 42379, 52379];

    /// <summary>
    /// Without a base the ports that etcd's local clusters always had: 2379, 22379, 32379, 42379, 52379 for clients. With base p
    /// one block: 2n ports from p on, clients at p, p+2, p+4, ... The peer port is the client port + 1 in both.
    /// </summary>
    /// <param name="nodes">1, 3 or 5.</param>
    /// <param name="first">Base of the block, or null.</param>
    public static ImmutableArray<NodePorts> Of(int nodes, int? first) =>
        [.. Enumerable.Range(0, nodes).Select(i => first is { } port ? port + 2 * i : Traditional[i]).Select(port => new NodePorts(port, port + 1))];

    /// <summary>Why a base cannot be used, or null.</summary>
    public static string? Problem(int nodes, int? first)
    {
        if (first is not { } port) return null;
        int last = port + 2 * nodes - 1;
        if (port >= 1 && last <= PortMax) return null;
        return $"--port {port} does not leave room: {nodes} nodes take the ports {port} to {last}, and ports go from 1 to {PortMax}.";
    }
}
