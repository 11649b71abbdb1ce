using Conclave.Conformance.Tests.Transports;
using Conclave.Processes.Servers;

namespace Conclave.Conformance.Tests.Suite;

/// <summary>One server of a pair, with connections that all cases of a group share.</summary>
/// <param name="cluster">Where it runs.</param>
/// <param name="owned">Whether the cluster ends with this.</param>
internal sealed class Target(ProcessCluster cluster, bool owned = true) : IAsyncDisposable
{
    private readonly List<IDisposable> _opened = [];

    public ProcessCluster Cluster => cluster;

    /// <summary>Member that cases talk to when they do not say otherwise: the leader, so that leader's answers are the same everywhere.</summary>
    public int Member { get; init; }

    public GrpcTransport Grpc => field ??= Opened(new GrpcTransport(cluster.Members[Member].ClientUrl));

    public JsonTransport Json => field ??= Opened(new JsonTransport(cluster.Members[Member].ClientUrl));

    /// <summary>What the group's set-up left for its cases, such as tokens.</summary>
    public Dictionary<string, string> Shared { get; } = [];

    /// <summary>Revision of the store before the first case.</summary>
    public long FirstRevision { get; set; }

    public static async Task<Target> StartAsync(ServerKind kind, CaseGroup group)
    {
        ProcessCluster cluster = await ProcessCluster.StartAsync(new ClusterOptions { Kind = kind, Members = group.Members, Arguments = group.ArgumentsOf(kind) });
        try
        {
            await cluster.WaitUntilAllServeAsync(TimeSpan.FromSeconds(60));
            return new Target(cluster) { Member = await cluster.WaitForLeaderAsync(TimeSpan.FromSeconds(30)) };
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    private T Opened<T>(T transport) where T : IDisposable
    {
        _opened.Add(transport);
        return transport;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IDisposable each in _opened)
            each.Dispose();
        if (owned)
            await cluster.DisposeAsync();
    }
}
