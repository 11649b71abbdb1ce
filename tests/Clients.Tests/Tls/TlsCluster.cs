using System.Diagnostics;
using Conclave.Compatibility.Tests.Support;
using Conclave.Processes.Servers;

namespace Conclave.Clients.Tests.Tls;

/// <summary>Three members that speak TLS to clients, of whom they want a certificate, and to each other.</summary>
internal sealed class TlsCluster : IDisposable
{
    private const int Count = 3;
    private readonly PortLease _ports = PortLease.Take(2 * Count);
    private readonly ProcessGuard _guard = new();
    private readonly string _directory = Directory.CreateTempSubdirectory("conclave-tls-").FullName;
    private readonly List<ServerProcess> _members = [];

    private TlsCluster(ServerKind kind, Func<string, string[]>? more)
    {
        if (!ServerBinary.TryFind(kind, out string? program, out string remedy))
            throw new InvalidOperationException(remedy);
        Authority = new TestAuthority(_directory);
        string[] added = more?.Invoke(_directory) ?? [];
        string initial = string.Join(',', Enumerable.Range(0, Count).Select(i => $"m{i}=https://127.0.0.1:{_ports.Ports[Count + i]}"));
        for (int i = 0; i < Count; i++)
        {
            string name = $"m{i}", client = $"https://127.0.0.1:{_ports.Ports[i]}", peer = $"https://127.0.0.1:{_ports.Ports[Count + i]}";
            string[] arguments =
            [
                "--name", name, "--data-dir", Path.Combine(_directory, name + ".data"), "--listen-client-urls", client, "--advertise-client-urls", client,
                "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", initial, "--initial-cluster-token", Path.GetFileName(_directory),
                "--cert-file", Authority.ServerCertificate, "--key-file", Authority.ServerKey, "--trusted-ca-file", Authority.AuthorityFile, "--client-cert-auth",
                "--peer-cert-file", Authority.ServerCertificate, "--peer-key-file", Authority.ServerKey, "--peer-trusted-ca-file", Authority.AuthorityFile, "--peer-client-cert-auth", .. added,
            ];
            _members.Add(new ServerProcess(name, _ports.Ports[i], _ports.Ports[Count + i], _directory, program, arguments, _guard));
        }
    }

    public TestAuthority Authority { get; }

    public IReadOnlyList<int> Ports => [.. _members.Select(member => member.ClientPort)];

    /// <summary>As etcdctl wants them.</summary>
    public string Endpoints => string.Join(',', Ports.Select(port => $"https://127.0.0.1:{port}"));

    /// <summary>What etcdctl needs to be let in.</summary>
    public string[] Flags => ["--endpoints", Endpoints, "--cacert", Authority.AuthorityFile, "--cert", Authority.ClientCertificate, "--key", Authority.ClientKey];

    /// <summary>One that these servers do not know.</summary>
    public TestAuthority AnotherAuthority() => new(Directory.CreateDirectory(Path.Combine(_directory, "another")).FullName);

    /// <summary>Starts them and waits for the first write.</summary>
    /// <param name="kind">Which server.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="more">Further flags, given a directory for their files.</param>
    public static async Task<TlsCluster> StartAsync(ServerKind kind, CancellationToken cancellationToken, Func<string, string[]>? more = null)
    {
        var cluster = new TlsCluster(kind, more);
        foreach (ServerProcess member in cluster._members)
            member.Start();
        Programs.Ended? last = null;
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(60); await Task.Delay(200, cancellationToken))
        {
            last = await cluster.EtcdctlAsync(["--dial-timeout=3s", "--command-timeout=3s", .. cluster.Flags, "put", "ready", "1"], cancellationToken);
            if (last.ExitCode == 0)
                return cluster;
            if (cluster._members.Any(member => member.HasCrashed))
                break;
        }
        string logs = string.Join('\n', cluster._members.Select(member => member.LogTail()));
        cluster.Dispose();
        throw new InvalidOperationException($"No write succeeded over TLS: {last?.Error}\n{logs}");
    }

    public Task<Programs.Ended> EtcdctlAsync(string[] arguments, CancellationToken cancellationToken) =>
        Programs.RunAsync(Requires.Etcdctl(), ["--dial-timeout=20s", "--command-timeout=20s", .. arguments], null, new Dictionary<string, string> { ["ETCDCTL_API"] = "3" }, cancellationToken);

    public void Dispose()
    {
        foreach (ServerProcess member in _members)
            member.Dispose();
        _guard.Dispose();
        _ports.Dispose();
        Authority.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
