using System.Globalization;
using Conclave.Clients.Tests.Scripts;
using Conclave.Clients.Tests.Support;
using Conclave.Compatibility.Tests.Support;
using Conclave.Processes.Servers;

namespace Conclave.Clients.Tests;

/// <summary>Clients that log in. On clusters of their own: while authentication is on, nobody else gets in.</summary>
public sealed class AuthTests(AuthTests.OwnClusters own) : IClassFixture<AuthTests.OwnClusters>
{
    /// <summary>Started when the first of these tests runs.</summary>
    public sealed class OwnClusters : IAsyncDisposable
    {
        public Clusters Clusters { get; } = new();

        public ValueTask DisposeAsync() => Clusters.DisposeAsync();
    }

    [Fact]
    public Task Users_roles_and_permissions_of_etcdctl_go_the_same()
    {
        Requires.Etcdctl();
        return SameAnswers.AssertAsync(own.Clusters, "etcdctl-auth", EtcdctlAuthScript.RunAsync);
    }

    [Fact]
    public async Task Python_etcd3_logs_in_and_stays_logged_in_when_the_leader_dies()
    {
        Requires.Etcdctl();
        Requires.PythonModule("etcd3", "python3-etcd3");
        // When it records, nobody else's: after a kill -9 a member of etcd 3.4 was seen to take no notice any more of authentication being switched on.
        await using var clusters = new Clusters();
        await SameAnswers.AssertAsRecordedAsync(clusters, "python-auth", async target =>
        {
            await AsRootAsync(target, "user add root:secret", "user add alice:wonder", "role add alice", $"role grant-permission alice readwrite {target.Prefix}alice --prefix", "user grant-role alice alice", "auth enable");
            try
            {
                await ClientScript.RunAsync(target, [Requires.Python, Path.Combine(AppContext.BaseDirectory, "Programs", "python_auth.py")], PythonTests.Environment);
            }
            finally
            {
                await AsRootAsync(target, "auth disable --user=root:secret", "user delete alice", "role delete alice", "user delete root");
            }
        });
    }

    [Fact]
    public async Task Npms_etcd3_administers_and_logs_in()
    {
        string modules = await NpmPackages.RequireAsync(TestContext.Current.CancellationToken);
        string[] program = [ServerBinary.OnPath("node")!, Path.Combine(AppContext.BaseDirectory, "Programs", "npm_auth.js")];   // required above
        await SameAnswers.AssertAsync(own.Clusters, "npm-auth", target => ClientScript.RunAsync(target, program, new Dictionary<string, string> { ["NODE_PATH"] = modules }));
    }

    [Fact]
    public async Task Patronis_client_logs_in_when_it_does_not_ask_for_the_members_first()
    {
        Requires.Etcdctl();
        Assert.SkipWhen(ServerBinary.OnPath("patroni") is null, "Patroni is not installed. Run: apt-get install patroni");
        const string space = "/service/";
        await using var clusters = new Clusters();   // of its own: it leaves the role root behind
        Target target = await Target.BeginAsync(await clusters.SubjectAsync(), "patroni-auth/", TestContext.Current.CancellationToken);
        await AsRootAsync(target, "user add root:secret", "user add patroni:wonder", "role add patroni", $"role grant-permission patroni readwrite {space} --prefix", "user grant-role patroni patroni", "auth enable");
        string[] program = [Path.Combine(AppContext.BaseDirectory, "Programs", "patroni_auth.py"), target.Cluster.Members[0].ClientPort.ToString(CultureInfo.InvariantCulture), space];
        Programs.Ended ended = await Programs.RunAsync(Requires.Python, program, null, PythonTests.Environment, target.Cancellation);
        Assert.True(ended.ExitCode == 0, ended.Error);
    }

    private static async Task AsRootAsync(Target target, params string[] commands)
    {
        var ctl = new Etcdctl(target);
        foreach (string command in commands)
        {
            Programs.Ended ended = await ctl.ExecuteAsync(target.Cluster.Members[0], null, target.Cancellation, command.Split(' '));
            Assert.True(ended.ExitCode == 0, $"etcdctl {command}: {ended.Error}");
        }
    }
}
