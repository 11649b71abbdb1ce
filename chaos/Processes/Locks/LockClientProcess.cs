using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Conclave.Processes.Rpc;
using Conclave.Processes.Servers;

namespace Conclave.Processes.Locks;

/// <summary>Clients in a process of their own, which can be stopped for longer than their leases last. They work until their standard input ends.</summary>
internal sealed class LockClientProcess : IDisposable
{
    /// <summary>The command of this program that runs in it.</summary>
    public const string Command = "lock-clients";

    private readonly Process _process;
    private readonly ProcessGuard _guard;
    private readonly string _file;

    private LockClientProcess(Process process, ProcessGuard guard, string file) => (_process, _guard, _file) = (process, guard, file);

    public static LockClientProcess Start(int index, int clients, int seed, ProcessCluster cluster, ProcessGuard guard, string directory)
    {
        string file = Path.Combine(directory, $"clients-{index}.json");
        var start = new ProcessStartInfo("dotnet") { UseShellExecute = false, RedirectStandardInput = true };
        string[] arguments =
        [
            "exec", typeof(LockClientProcess).Assembly.Location, Command, index.ToString(CultureInfo.InvariantCulture), clients.ToString(CultureInfo.InvariantCulture),
            seed.ToString(CultureInfo.InvariantCulture), file, .. cluster.Members.Select(member => member.ClientUrl.ToString()),
        ];
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        Process process = Process.Start(start) ?? throw new InvalidOperationException("dotnet did not start.");
        guard.Watch(process.Id);
        return new LockClientProcess(process, guard, file);
    }

    /// <summary>What <see cref="Command"/> does.</summary>
    /// <returns>Exit code.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        (int index, int count, int seed) = (Number(arguments[0]), Number(arguments[1]), Number(arguments[2]));
        MemberClient[] members = [.. arguments.Skip(4).Select(url => new MemberClient(new Uri(url)))];
        LockClient[] clients = [.. Enumerable.Range(index * count, count).Select(id => new LockClient(id, members, (seed * 10_000) + id))];
        ElectionObserver[] observers = [.. LockNames.Elections.Select(name => new ElectionObserver(index, name, members))];
        using var stop = new CancellationTokenSource();
        Task[] running = [.. clients.Select(client => Task.Run(() => client.RunAsync(stop.Token))), .. observers.Select(observer => Task.Run(() => observer.RunAsync(stop.Token)))];
        await Console.In.ReadToEndAsync().ConfigureAwait(false);
        await stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(running).ConfigureAwait(false);
        var history = new LockHistory
        {
            Attempts = [.. clients.SelectMany(client => client.Attempts)],
            Writes = [.. clients.SelectMany(client => client.Writes)],
            Leaders = [.. observers.SelectMany(observer => observer.Seen)],
        };
        await File.WriteAllTextAsync(arguments[3], JsonSerializer.Serialize(history)).ConfigureAwait(false);
        return 0;
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    public void Pause() => Signals.Send(_process.Id, Signals.Stop);

    public void Resume() => Signals.Send(_process.Id, Signals.Continue);

    /// <summary>Lets the clients end what they have begun.</summary>
    /// <exception cref="InvalidOperationException">They did not, or failed.</exception>
    public async Task<LockHistory> EndAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        _process.StandardInput.Close();
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(patience);
        try
        {
            await _process.WaitForExitAsync(deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new InvalidOperationException($"The clients in process {_process.Id} did not end in {patience.TotalSeconds:0} s after they were told to.");
        }
        if (_process.ExitCode != 0)
            throw new InvalidOperationException($"The clients ended with code {_process.ExitCode}.");
        return JsonSerializer.Deserialize<LockHistory>(await File.ReadAllTextAsync(_file, cancellationToken).ConfigureAwait(false))
            ?? throw new InvalidOperationException($"{_file} holds no history.");
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _guard.Forget(_process.Id);
        _process.Dispose();
    }
}
