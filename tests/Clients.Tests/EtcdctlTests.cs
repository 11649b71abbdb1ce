using Conclave.Clients.Tests.Scripts;
using Conclave.Compatibility.Tests.Support;
using Conclave.Processes.Servers;

namespace Conclave.Clients.Tests;

/// <summary>etcdctl 3.4 as packaged. Gets, puts, leases, watches and members are compared in Compatibility.Tests; here is the rest.</summary>
public sealed class EtcdctlTests(Clusters clusters)
{
    [Fact]
    public Task Transactions_and_watches_from_a_terminal_go_the_same() => SameAsync("etcdctl-interactive", EtcdctlInteractiveScript.RunAsync);

    [Fact]
    public Task Locks_and_elections_of_the_client_go_the_same() => SameAsync("etcdctl-recipes", EtcdctlRecipeScript.RunAsync);

    [Fact]
    public Task An_operators_commands_go_the_same() => SameAsync("etcdctl-operations", EtcdctlOperationsScript.RunAsync);

    [Fact]
    public Task What_is_held_and_watched_outlives_the_leader()
    {
        Requires.Etcdctl();
        return SameAnswers.AssertAsRecordedAsync(clusters, "etcdctl-failover", EtcdctlFailoverScript.RunAsync);
    }

    /// <summary>It writes for a minute. Whether that was fast enough is the machine's affair as well, so only its report counts here; <c>docs/compatibility-clients.md</c> has its figures.</summary>
    [Fact]
    public async Task The_check_of_performance_runs_to_its_report()
    {
        Requires.Etcdctl();
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        ProcessCluster cluster = await clusters.SubjectAsync();
        var ctl = new Etcdctl(await Target.BeginAsync(cluster, "check-perf/", cancellationToken));

        Programs.Ended ended = await ctl.ExecuteAsync(cluster.Members[0], null, cancellationToken, "check", "perf", "--load=s");

        string said = ended.Output + ended.Error;
        Assert.True(ended.ExitCode is 0 or 1, said);
        Assert.Matches("(Throughput is|Throughput too low:) [1-9][0-9]* writes/s", said);
        Assert.Matches("(Slowest request took|Slowest request took too long:) [0-9.]+s", said);
        TestContext.Current.TestOutputHelper?.WriteLine(said);
    }

    /// <summary>The file is Conclave's own, with the checksum that etcdctl insists on. etcdctl looks into such files by itself, without the server, and knows etcd's database only.</summary>
    [Theory]
    [InlineData("status")]
    [InlineData("restore")]
    public async Task A_saved_snapshot_is_none_that_etcdctl_could_look_into(string command)
    {
        Assert.SkipWhen(Clusters.SubjectKind == ServerKind.Etcd, "etcd's own snapshots are etcd's databases.");
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        ProcessCluster cluster = await clusters.SubjectAsync();
        var ctl = new Etcdctl(await Target.BeginAsync(cluster, "snapshot/", cancellationToken));
        string directory = Directory.CreateTempSubdirectory("conclave-snapshot-").FullName, file = Path.Combine(directory, "saved");
        try
        {
            Programs.Ended saved = await ctl.ExecuteAsync(cluster.Members[0], null, cancellationToken, "snapshot", "save", file);
            Assert.True(saved.ExitCode == 0, saved.Error);
            string[] further = command == "restore" ? [$"--data-dir={Path.Combine(directory, "restored")}"] : [];
            Programs.Ended ended = await ctl.ExecuteAsync(cluster.Members[0], null, cancellationToken, ["snapshot", command, file, .. further]);
            Assert.NotEqual(0, ended.ExitCode);
            Assert.Matches("invalid database|file size too small", ended.Error);   // by the size of the file
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private Task SameAsync(string script, Func<Target, Task> run)
    {
        Requires.Etcdctl();
        return SameAnswers.AssertAsync(clusters, script, run);
    }
}
