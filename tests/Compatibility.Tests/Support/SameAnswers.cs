using System.Text.Json.Nodes;
using Conclave.Processes.Servers;

namespace Conclave.Compatibility.Tests.Support;

/// <summary>Runs one script against etcd and against Conclave and holds what they answered against each other.</summary>
internal static class SameAnswers
{
    /// <summary>On the clusters that all tests share.</summary>
    public static Task AssertAsync(Clusters clusters, string script, Func<Target, Task> run) =>
        AssertAsync(clusters.EtcdAsync, clusters.SubjectAsync, script, run);

    /// <summary>
    /// Only Conclave answers, and has to answer what is recorded. For scripts that kill a member: what clients see of etcd 3.4 through that depends on the moment (its clients give up watches,
    /// its gateway ends streams), so that a comparison would fail by chance where Conclave does what it should. The recording is of a run in which all went well.
    /// </summary>
    public static async Task AssertAsRecordedAsync(Clusters clusters, string script, Func<Target, Task> run)
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        if (Recording.IsWanted)
            Recording.Write(script, await RunAsync(await clusters.EtcdAsync(), script, run, cancellationToken));
        else
            AssertSame(script, Recording.Read(script), await RunAsync(await clusters.SubjectAsync(), script, run, cancellationToken));
    }

    /// <summary>On clusters of the test's own. Without etcd the recording stands in for it, and its cluster is never started.</summary>
    public static async Task AssertAsync(Func<Task<ProcessCluster>> etcd, Func<Task<ProcessCluster>> subject, string script, Func<Target, Task> run)
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        Task<List<(string, JsonNode?)>> expected = Clusters.HasEtcd
            ? RunAsync(await etcd(), script, run, cancellationToken)
            : Task.FromResult(Recording.Read(script));
        if (Recording.IsWanted)
        {
            Recording.Write(script, await expected);
            return;
        }
        AssertSame(script, await expected, await RunAsync(await subject(), script, run, cancellationToken));
    }

    private static void AssertSame(string script, List<(string, JsonNode?)> expected, List<(string, JsonNode?)> actual)
    {
        IReadOnlyList<string> differences = Comparison.Differences(script, expected, actual);
        Assert.True(differences.Count == 0, $"{differences.Count} differences:\n{string.Join('\n', differences)}");
    }

    private static async Task<List<(string Name, JsonNode? Seen)>> RunAsync(ProcessCluster cluster, string script, Func<Target, Task> run, CancellationToken cancellationToken)
    {
        await EndLeasesAsync(cluster, cancellationToken);
        Target target = await Target.BeginAsync(cluster, script + "/", cancellationToken);
        await run(target);
        return target.Normalized();
    }

    /// <summary>A lease that an earlier script left behind would end in the middle of this one, with a revision of its own: some clients leave theirs to time, and a new leader of etcd gives each its whole time again.</summary>
    private static async Task EndLeasesAsync(ProcessCluster cluster, CancellationToken cancellationToken)
    {
        var gateway = new Gateway(cluster.Members[0].ClientUrl, new Transcript(), cancellationToken);
        JsonNode? listed = await gateway.PostAsync("leases", "/v3/lease/leases", "{}");
        foreach (JsonNode? lease in listed?["leases"]?.AsArray() ?? [])
            await gateway.PostAsync($"revoke {lease?["ID"]}", "/v3/lease/revoke", $$"""{"ID":"{{lease?["ID"]}}"}""");
    }
}
