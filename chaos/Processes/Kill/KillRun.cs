using System.Diagnostics;
using Conclave.Processes.Checks;
using Conclave.Processes.Probes;
using Conclave.Processes.Servers;
using Conclave.Processes.Sessions;

namespace Conclave.Processes.Kill;

/// <summary>Kills members under load, then judges what the clients were told.</summary>
public sealed class KillRun
{
    private const int CallsBetweenFaults = 600;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly KillOptions _options;
    private readonly ProcessCluster _cluster;
    private readonly Action<string> _log;
    private readonly int[] _incarnations;
    private readonly Workload _workload;

    private KillRun(KillOptions options, ProcessCluster cluster, Action<string> log)
    {
        (_options, _cluster, _log, _incarnations) = (options, cluster, log, new int[cluster.Members.Count]);
        _workload = new Workload(cluster, options.Seed, member => Volatile.Read(ref _incarnations[member]));
    }

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
        (List<double> leaderKills, List<double> allKills, List<double> pauses) = ([], [], []);
        await _workload.RunDuringAsync(async () =>
        {
            for (int kill = 0; kill < _options.LeaderKills; kill++)
                leaderKills.Add(await KillLeaderAsync(kill, cancellationToken).ConfigureAwait(false));
            for (int kill = 0; kill < _options.AllKills; kill++)
                allKills.Add(await KillAllAsync(kill, cancellationToken).ConfigureAwait(false));
            for (int pause = 0; pause < _options.LeaderPauses; pause++)
                pauses.Add(await PauseLeaderAsync(pause, cancellationToken).ConfigureAwait(false));
            await WaitUntilHealthyAsync(cancellationToken).ConfigureAwait(false);
        }, cancellationToken).ConfigureAwait(false);
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
        await _workload.WaitForCallsAsync(CallsBetweenFaults, Patience, cancellationToken).ConfigureAwait(false);
    }

    private KillReport Judge(IReadOnlyList<double> leaderKills, IReadOnlyList<double> allKills, IReadOnlyList<double> pauses, FinalState final)
    {
        WorkloadReport seen = _workload.Judge(final);
        return new KillReport
        {
            Kind = _options.Kind.ToString(),
            LeaderKillMilliseconds = leaderKills,
            AllKillMilliseconds = allKills,
            LeaderPauseMilliseconds = pauses,
            Acknowledged = seen.Acknowledged,
            Refused = seen.Refused,
            Unknown = seen.Unknown,
            Keys = seen.Keys,
            Repeats = seen.Repeats,
            HistoryOperations = seen.HistoryOperations,
            StatesExplored = seen.StatesExplored,
            Violations = seen.Violations,
        };
    }
}
