using System.Diagnostics;
using System.Globalization;
using Conclave.Processes.Servers;

namespace Conclave.FleetDemo;

/// <summary>Three nodes from <c>conclave up</c>.</summary>
internal sealed class DemoCluster : IAsyncDisposable
{
    private readonly Process _up;
    private readonly string _directory;
    private readonly PortLease _ports;

    private DemoCluster(Process up, string directory, PortLease ports, string endpoints) => (_up, _directory, _ports, Endpoints) = (up, directory, ports, endpoints);

    public string Endpoints { get; }

    public static async Task<DemoCluster> StartAsync(string directory, TimeSpan patience)
    {
        PortLease ports = TakeBlock();
        int first = ports.Ports[0];
        var start = new ProcessStartInfo(ConclaveCommand.Binary) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, UseShellExecute = false };
        foreach (string argument in (string[])["up", "--nodes", "3", "--restart", "--port", first.ToString(CultureInfo.InvariantCulture), "--data-dir", directory]) start.ArgumentList.Add(argument);
        Process up = Process.Start(start) ?? throw new DemoFailedException("conclave up did not start.");
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var said = new Queue<string>();
        up.OutputDataReceived += (_, line) => Take(line.Data);
        up.ErrorDataReceived += (_, line) => Take(line.Data);
        up.BeginOutputReadLine();
        up.BeginErrorReadLine();
        var cluster = new DemoCluster(up, directory, ports, string.Join(',', Enumerable.Range(0, 3).Select(i => $"127.0.0.1:{first + (2 * i)}")));
        if (await Task.WhenAny(ready.Task, Task.Delay(patience)).ConfigureAwait(false) == ready.Task) return cluster;
        await cluster.DisposeAsync().ConfigureAwait(false);
        lock (said) throw new DemoFailedException($"conclave up was not ready within {patience.TotalSeconds} s:\n{string.Join('\n', said)}");

        void Take(string? line)
        {
            if (line is null) return;
            lock (said)
            {
                said.Enqueue(line);
                if (said.Count > 40) said.Dequeue();
            }

            if (line.StartsWith("ready", StringComparison.Ordinal)) ready.TrySetResult();
        }
    }

    /// <summary>The process of a node, by the directory in its command line.</summary>
    /// <exception cref="DemoFailedException">There is none.</exception>
    public int ProcessOf(string member)
    {
        string data = Path.Combine(_directory, member);
        foreach (string process in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(process), NumberStyles.None, CultureInfo.InvariantCulture, out int pid)) continue;
            string[] arguments;
            try
            {
                arguments = File.ReadAllText(Path.Combine(process, "cmdline")).Split('\0');
            }
            catch (IOException)
            {
                continue;   // it has just ended
            }
            catch (UnauthorizedAccessException)
            {
                continue;   // somebody else's
            }

            if (Array.IndexOf(arguments, "--data-dir") is >= 0 and int at && at + 1 < arguments.Length && arguments[at + 1] == data) return pid;
        }

        throw new DemoFailedException($"{member} does not run.");
    }

    public async ValueTask DisposeAsync()
    {
        if (!_up.HasExited)
        {
            Signals.Send(_up.Id, Signals.Terminate);
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            try
            {
                await _up.WaitForExitAsync(limit.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                _up.Kill(entireProcessTree: true);
            }
        }

        _up.Dispose();
        _ports.Dispose();
    }

    /// <summary>Six ports in a row, as <c>up --port</c> uses them.</summary>
    private static PortLease TakeBlock()
    {
        PortLease lease = PortLease.Take(6);
        while (lease.Ports[^1] - lease.Ports[^6] != 5 && lease.Ports.Count < 100) lease.TakeMore(1);
        if (lease.Ports[^1] - lease.Ports[^6] == 5)
        {
            lease.Ports.RemoveRange(0, lease.Ports.Count - 6);
            return lease;
        }

        lease.Dispose();
        throw new DemoFailedException("There are no six free ports in a row.");
    }
}
