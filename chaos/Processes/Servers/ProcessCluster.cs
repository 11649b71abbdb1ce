using System.Diagnostics;
using Conclave.Processes.Rpc;

namespace Conclave.Processes.Servers;

/// <summary>Real server processes on free loopback ports. Nothing survives <see cref="DisposeAsync"/>, nor the end of this process.</summary>
public sealed class ProcessCluster : IAsyncDisposable
{
    private static readonly byte[] ReadyKey = "conclave-ready"u8.ToArray();
    private readonly PortLease _ports;
    private readonly List<PortLease> _extraPorts = [];
    private readonly ProcessGuard _guard;
    private readonly string _directory, _program;

    // Published by whoever changes the cluster, one at a time; read by all sessions.
    private volatile Roll _roll;

    private ProcessCluster(ClusterOptions options, PortLease ports, ProcessGuard guard, string directory, string program)
    {
        (Options, _ports, _guard, _directory, _program) = (options, ports, guard, directory, program);
        string initial = string.Join(',', Enumerable.Range(0, options.Members).Select(i => $"{NameOf(i)}=http://127.0.0.1:{ports.Ports[(2 * i) + 1]}"));
        ServerProcess[] members = [.. Enumerable.Range(0, options.Members).Select(i => Describe(i, initial, "new", options.Arguments))];
        _roll = new Roll(members, [.. members.Select(member => new MemberClient(member.ClientUrl, options.ClientTls))], [.. Enumerable.Range(0, members.Length)]);
    }

    private sealed record Roll(IReadOnlyList<ServerProcess> Members, IReadOnlyList<MemberClient> Clients, IReadOnlyList<int> Serving)
    {
        public int? Leaving { get; init; }
    }

    /// <summary>As given to <see cref="StartAsync"/>.</summary>
    public ClusterOptions Options { get; }

    /// <summary>All members there ever were; a member keeps its place.</summary>
    public IReadOnlyList<ServerProcess> Members => _roll.Members;

    /// <summary>One client per member, same order; each talks to its member only.</summary>
    public IReadOnlyList<MemberClient> Clients => _roll.Clients;

    /// <summary>Places of the members that clients are to use.</summary>
    public IReadOnlyList<int> Serving
    {
        get => _roll.Serving;
        set => _roll = _roll with { Serving = value };
    }

    /// <summary>The serving member that is about to go; null when none is.</summary>
    public int? Leaving
    {
        get => _roll.Leaving;
        set => _roll = _roll with { Leaving = value };
    }

    /// <summary>host:port of each member, separated by commas, as etcdctl wants them.</summary>
    public string Endpoints => string.Join(',', Serving.Select(member => $"127.0.0.1:{Members[member].ClientPort}"));

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
        return new ProcessCluster(options, PortLease.Take(2 * options.Members), new ProcessGuard(), directory, program);
    }

    /// <summary>Takes ports for one more member.</summary>
    /// <returns>The place it is going to have, and the address to add it with.</returns>
    public (int Place, string PeerUrl) Reserve()
    {
        _ports.TakeMore(2);
        return (Members.Count, $"http://127.0.0.1:{_ports.Ports[(2 * Members.Count) + 1]}");
    }

    /// <summary>Two ports for something beside the members, until the cluster is disposed of.</summary>
    public PortLease TakePorts()
    {
        PortLease ports = PortLease.Take(2);
        _extraPorts.Add(ports);
        return ports;
    }

    /// <summary>Gives the member its place after the cluster has taken it in; it is neither started nor served from yet.</summary>
    /// <param name="place">From <see cref="Reserve"/>.</param>
    /// <param name="members">All members as the cluster lists them, this one included.</param>
    public ServerProcess Join(int place, IEnumerable<(string Name, string PeerUrl)> members)
    {
        // A member without a name has never started: the new one.
        string initial = string.Join(',', members.Select(member => $"{(member.Name.Length > 0 ? member.Name : NameOf(place))}={member.PeerUrl}"));
        ServerProcess joined = Describe(place, initial, "existing", Options.Arguments);
        _roll = _roll with { Members = [.. Members, joined], Clients = [.. Clients, new MemberClient(joined.ClientUrl, Options.ClientTls)] };
        return joined;
    }

    private string Scheme => Options.ClientTls is null ? "http" : "https";

    private static string NameOf(int place) => $"m{place + 1}";

    private ServerProcess Describe(int place, string initialCluster, string state, IReadOnlyList<string> further)
    {
        (string name, int client, int peer) = (NameOf(place), _ports.Ports[2 * place], _ports.Ports[(2 * place) + 1]);
        string[] arguments =
        [
            "--name", name, "--data-dir", Path.Combine(_directory, name + ".data"),
            "--listen-client-urls", $"{Scheme}://127.0.0.1:{client}", "--advertise-client-urls", $"{Scheme}://127.0.0.1:{client}",
            "--listen-peer-urls", $"http://127.0.0.1:{peer}", "--initial-advertise-peer-urls", $"http://127.0.0.1:{peer}",
            "--initial-cluster", initialCluster, "--initial-cluster-state", state, "--initial-cluster-token", Path.GetFileName(_directory),
            .. further,
        ];
        return new ServerProcess(name, client, peer, _directory, _program, arguments, _guard, Scheme);
    }

    /// <summary>Starts every member that clients use and that does not run.</summary>
    public void StartAll()
    {
        foreach (ServerProcess member in Serving.Select(place => Members[place]).Where(member => !member.IsRunning))
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
        foreach (int i in Serving)
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
        foreach (PortLease extra in _extraPorts)
            extra.Dispose();
        if (!KeepFiles && Options.Directory is null)
            Directory.Delete(_directory, recursive: true);
        return ValueTask.CompletedTask;
    }
}
