using System.Collections.Immutable;

namespace Conclave.Cli.Up;

/// <summary>One node to run.</summary>
/// <param name="Name">node1, node2, ...</param>
/// <param name="ClientUrl">Where clients reach it.</param>
/// <param name="PeerUrl">Where the other nodes reach it.</param>
/// <param name="Ports">The ports of both.</param>
/// <param name="DataDirectory">Where it keeps its data.</param>
/// <param name="LogFile">Where what it prints goes.</param>
/// <param name="Arguments">Its command line.</param>
internal sealed record NodePlan(
    string Name, string ClientUrl, string PeerUrl, NodePorts Ports, string DataDirectory, string LogFile, ImmutableArray<string> Arguments);

/// <summary>What <c>conclave up</c> is about to start. Pure: made from the options alone.</summary>
/// <param name="Directory">Holds the data directories and the log files.</param>
/// <param name="Nodes">The nodes, in order.</param>
/// <param name="IsTls">They speak TLS, with certificates of their own making.</param>
internal sealed record ClusterPlan(string Directory, ImmutableArray<NodePlan> Nodes, bool IsTls = false)
{
    private const string Token = "conclave-up";

    /// <param name="nodes">1, 3 or 5.</param>
    /// <param name="firstPort">See <see cref="PortPlan.Of"/>.</param>
    /// <param name="directory">Absolute path.</param>
    /// <param name="furtherArguments">Given to every node after the arguments made here.</param>
    /// <param name="isTls">TLS to clients and between the nodes.</param>
    public static ClusterPlan Of(int nodes, int? firstPort, string directory, IEnumerable<string> furtherArguments, bool isTls = false)
    {
        if (isTls) furtherArguments = ["--auto-tls", "--peer-auto-tls", .. furtherArguments];
        ImmutableArray<NodePorts> ports = PortPlan.Of(nodes, firstPort);
        string cluster = string.Join(',', ports.Select((port, i) => $"{NameOf(i)}={Url(port.Peer, isTls)}"));
        return new ClusterPlan(directory, [.. ports.Select((port, i) => Node(NameOf(i), port, directory, cluster, furtherArguments, isTls))], isTls);
    }

    private static NodePlan Node(string name, NodePorts ports, string directory, string cluster, IEnumerable<string> furtherArguments, bool isTls)
    {
        (string client, string peer, string data) = (Url(ports.Client, isTls), Url(ports.Peer, isTls), Path.Combine(directory, name));
        return new NodePlan(name, client, peer, ports, data, Path.Combine(directory, name + ".log"),
        [
            "--name", name,
            "--data-dir", data,
            "--listen-client-urls", client,
            "--advertise-client-urls", client,
            "--listen-peer-urls", peer,
            "--initial-advertise-peer-urls", peer,
            "--initial-cluster", cluster,
            "--initial-cluster-state", "new",
            "--initial-cluster-token", Token,
            .. furtherArguments,
        ]);
    }

    private static string NameOf(int index) => $"node{index + 1}";

    private static string Url(int port, bool isTls) => $"{(isTls ? "https" : "http")}://127.0.0.1:{port}";
}
