using System.Diagnostics;
using Conclave.Linearizability;
using Conclave.Processes.Checks;
using Conclave.Processes.Probes;
using Conclave.Processes.Rpc;
using Conclave.Processes.Servers;
using Conclave.Processes.Sessions;

namespace Conclave.Processes.Kill;

/// <summary>Kills members under load, then judges what the clients were told.</summary>
public sealed class KillRun
{
    private const int Writers = 4, RegisterClients = 6, CounterClients = 2, Readers = 2, CallsBetweenFaults = 600;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly KillOptions _options;
    private readonly ProcessCluster _cluster;
    private readonly Action<string> _log;
    private readonly int[] _incarnations;
    private readonly UniqueWriter[] _writers;
    private readonly RegisterClient[] _registers;
    private readonly CounterClient[] _counters;
    private readonly SerializableReader[] _readers;

    private KillRun(KillOptions options, ProcessCluster cluster, Action<string> log)
    {
        (_options, _cluster, _log, _incarnations) = (options, cluster, log, new int[cluster.Members.Count]);
        int id = 0;
        int Seed() => (options.Seed * 1_000) + id;
        _writers = [.. Enumerable.Range(0, Writers).Select(_ => new UniqueWriter(++id, cluster, Seed()))];
        _registers = [.. Enumerable.Range(0, RegisterClients).Select(_ => new RegisterClient(++id, cluster, Seed()))];
        _counters = [.. Enumerable.Range(0, CounterClients).Select(_ => new CounterClient(++id, cluster, Seed()))];
        _readers = [.. Enumerable.Range(0, Readers).Select(_ => new SerializableReader(++id, cluster, Seed(), member => Volatile.Read(ref _incarnations[member])))];
    }

    private Session[] Sessions => [.. _writers, .. _registers, .. _counters, .. _readers];

    /// <summary>Starts a cluster and runs.</summary>
    /// <param name="options">How often to kill what.</param>
    /// <param name="log">A line per fault.</param>
    /// <param name="cancellationToken">Ends it early, without a report.</param>
    /// <exception cref="InvalidOperationException">The cluster did not come back at all.</exception>
    public static async Task<KillReport> RunAsync(KillOptions options, Action<string> log, CancellationToken cancellationToken = default)
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(new ClusterOptions { Kind = options.Kind }, cancellationToken).ConfigureAwait(false);
        await cluster.WaitUntilAllServeAsync(Patience, cancellationToken).ConfigureAwait(false);
        KillReport report = await new KillRun(options, cluster, log).RunAsync(cancellationToken).ConfigureAwait(false);
        cluster.KeepFiles |= report.Violations.Count > 0;
        return report;
    }

    private async Task<KillReport> RunAsync(CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] running = [.. Sessions.Select(session => Task.Run(() => session.RunAsync(stop.Token), CancellationToken.None))];
        (List<double> leaderKills, List<double> allKills, List<double> pauses) = ([], [], []);
        try
        {
            for (int kill = 0; kill < _options.LeaderKills; kill++)
                leaderKills.Add(await KillLeaderAsync(kill, cancellationToken).ConfigureAwait(false));
            for (int kill = 0; kill < _options.AllKills; kill++)
                allKills.Add(await KillAllAsync(kill, cancellationToken).ConfigureAwait(false));
            for (int pause = 0; pause < _options.LeaderPauses; pause++)
                pauses.Add(await PauseLeaderAsync(pause, cancellationToken).ConfigureAwait(false));
            await WaitUntilHealthyAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(running).ConfigureAwait(false);
        }
        return Judge(leaderKills, allKills, pauses, await FinalState.ReadAsync(_cluster, cancellationToken).ConfigureAwait(false));
    }

    private async Task<double> KillLeaderAsync(int kill, CancellationToken cancellationToken)
    {
        await WaitUntilHealthyAsync(cancellationToken).ConfigureAwait(false);
        int leader = await _cluster.WaitForLeaderAsync(Patience, cancellationToken).ConfigureAwait(false);
        long killed = Stopwatch.GetTimestamp();
        _cluster.Members[leader].Kill();
        Interlocked.Increment(ref _incarnations[leader]);
        TimeSpan silence = await WriteProbe.UntilAcknowledgedAsync(_cluster, killed, Patience, cancellationToken).ConfigureAwait(false);
        _cluster.Members[leader].Start();
        _log($"kill {kill + 1} of the leader ({_cluster.Members[leader].Name}): {silence.TotalMilliseconds:0} ms until a write");
        return silence.TotalMilliseconds;
    }

    private async Task<double> KillAllAsync(int kill, CancellationToken cancellationToken)
    {
        await WaitUntilHealthyAsync(cancellationToken).ConfigureAwait(false);
        _cluster.KillAll();
        for (int member = 0; member < _incarnations.Length; member++)
            Interlocked.Increment(ref _incarnations[member]);
        long started = Stopwatch.GetTimestamp();
        _cluster.StartAll();
        TimeSpan silence = await WriteProbe.UntilAcknowledgedAsync(_cluster, started, Patience, cancellationToken).ConfigureAwait(false);
        _log($"kill {kill + 1} of all: {silence.TotalMilliseconds:0} ms until a write");
        return silence.TotalMilliseconds;
    }

    private async Task<double> PauseLeaderAsync(int pause, CancellationToken cancellationToken)
    {
        await WaitUntilHealthyAsync(cancellationToken).ConfigureAwait(false);
        int leader = await _cluster.WaitForLeaderAsync(Patience, cancellationToken).ConfigureAwait(false);
        long paused = Stopwatch.GetTimestamp();
        _cluster.Members[leader].Pause();
        try
        {
            TimeSpan silence = await WriteProbe.UntilAcknowledgedAsync(_cluster, paused, Patience, cancellationToken).ConfigureAwait(false);
            _log($"pause {pause + 1} of the leader ({_cluster.Members[leader].Name}): {silence.TotalMilliseconds:0} ms until a write");
            return silence.TotalMilliseconds;
        }
        finally
        {
            _cluster.Members[leader].Resume();
        }
    }

    /// <summary>Every member has to be back, or the next kill would take the majority away; and the clients have to have done something worth losing.</summary>
    private async Task WaitUntilHealthyAsync(CancellationToken cancellationToken)
    {
        await _cluster.WaitUntilAllServeAsync(Patience, cancellationToken).ConfigureAwait(false);
        long start = Stopwatch.GetTimestamp();
        int target = Sessions.Sum(session => session.Progress) + CallsBetweenFaults;
        while (Sessions.Sum(session => session.Progress) < target)
        {
            if (Stopwatch.GetElapsedTime(start) > Patience)
                throw _cluster.Failure($"the clients made fewer than {CallsBetweenFaults} calls in {Patience.TotalSeconds:0} s though no member was down");
            await Task.Delay(10, cancellationToken).ConfigureAwait(false);
        }
    }

    private KillReport Judge(IReadOnlyList<double> leaderKills, IReadOnlyList<double> allKills, IReadOnlyList<double> pauses, FinalState final)
    {
        Operation[] history = [.. _registers.SelectMany(client => client.History)];
        List<string> violations =
        [
            .. KillChecks.Durability([.. _writers.SelectMany(writer => writer.Writes)], final),
            .. KillChecks.Agreement(final),
            .. KillChecks.RevisionOrder([.. Sessions.SelectMany(session => session.Points)]),
            .. KillChecks.SerializableReads(_readers, history),
            .. KillChecks.Counters(_counters, final),
            .. KillChecks.Registers(history, final, out Verdict verdict),
        ];
        long Count(RpcOutcome outcome) => Sessions.Sum(session => session.Calls[outcome]);
        return new KillReport
        {
            Kind = _options.Kind.ToString(),
            LeaderKillMilliseconds = leaderKills,
            AllKillMilliseconds = allKills,
            LeaderPauseMilliseconds = pauses,
            Acknowledged = Count(RpcOutcome.Acknowledged),
            Refused = Count(RpcOutcome.Refused),
            Unknown = Count(RpcOutcome.Unknown),
            Keys = final.Keys.Count,
            HistoryOperations = history.Length,
            StatesExplored = verdict.StatesExplored,
            Violations = violations,
        };
    }
}
