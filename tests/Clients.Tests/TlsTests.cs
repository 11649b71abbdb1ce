using System.Globalization;
using Conclave.Clients.Tests.Support;
using Conclave.Clients.Tests.Tls;
using Conclave.Compatibility.Tests.Support;
using Conclave.Processes.Servers;

namespace Conclave.Clients.Tests;

/// <summary>Clients over TLS, with certificates of their own. The same runs against etcd, as a check of the test.</summary>
public sealed class TlsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(ServerKind.Conclave)]
    [InlineData(ServerKind.Etcd)]
    public async Task Clients_with_a_certificate_are_served_and_others_are_not(ServerKind kind)
    {
        Requires.Etcdctl();
        Assert.SkipWhen(kind == ServerKind.Etcd && !Clusters.HasEtcd, "etcd is not installed. Run: apt-get install etcd-server");
        using TlsCluster cluster = await TlsCluster.StartAsync(kind, Cancellation);
        await EtcdctlAsync(cluster);
        await PythonAsync(cluster);
        await NpmAsync(cluster);
    }

    private static async Task EtcdctlAsync(TlsCluster cluster)
    {
        foreach (string command in (string[])["put etcdctl 1", "get etcdctl", "member list", "endpoint health", "endpoint status --cluster", "lease grant 60", "endpoint hashkv --cluster"])
        {
            Programs.Ended ended = await cluster.EtcdctlAsync([.. cluster.Flags, .. command.Split(' ')], Cancellation);
            Assert.True(ended.ExitCode == 0, $"etcdctl {command}: {ended.Error}");
        }
        string[] anonymous = ["--endpoints", cluster.Endpoints, "--cacert", cluster.Authority.AuthorityFile, "get", "etcdctl"];
        string[] plain = ["--endpoints", cluster.Endpoints.Replace("https://", "", StringComparison.Ordinal), "get", "etcdctl"];
        string[] unknown = ["--endpoints", cluster.Endpoints, "--cert", cluster.Authority.ClientCertificate, "--key", cluster.Authority.ClientKey, "get", "etcdctl"];
        using TestAuthority other = cluster.AnotherAuthority();
        string[] foreign = ["--endpoints", cluster.Endpoints, "--cacert", cluster.Authority.AuthorityFile, "--cert", other.ClientCertificate, "--key", other.ClientKey, "get", "etcdctl"];
        foreach (string[] refused in (string[][])[anonymous, plain, unknown, foreign])
        {
            Programs.Ended ended = await cluster.EtcdctlAsync(["--dial-timeout=1s", "--command-timeout=1s", .. refused], Cancellation);
            Assert.True(ended.ExitCode != 0, $"etcdctl {string.Join(' ', refused)} was let in: {ended.Output}");
        }
    }

    private static async Task PythonAsync(TlsCluster cluster)
    {
        Requires.PythonModule("etcd3", "python3-etcd3");
        Requires.PythonModule("etcd3gw", "python3-etcd3gw");
        Programs.Ended ended = await Programs.RunAsync(Requires.Python, [Program("python_tls.py"), cluster.Ports[0].ToString(CultureInfo.InvariantCulture), .. Files(cluster)], null, PythonTests.Environment, Cancellation);
        Assert.True(ended.ExitCode == 0, ended.Error);
    }

    private static async Task NpmAsync(TlsCluster cluster)
    {
        string modules = await NpmPackages.RequireAsync(Cancellation);
        Programs.Ended ended = await Programs.RunAsync(ServerBinary.OnPath("node")!, [Program("npm_tls.js"), string.Join(',', cluster.Ports), .. Files(cluster)], null,
            new Dictionary<string, string> { ["NODE_PATH"] = modules }, Cancellation);   // not null: required with the packages
        Assert.True(ended.ExitCode == 0, ended.Error);
    }

    private static string[] Files(TlsCluster cluster) => [cluster.Authority.AuthorityFile, cluster.Authority.ClientCertificate, cluster.Authority.ClientKey];

    private static string Program(string name) => Path.Combine(AppContext.BaseDirectory, "Programs", name);
}
