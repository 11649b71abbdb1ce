using System.Diagnostics;
using Conclave.Client.Rpc;
using Conclave.Processes.Faults;
using Conclave.Processes.Rpc;
using Conclave.Processes.Servers;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Etcd.Mvccpb;
using Google.Protobuf;

namespace Conclave.Processes.Locks;

/// <summary>Processes of clients compete for locks while they and the members are killed and stopped; then judges what they were told.</summary>
public sealed class LocksRun
{
    /// <summary>Longest wait of a client, and its retries.</summary>
    private static readonly TimeSpan ClientPatience = TimeSpan.FromMinutes(4);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60), CallTimeout = TimeSpan.FromSeconds(10);
    private static readonly ByteString Queue = ByteString.CopyFromUtf8(LockNames.Prefix), QueueEnd = ByteString.CopyFromUtf8("queue0");
    private static readonly MemberFault[] Faults =
        [MemberFault.KillLeader, MemberFault.PauseLeader, MemberFault.KillAny, MemberFault.PauseAny, MemberFault.KillLeader, MemberFault.PauseLeader, MemberFault.KillAll];

    private readonly LocksOptions _options;
    private readonly ProcessCluster _cluster;
    private readonly Action<string> _log;
    private int _clientPauses;

    private LocksRun(LocksOptions options, ProcessCluster cluster, Action<string> log) => (_options, _cluster, _log) = (options, cluster, log);

    /// <summary>Starts a cluster and runs.</summary>
    /// <param name="options">How long.</param>
    /// <param name="log">A line per fault.</param>
    /// <param name="cancellationToken">Ends it early, without a report.</param>
    /// <exception cref="InvalidOperationException">The cluster did not come back at all, or a process of clients failed.</exception>
    public static async Task<LocksReport> RunAsync(LocksOptions options, Action<string> log, CancellationToken cancellationToken = default)
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(new ClusterOptions { Kind = options.Kind }, cancellationToken).ConfigureAwait(false);
        await cluster.WaitUntilAllServeAsync(Patience, cancellationToken).ConfigureAwait(false);
        LocksReport report = await new LocksRun(options, cluster, log).RunAsync(cancellationToken).ConfigureAwait(false);
        cluster.KeepFiles |= report.Violations.Count > 0;
        return report;
    }

    private async Task<LocksReport> RunAsync(CancellationToken cancellationToken)
    {
        string directory = Directory.CreateTempSubdirectory("conclave-locks-").FullName;
        using var guard = new ProcessGuard();
        LockClientProcess[] clients = [.. Enumerable.Range(0, _options.Processes).Select(i => LockClientProcess.Start(i, _options.Clients, _options.Seed, _cluster, guard, directory))];
        try
        {
            var faults = new FaultLoop(_cluster, new Random(_options.Seed), _log);
            using (var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken))
            {
                Task pauses = PauseClientsAsync(clients, stop.Token);
                await faults.RunAsync(TimeSpan.FromSeconds(_options.Seconds), Faults, cancellationToken).ConfigureAwait(false);
                await stop.CancelAsync().ConfigureAwait(false);
                await pauses.ConfigureAwait(false);
            }
            LockHistory[] parts = await Task.WhenAll(clients.Select(client => client.EndAsync(ClientPatience, cancellationToken))).ConfigureAwait(false);
            await DrainAsync(cancellationToken).ConfigureAwait(false);
            return Judge(Usable(LockHistory.Of(parts)), await TurnsAsync(cancellationToken).ConfigureAwait(false), faults);
        }
        finally
        {
            foreach (LockClientProcess client in clients)
                client.Dispose();
            Directory.Delete(directory, recursive: true);
        }
    }

    private async Task PauseClientsAsync(IReadOnlyList<LockClientProcess> clients, CancellationToken stop)
    {
        var random = new Random(_options.Seed + 1);
        while (!stop.IsCancellationRequested)
        {
            await Task.Delay(random.Next(1_000, 4_000), stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stop.IsCancellationRequested)
                return;
            LockClientProcess client = clients[random.Next(clients.Count)];
            client.Pause();
            await Task.Delay(random.Next(1_500, 8_000), stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            client.Resume();
            _clientPauses++;
        }
    }

    /// <summary>Every lease that nobody renews ends; a queue that keeps a key after that is judged later.</summary>
    private async Task DrainAsync(CancellationToken cancellationToken)
    {
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < Patience; await Task.Delay(100, cancellationToken).ConfigureAwait(false))
        {
            RpcResult<RangeResponse> left = await _cluster.Clients[0].RangeAsync(new RangeRequest { Key = Queue, RangeEnd = QueueEnd, CountOnly = true }, CallTimeout, cancellationToken).ConfigureAwait(false);
            if (left.Response is { Count: 0 })
                return;
        }
    }

    /// <summary>The whole history of the queues: nothing is compacted in this run.</summary>
    private async Task<IReadOnlyList<QueueTurn>> TurnsAsync(CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Patience);
        byte[] last = [.. Queue.Span, .. "last"u8];
        RpcResult<PutResponse> put = await _cluster.Clients[0].PutAsync(last, [], CallTimeout, deadline.Token).ConfigureAwait(false);
        if (!put.Succeeded)
            throw _cluster.Failure($"no write after the run: {put}");
        Dictionary<string, long> created = [];
        List<QueueTurn> turns = [];
        await using RpcStream stream = await _cluster.Clients[0].WatchAsync(new WatchCreateRequest { Key = Queue, RangeEnd = QueueEnd, StartRevision = 1 }, deadline.Token).ConfigureAwait(false);
        while (await stream.ReadAsync(deadline.Token).ConfigureAwait(false))
        {
            foreach (Event change in WatchResponse.Parser.ParseFrom(stream.Message).Events)
            {
                string key = change.Kv.Key.ToStringUtf8();
                if (key == "queue/last")
                    return [.. turns, .. created.Select(left => new QueueTurn(left.Key, left.Value, null))];
                if (change.Type == Event.Types.EventType.Delete && created.Remove(key, out long since))
                    turns.Add(new QueueTurn(key, since, change.Kv.ModRevision));
                else if (change.Type == Event.Types.EventType.Put)
                    created[key] = change.Kv.CreateRevision;
            }
        }
        throw _cluster.Failure("the watch of the queues ended");
    }

    /// <summary>etcd answers a campaign with the header of its first write, whenever it was won.</summary>
    private LockHistory Usable(LockHistory seen) => _options.Kind == ServerKind.Conclave ? seen
        : seen with { Attempts = [.. seen.Attempts.Select(attempt => LockNames.IsElection(attempt.Name) ? attempt with { Revision = 0 } : attempt)] };

    private LocksReport Judge(LockHistory seen, IReadOnlyList<QueueTurn> turns, FaultLoop faults) => new()
    {
        Kind = _options.Kind.ToString(),
        MemberFaults = faults.Told,
        ClientPauses = _clientPauses,
        Attempts = seen.Attempts.Count,
        Granted = seen.Attempts.Count(attempt => attempt.End == LockEnd.Granted),
        SurelyHeld = seen.Attempts.Count(attempt => attempt.End == LockEnd.Granted && attempt.HeldUntil > attempt.Ended),
        Refused = seen.Attempts.Count(attempt => attempt.End == LockEnd.Refused),
        Broken = seen.Attempts.Count(attempt => attempt.End == LockEnd.Broken),
        Writes = seen.Writes.Count,
        WritesRefused = seen.Writes.Count(write => write.End == GuardedEnd.Refused),
        WritesUnknown = seen.Writes.Count(write => write.End == GuardedEnd.Unknown),
        Turns = turns.Count,
        LeadersSeen = seen.Leaders.Count,
        LongestWaitSeconds = seen.Attempts.Select(attempt => Stopwatch.GetElapsedTime(attempt.Called, attempt.Ended).TotalSeconds).DefaultIfEmpty(0).Max(),
        Violations = [.. LockChecks.All(seen, turns)],
    };
}
