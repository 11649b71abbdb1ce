using System.Diagnostics;
using Conclave.Compatibility.Tests.Support;
using Conclave.Processes.Probes;
using Conclave.Processes.Servers;

namespace Conclave.Compatibility.Tests;

/// <summary>Clusters of processes: what the kill test and the bench stand on.</summary>
public sealed class ProcessClusterTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Disposal_leaves_no_process_and_no_file()
    {
        ProcessCluster cluster = await ProcessCluster.StartAsync(new ClusterOptions { Kind = Clusters.SubjectKind, Members = 1 }, Cancellation);
        (int pid, string data) = (cluster.Members[0].Pid, cluster.Members[0].DataDirectory);
        Assert.True(Directory.Exists($"/proc/{pid}"));
        Assert.True(cluster.Members[0].Usage.ResidentBytes > 0);
        await cluster.DisposeAsync();
        Assert.False(Directory.Exists($"/proc/{pid}"));
        Assert.False(Directory.Exists(data));
    }

    [Fact]
    public async Task A_paused_leader_is_replaced_and_follows_when_it_goes_on()
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(new ClusterOptions { Kind = Clusters.SubjectKind }, Cancellation);
        await cluster.WaitUntilAllServeAsync(Patience, Cancellation);
        int leader = await cluster.WaitForLeaderAsync(Patience, Cancellation);
        cluster.Members[leader].Pause();
        await WriteProbe.UntilAcknowledgedAsync(cluster, Stopwatch.GetTimestamp(), Patience, Cancellation);
        Assert.NotEqual(leader, await cluster.WaitForLeaderAsync(Patience, Cancellation));
        cluster.Members[leader].Resume();
        await cluster.WaitUntilAllServeAsync(Patience, Cancellation);
    }

    [Fact]
    public async Task A_server_that_ends_by_itself_is_reported_with_its_log()
    {
        string directory = Directory.CreateTempSubdirectory("conclave-crash-").FullName;
        try
        {
            var options = new ClusterOptions { Kind = Clusters.SubjectKind, Members = 1, Directory = directory, Arguments = ["--no-such-flag"] };
            InvalidOperationException failure = await Assert.ThrowsAsync<InvalidOperationException>(() => ProcessCluster.StartAsync(options, Cancellation));
            Assert.Contains("m1 ended on its own", failure.Message, StringComparison.Ordinal);
            Assert.Contains(Path.Combine(directory, "m1.log"), failure.Message, StringComparison.Ordinal);
            Assert.Contains("no-such-flag", await File.ReadAllTextAsync(Path.Combine(directory, "m1.log"), Cancellation), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public void Ports_are_leased_to_one_holder_at_a_time()
    {
        using PortLease first = PortLease.Take(4), second = PortLease.Take(4);
        Assert.Equal(8, first.Ports.Union(second.Ports).Count());
    }
}
