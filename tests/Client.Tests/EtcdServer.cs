using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Conclave.Client.Tests;

/// <summary>
/// A real etcd on loopback: the oracle for what a server of this protocol does. <c>CONCLAVE_TEST_SERVER</c> names another
/// program with the same flags, such as our own node. Killed by its process id at the end.
/// </summary>
public sealed class EtcdServer : IAsyncDisposable
{
    private static readonly string Binary = Environment.GetEnvironmentVariable("CONCLAVE_TEST_SERVER") ?? "/usr/bin/etcd";

    // How etcd and our node say that they serve.
    private static readonly string[] ReadyTexts = ["ready to serve client requests", "Serving clients on http"];
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);
    private readonly string[] _arguments;
    private readonly string _directory;
    private TaskCompletionSource _ready = new();
    private string _lastLine = "";
    private Process _process;

    private EtcdServer(string[] arguments, string directory, int port, int peerPort)
    {
        (_arguments, _directory, Port, PeerPort) = (arguments, directory, port, peerPort);
        _process = Launch();
    }

    public int Port { get; }

    public int PeerPort { get; }

    public string PeerUrl => $"http://127.0.0.1:{PeerPort}";

    public string Endpoint => $"http://127.0.0.1:{Port}";

    public static bool IsInstalled => File.Exists(Binary);

    /// <summary>Skips the calling test where etcd is not installed.</summary>
    public static void SkipUnlessInstalled() =>
        Assert.SkipUnless(IsInstalled, "etcd is not installed; run: apt-get install etcd-server");

    public static async Task<EtcdServer> StartAsync(PortBlock ports, params string[] furtherArguments) =>
        (await StartClusterAsync(1, ports, furtherArguments))[0];

    /// <summary>Starts a cluster and waits until each member serves clients, which it does once there is a leader.</summary>
    public static async Task<EtcdServer[]> StartClusterAsync(int members, PortBlock ports, params string[] furtherArguments)
    {
        SkipUnlessInstalled();
        int[] clientPorts = [.. Enumerable.Range(0, members).Select(_ => ports.Take())];
        int[] peerPorts = [.. Enumerable.Range(0, members).Select(_ => ports.Take())];
        string cluster = string.Join(',', Enumerable.Range(0, members).Select(i => $"m{i + 1}=http://127.0.0.1:{peerPorts[i]}"));
        EtcdServer[] servers = [.. Enumerable.Range(0, members).Select(i => Create($"m{i + 1}", clientPorts[i], peerPorts[i], cluster, "new", furtherArguments))];
        await Task.WhenAll(servers.Select(server => server.ReadyAsync()));
        return servers;
    }

    /// <summary>Starts a member that was added to a running cluster, on an empty directory, and waits until it serves.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="clientPort">A free port.</param>
    /// <param name="peerPort">As it was added.</param>
    /// <param name="initialCluster">All members, as the addition printed them.</param>
    public static async Task<EtcdServer> JoinAsync(string name, int clientPort, int peerPort, string initialCluster)
    {
        EtcdServer server = Create(name, clientPort, peerPort, initialCluster, "existing", []);
        await server.ReadyAsync();
        return server;
    }

    /// <summary>Ends the process without a word, as a crash would.</summary>
    public async Task KillAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Starts it again on the same ports and data.</summary>
    public async Task RestartAsync()
    {
        _process.Dispose();
        _process = Launch();
        await ReadyAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private static EtcdServer Create(string name, int clientPort, int peerPort, string cluster, string state, string[] furtherArguments)
    {
        string directory = Directory.CreateTempSubdirectory("conclave-etcd-").FullName;
        string client = $"http://127.0.0.1:{clientPort}", peer = $"http://127.0.0.1:{peerPort}";
        string[] arguments =
        [
            "--name", name, "--data-dir", directory, "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", cluster, "--initial-cluster-state", state,
            .. furtherArguments,
        ];
        return new EtcdServer(arguments, directory, clientPort, peerPort);
    }

    private Process Launch()
    {
        Process process = new() { StartInfo = new ProcessStartInfo(Binary, _arguments) { RedirectStandardError = true, RedirectStandardOutput = true } };
        process.EnableRaisingEvents = true;
        _ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        process.ErrorDataReceived += (_, line) => Seen(line.Data);
        process.OutputDataReceived += (_, line) => Seen(line.Data);
        process.Exited += (_, _) => _ready.TrySetException(new InvalidOperationException("etcd ended early:\n" + _lastLine));
        process.Start();
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        return process;
    }

    private void Seen(string? line)
    {
        _lastLine = line ?? _lastLine;
        if (line is not null && ReadyTexts.Any(text => line.Contains(text, StringComparison.Ordinal))) _ready.TrySetResult();
    }

    private async Task ReadyAsync()
    {
        try
        {
            await _ready.Task.WaitAsync(StartTimeout);
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }
}

/// <summary>Ports of one test project, so that projects can run at the same time.</summary>
public sealed class PortBlock(int first, int count)
{
    private readonly Lock _lock = new();
    private int _next;

    /// <summary>A port of the block that nobody listens on now.</summary>
    public int Take()
    {
        lock (_lock)
        {
            for (int tries = 0; tries < count; tries++)
            {
                int port = first + _next++ % count;
                if (IsFree(port)) return port;
            }
        }

        throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"No free port from {first} on; {count} tried."));
    }

    private static bool IsFree(int port)
    {
        try
        {
            using TcpListener probe = new(IPAddress.Loopback, port);
            probe.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;   // Somebody listens there: the answer, not a failure.
        }
    }
}
