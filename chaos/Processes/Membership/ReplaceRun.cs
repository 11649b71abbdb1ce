using System.Diagnostics;
using Conclave.Processes.Checks;
using Conclave.Processes.Servers;
using Conclave.Processes.Sessions;

namespace Conclave.Processes.Membership;

/// <summary>Replaces all members under load, then judges what the clients were told.</summary>
public sealed class ReplaceRun
{
    private const int CallsBetweenChanges = 600;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ReplaceOptions _options;
    private readonly ProcessCluster _cluster;
    private readonly Action<string> _log;
    private readonly Workload _workload;
    private readonly MemberOperations _members;
    private readonly List<Replacement> _replacements = [];
    private readonly List<(long Started, long Joined, long Ended)> _times = [];

    private ReplaceRun(ReplaceOptions options, ProcessCluster cluster, Action<string> log)
    {
        (_options, _cluster, _log) = (options, cluster, log);
        _members = new MemberOperations(cluster, Patience);
        _workload = new Workload(cluster, options.Seed, _ => 0);   // no process is started twice
    }

    /// <summary>Starts a cluster and runs.</summary>
    /// <param name="options">How often.</param>
    /// <param name="log">A line per replacement.</param>
    /// <param name="cancellationToken">Ends it early, without a report.</param>
    /// <exception cref="InvalidOperationException">A change did not get through at all.</exception>
    public static async Task<ReplaceReport> RunAsync(ReplaceOptions options, Action<string> log, CancellationToken cancellationToken = default)
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(new ClusterOptions { Kind = options.Kind }, cancellationToken).ConfigureAwait(false);
        await cluster.WaitUntilAllServeAsync(Patience, cancellationToken).ConfigureAwait(false);
        ReplaceReport report = await new ReplaceRun(options, cluster, log).RunAsync(cancellationToken).ConfigureAwait(false);
        cluster.KeepFiles |= report.Violations.Count > 0;
        return report;
    }

    private async Task<ReplaceReport> RunAsync(CancellationToken cancellationToken)
    {
        int[] first = [.. _cluster.Serving];
        await _workload.RunDuringAsync(async () =>
        {
            for (int round = 0; round < _options.Rounds; round++)
            {
                foreach (int old in _cluster.Serving.ToArray())
                    await ReplaceAsync(old, cancellationToken).ConfigureAwait(false);
            }
            await _cluster.WaitUntilAllServeAsync(Patience, cancellationToken).ConfigureAwait(false);
            await _workload.WaitForCallsAsync(CallsBetweenChanges, Patience, cancellationToken).ConfigureAwait(false);
        }, cancellationToken).ConfigureAwait(false);

        WorkloadReport seen = _workload.Judge(await FinalState.ReadAsync(_cluster, cancellationToken).ConfigureAwait(false));
        string[] left = [.. _cluster.Serving.Intersect(first).Select(place => $"{_cluster.Members[place].Name} still serves.")];
        IEnumerable<Replacement> timed = _replacements.Zip(_times, (one, time) => one with
        {
            JoinGapMilliseconds = _workload.LongestWriteGap(time.Started, time.Joined, anybody: false),
            RemoveGapMilliseconds = _workload.LongestWriteGap(time.Joined, time.Ended, anybody: false),
        });
        return new ReplaceReport { Kind = _options.Kind.ToString(), Replacements = [.. timed], Clients = seen, Violations = [.. left, .. seen.Violations] };
    }

    private async Task ReplaceAsync(int old, CancellationToken cancellationToken)
    {
        await _cluster.WaitUntilAllServeAsync(Patience, cancellationToken).ConfigureAwait(false);
        await _workload.WaitForCallsAsync(CallsBetweenChanges, Patience, cancellationToken).ConfigureAwait(false);
        bool led = await _cluster.WaitForLeaderAsync(Patience, cancellationToken).ConfigureAwait(false) == old;

        long started = Stopwatch.GetTimestamp();
        int added = await _members.AddAsync(cancellationToken).ConfigureAwait(false);
        await _members.WaitUntilVoterAsync(added, cancellationToken).ConfigureAwait(false);
        long joined = Stopwatch.GetTimestamp();
        _cluster.Serving = [.. _cluster.Serving, added];

        // Clients go on asking the old one while it is removed: nothing that it still says may be wrong.
        _cluster.Leaving = old;
        await _members.RemoveAsync(old, cancellationToken).ConfigureAwait(false);
        long removed = Stopwatch.GetTimestamp();
        await _workload.WaitForCallsAsync(CallsBetweenChanges, Patience, cancellationToken).ConfigureAwait(false);
        _cluster.Serving = [.. _cluster.Serving.Where(place => place != old)];
        _cluster.Leaving = null;
        _cluster.Members[old].Stop(Patience);

        _times.Add((started, joined, Stopwatch.GetTimestamp()));
        Replacement replacement = new(_cluster.Members[old].Name, _cluster.Members[added].Name, led,
            Stopwatch.GetElapsedTime(started, joined).TotalMilliseconds, Stopwatch.GetElapsedTime(joined, removed).TotalMilliseconds);
        _replacements.Add(replacement);
        _log(replacement.ToString());
    }
}
