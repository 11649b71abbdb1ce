using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Conclave.Client.Tests;

namespace Conclave.Cli.Tests.Up;

public sealed class UpTests : IDisposable
{
    private const int FirstPort = 24000;   // and the next five; nobody else takes ports from here to Shell.Ports
    private readonly string _directory = Directory.CreateTempSubdirectory("conclave-up-").FullName;
    private readonly Shell _shell = new Shell().With("CONCLAVE_NODE", "/usr/bin/etcd");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("/usr/bin/etcd")]
    [InlineData("")]   // our own node, found where the build puts it
    public async Task A_cluster_comes_up_survives_a_death_starts_the_dead_again_and_stops_without_orphans(string program)
    {
        if (program.Length > 0) EtcdServer.SkipUnlessInstalled();
        await using Running up = _shell.With("CONCLAVE_NODE", program).Start("up", "--port", Text(FirstPort), "--data-dir", _directory, "--restart");
        List<int> processes = [];
        foreach (string name in (string[])["node1", "node2", "node3"]) processes.Add(ProcessOf(await up.LineAsync($"{name}: ")));
        Assert.StartsWith("ready: 3 of 3 members, leader node", await up.LineAsync("ready"), StringComparison.Ordinal);

        Answer put = await new Shell($"127.0.0.1:{FirstPort + 2}").RunAsync("put", "a", "1");
        using (Process third = Process.GetProcessById(processes[2])) third.Kill();
        string down = await up.LineAsync("node3: ");
        processes.Add(ProcessOf(await up.LineAsync("node3: ")));
        await up.LineAsync("ready: 3 of 3 members");
        int code = await up.StopAsync();

        Assert.Equal((0, 0), (put.Code, code));
        Assert.EndsWith("down (signal 9)", down, StringComparison.Ordinal);
        Assert.All(processes, process => Assert.False(IsRunning(process)));
        Assert.Equal(3, Directory.GetFiles(_directory, "node*.log").Length);
    }

    [Fact]
    public async Task A_cluster_with_tls_comes_up_and_is_reached_as_the_help_says()
    {
        await using Running up = _shell.With("CONCLAVE_NODE", "").Start("up", "--nodes", "1", "--port", Text(FirstPort), "--data-dir", _directory, "--auto-tls");
        await up.LineAsync("ready");
        string endpoint = $"127.0.0.1:{FirstPort}", certificate = Path.Combine(_directory, "node1", "fixtures", "client", "cert.pem");

        Answer put = await new Shell(endpoint).RunAsync("put", "a", "1", "--cacert", certificate);
        Answer get = await new Shell(endpoint).With("CONCLAVE_CACERT", certificate).RunAsync("get", "a");
        Answer skipped = await new Shell("https://" + endpoint).RunAsync("get", "a", "--insecure-skip-tls-verify");
        Answer doubted = await new Shell("https://" + endpoint).RunAsync("get", "a");
        int code = await up.StopAsync();

        Assert.Equal((0, 0, 0), (put.Code, get.Code, code));
        Assert.Equal(("1\n", "1\n"), (get.Out, skipped.Out));
        Assert.Equal(6, doubted.Code);
        Assert.Contains("TLS handshake", doubted.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_taken_port_is_named_before_anything_is_started()
    {
        int port = Shell.Ports.Take();
        using TcpListener squatter = new(IPAddress.Loopback, port);
        squatter.Start();

        Answer answer = await _shell.With("CONCLAVE_NODE", "/bin/true").RunAsync("up", "--nodes", "1", "--port", Text(port), "--data-dir", Path.Combine(_directory, "x"));

        Assert.Equal(6, answer.Code);
        Assert.Contains($"node1 cannot listen on 127.0.0.1:{port}: the port is taken", answer.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_directory, "x")));
    }

    [Fact]
    public async Task A_directory_that_cannot_be_written_is_named()
    {
        string file = Path.Combine(_directory, "file");
        await File.WriteAllTextAsync(file, "", TestContext.Current.CancellationToken);

        Answer answer = await _shell.With("CONCLAVE_NODE", "/bin/true").RunAsync("up", "--nodes", "1", "--port", Text(Shell.Ports.Take()), "--data-dir", file);

        Assert.Equal(2, answer.Code);
        Assert.Contains($"The data directory {file} cannot be written", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_program_is_named_with_the_way_to_build_it()
    {
        Answer answer = await _shell.With("CONCLAVE_NODE", "/does/not/exist").RunAsync("up", "--data-dir", _directory);

        Assert.Equal(2, answer.Code);
        Assert.Contains("/does/not/exist", answer.Error, StringComparison.Ordinal);
        Assert.Contains("dotnet build", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_made_with_other_ports_or_another_number_of_nodes_is_not_started_with_these()
    {
        Shell shell = _shell.With("CONCLAVE_NODE", "/bin/true");
        string port = Text(Shell.Ports.Take());
        await shell.RunAsync("up", "--nodes", "1", "--port", port, "--data-dir", _directory);

        Answer answer = await shell.RunAsync("up", "--nodes", "1", "--port", Text(Shell.Ports.Take()), "--data-dir", _directory);

        Assert.Equal(2, answer.Code);
        Assert.Contains($"holds a cluster made with: nodes 1, first client port {port}", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_all_members_end_by_themselves_their_last_words_are_shown()
    {
        Answer answer = await _shell.With("CONCLAVE_NODE", "/bin/false").RunAsync("up", "--nodes", "1", "--port", Text(Shell.Ports.Take()), "--data-dir", _directory);

        Assert.Equal(6, answer.Code);
        Assert.Contains("down (exit code 1)", answer.Out, StringComparison.Ordinal);
        Assert.Contains("All members have stopped by themselves", answer.Error, StringComparison.Ordinal);
    }

    private static int ProcessOf(string line) => int.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static bool IsRunning(int process)
    {
        try
        {
            using Process running = Process.GetProcessById(process);
            return !running.HasExited;
        }
        catch (ArgumentException)
        {
            return false;   // There is none with this id.
        }
    }
}
