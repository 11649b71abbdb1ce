using Conclave.Processes.Servers;

[assembly: AssemblyFixture(typeof(Conclave.Compatibility.Tests.Support.Clusters))]
// One cluster of each kind serves every test, one test at a time: revisions and timing stay comparable, and two cores suffice.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Conclave.Compatibility.Tests.Support;

/// <summary>The three-node clusters that the comparing tests share: etcd as packaged, and Conclave. Each starts when it is first needed.</summary>
/// <remarks><c>CONCLAVE_COMPAT_SUBJECT=etcd</c> compares etcd with itself, which shows that a script is repeatable.</remarks>
public sealed class Clusters : IAsyncDisposable
{
    private readonly Lazy<Task<ProcessCluster>> _etcd = new(() => StartAsync(ServerKind.Etcd));
    private readonly Lazy<Task<ProcessCluster>> _subject = new(() => StartAsync(SubjectKind));

    /// <summary>What is tested.</summary>
    public static ServerKind SubjectKind =>
        Environment.GetEnvironmentVariable("CONCLAVE_COMPAT_SUBJECT") == "etcd" ? ServerKind.Etcd : ServerKind.Conclave;

    /// <summary>Whether the yardstick is installed; without it scripts are compared with what it answered when they were recorded.</summary>
    public static bool HasEtcd => ServerBinary.TryFind(ServerKind.Etcd, out _, out _);

    public Task<ProcessCluster> EtcdAsync() => _etcd.Value;

    public Task<ProcessCluster> SubjectAsync() => _subject.Value;

    private static async Task<ProcessCluster> StartAsync(ServerKind kind)
    {
        ProcessCluster cluster = await ProcessCluster.StartAsync(new ClusterOptions { Kind = kind });
        await cluster.WaitUntilAllServeAsync(TimeSpan.FromSeconds(60));
        return cluster;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Lazy<Task<ProcessCluster>> each in (Lazy<Task<ProcessCluster>>[])[_etcd, _subject])
        {
            if (each.IsValueCreated && each.Value.IsCompletedSuccessfully)
                await each.Value.Result.DisposeAsync();
        }
    }
}
