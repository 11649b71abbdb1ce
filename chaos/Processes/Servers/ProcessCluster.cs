using System.Diagnostics;
using Conclave.Processes.Rpc;

namespace Conclave.Processes.Servers;

/// <summary>Real server processes on free loopback ports. Nothing survives <see cref="DisposeAsync"/>, nor the end of this process.</summary>
public sealed class ProcessCluster : IAsyncDisposable
{
    private static readonly byte[] ReadyKey = "conclave-ready"u8.ToArray();
    private readonly PortLease _ports;
    private readonly ProcessGuard _guard;
    private readonly string _directory;

    private ProcessCluster(ClusterOptions options, PortLease ports, ProcessGuard guard, string directory, IReadOnlyList<ServerProcess> members)
    {
        (Options, _ports, _guard, _directory, Members) = (options, ports, guard, directory, members);
        Clients = [.. members.Select(member => new MemberClient(member.ClientUrl))];
    }

    /// <summary>As given to <see cref="StartAsync"/>.</summary>
    public ClusterOptions Options { get; }

    /// <summary>The members, always in the same order.</summary>
    public IReadOnlyList<ServerProcess> Members { get; }

    /// <summary>One client per member, same order; each talks to its member only.</summary>
    public IReadOnlyList<MemberClient> Clients { get; }

    /// <summary>host:port of each member, separated by commas, as etcdctl wants them.</summary>
    public string Endpoints => string.Join(',', Members.Select(member => $"127.0.0.1:{member.ClientPort}"));

    /// <summary>Keeps data and logs after disposal. A member that ended on its own sets it.</summary>
    public bool KeepFiles { get; set; } = Environment.GetEnvironmentVariable("CONCLAVE_KEEP_FILES") == "1";

    /// <summary>Starts every member and waits until a write succeeds.</summary>
    /// <exception cref="InvalidOperationException">No binary, or no write succeeded in time; holds the tails of the logs.</exception>
    public static async Task<ProcessCluster> StartAsync(ClusterOptions options, CancellationToken cancellationToken = default)
    {
        ProcessCluster cluster = Prepare(options);
        try
        {
            cluster.StartAll();
            await cluster.WaitUntilWritableAsync(options.ReadyTimeout, cancellationToken).ConfigureAwait(false);
            return cluster;
        }
        catch
        {
            cluster.KeepFiles = true;
            await cluster.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static ProcessCluster Prepare(ClusterOptions options)
    {
        if (!ServerBinary.TryFind(options.Kind, out string? program, out string remedy))
            throw new InvalidOperationException(remedy);
        string directory = options.Directory ?? Directory.CreateTempSubdirectory("conclave-cluster-").FullName;
        Directory.CreateDirectory(directory);
        var ports = PortLease.Take(2 * options.Members);
        var guard = new ProcessGuard();
        string initial = string.Join(',', Enumerable.Range(0, options.Members).Select(i => $"m{i + 1}=http://127.0.0.1:{ports.Ports[(2 * i) + 1]}"));
        var members = Enumerable.Range(0, options.Members).Select(i =>
        {
            (string name, int client, int peer) = ($"m{i + 1}", ports.Ports[2 * i], ports.Ports[(2 * i) + 1]);
            string[] arguments =
            [
                "--name", name, "--data-dir", Path.Combine(directory, name + ".data"),
                "--listen-client-urls", $"http://127.0.0.1:{client}", "--advertise-client-urls", $"http://127.0.0.1:{client}",
                "--listen-peer-urls", $"http://127.0.0.1:{peer}", "--initial-advertise-peer-urls", $"http://127.0.0.1:{peer}",
                "--initial-cluster", initial, "--initial-cluster-state", "new", "--initial-cluster-token", Path.GetFileName(directory),
                .. options.Arguments,
            ];
            return new ServerProcess(name, client, peer, directory, program, arguments, guard);
        });
        return new ProcessCluster(options, ports, guard, directory, [.. members]);
    }

    /// <summary>Starts every member that does not run.</summary>
    public void StartAll()
    {
        foreach (ServerProcess member in Members.Where(member => !member.IsRunning))
            member.Start();
    }

    /// <summary>kill -9 of all, as close to one moment as a loop gets.</summary>
    public void KillAll()
    {
        foreach (ServerProcess member in Members.Where(member => member.IsRunning))
            member.Pause();   // none of them may act on the death of another
        foreach (ServerProcess member in Members)
            member.Kill();
    }

    /// <summary>Tries a put on each member in turn until one is acknowledged.</summary>
    /// <returns>How long that took.</returns>
    /// <exception cref="InvalidOperationException">Nothing succeeded in time.</exception>
    public async Task<TimeSpan> WaitUntilWritableAsync(TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        long start = Stopwatch.GetTimestamp();
        string last = "no attempt";
        for (int attempt = 0; Stopwatch.GetElapsedTime(start) < timeout; attempt++)
        {
            if (Members.FirstOrDefault(member => member.HasCrashed) is { } crashed)
                throw Failure($"{crashed.Name} ended on its own");
            int member = attempt % Members.Count;
            if (Members[member].IsRunning)
            {
                RpcResult<Wire.Etcd.Etcdserverpb.PutResponse> put = await Clients[member]
                    .PutAsync(ReadyKey, [], TimeSpan.FromSeconds(2), cancellationToken).ConfigureAwait(false);
                if (put.Succeeded)
                    return Stopwatch.GetElapsedTime(start);
                last = put.ToString();
            }
            await Task.Delay(10, cancellationToken).ConfigureAwait(false);
        }
        throw Failure($"no write succeeded in {timeout.TotalSeconds:0} s (last answer: {last})");
    }

    /// <summary>Waits until every running member answers a linearizable read, so that none is still catching up.</summary>
    public async Task WaitUntilAllServeAsync(TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Members.Count; i++)
        {
            while (Members[i].IsRunning)
            {
                var read = await Clients[i].RangeAsync(new() { Key = Google.Protobuf.ByteString.CopyFrom(ReadyKey) }, TimeSpan.FromSeconds(2), cancellationToken).ConfigureAwait(false);
                if (read.Succeeded)
                    break;
                if (Stopwatch.GetElapsedTime(start) > timeout)
                    throw Failure($"{Members[i].Name} answers no linearizable read after {timeout.TotalSeconds:0} s (last answer: {read})");
                await Task.Delay(10, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Asks every running member who leads.</summary>
    /// <returns>The index of the member that says it leads in the highest term, or null when none does now.</returns>
    public async Task<int?> FindLeaderAsync(CancellationToken cancellationToken = default)
    {
        (int Member, ulong Term)? best = null;
        for (int i = 0; i < Members.Count; i++)
        {
            if (!Members[i].IsRunning)
                continue;
            var status = await Clients[i].StatusAsync(TimeSpan.FromSeconds(1), cancellationToken).ConfigureAwait(false);
            if (status.Response is { } answer && answer.Leader != 0 && answer.Leader == answer.Header.MemberId && !(best?.Term >= answer.RaftTerm))
                best = (i, answer.RaftTerm);
        }
        return best?.Member;
    }

    /// <summary>As <see cref="FindLeaderAsync"/>, asking again until there is one.</summary>
    public async Task<int> WaitForLeaderAsync(TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < timeout)
        {
            if (await FindLeaderAsync(cancellationToken).ConfigureAwait(false) is { } leader)
                return leader;
            await Task.Delay(20, cancellationToken).ConfigureAwait(false);
        }
        throw Failure($"no leader in {timeout.TotalSeconds:0} s");
    }

    /// <summary>CPU time of all running members since they started.</summary>
    public TimeSpan TotalCpu() => Members.Aggregate(TimeSpan.Zero, (sum, member) => sum + member.Usage.Cpu);

    /// <summary>An exception that carries the end of every log; the files stay.</summary>
    public InvalidOperationException Failure(string what)
    {
        KeepFiles = true;
        string logs = string.Join('\n', Members.Select(member => $"--- {member.Name}: {member.LogPath}\n{member.LogTail()}"));
        return new InvalidOperationException($"{Options.Kind} cluster: {what}.\n{logs}");
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        KeepFiles |= Members.Any(member => member.HasCrashed);
        foreach (ServerProcess member in Members)
            member.Dispose();
        foreach (MemberClient client in Clients)
            client.Dispose();
        _guard.Dispose();
        _ports.Dispose();
        if (!KeepFiles && Options.Directory is null)
            Directory.Delete(_directory, recursive: true);
        return ValueTask.CompletedTask;
    }
}
