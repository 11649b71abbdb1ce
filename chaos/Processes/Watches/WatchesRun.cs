using System.Diagnostics;
using Conclave.Processes.Faults;
using Conclave.Processes.Rpc;
using Conclave.Processes.Servers;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Processes.Watches;

/// <summary>Watchers and writers under kills, pauses, compactions and members that come back far behind; then judges what each watcher was told.</summary>
public sealed class WatchesRun
{
    private const int Writers = 4, CompactionDistanceMax = 1_500, BehindRevisions = 700, BehindLargeWrites = 9;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60), CallTimeout = TimeSpan.FromSeconds(10), LargeInterval = TimeSpan.FromSeconds(4);
    private static readonly ByteString Zero = ByteString.CopyFrom(0);
    private static readonly MemberFault[] Faults = [MemberFault.KillLeader, MemberFault.PauseAny, MemberFault.KillAny, MemberFault.PauseLeader];

    /// <summary>Snapshots come early, and requests may be larger than a message that a client takes in parts.</summary>
    private static readonly string[] Arguments = ["--snapshot-count", "300", "--max-request-bytes", "8388608"];

    private readonly WatchesOptions _options;
    private readonly ProcessCluster _cluster;
    private readonly Action<string> _log;
    private readonly Random _random;
    private readonly RecordingWatcher _everything;
    private readonly RecordingWatcher[] _watchers;
    private readonly WatchWriter[] _writers;
    private readonly WatchWriter _large;
    private long _compactionAsked;
    private int _compactions, _leftBehind;

    private WatchesRun(WatchesOptions options, ProcessCluster cluster, Action<string> log)
    {
        (_options, _cluster, _log, _random) = (options, cluster, log, new Random(options.Seed));
        long Asked() => Volatile.Read(ref _compactionAsked);
        var all = new WatchWish { Key = "\0", RangeEnd = "\0", WantsPrevious = true };
        _everything = new RecordingWatcher(new WatchedHistory("watcher of everything", all), WatchHabit.AsksProgress, fromFirst: true, cluster, member: 0, Asked, options.Seed);
        _watchers =
        [
            .. from kind in WatchKeys.Kinds
               from i in Enumerable.Range(0, options.Watchers)
               select new RecordingWatcher(new WatchedHistory($"watcher {i + 1} of {kind.Name}", kind.Wish), kind.Habit, fromFirst: false, cluster, i % cluster.Members.Count, Asked, _random.Next()),
        ];
        _writers = [.. Enumerable.Range(1, Writers).Select(id => new WatchWriter(id, cluster, (options.Seed * 100) + id))];
        _large = new WatchWriter(0, cluster, options.Seed * 100);
    }

    /// <summary>Starts a cluster and runs.</summary>
    /// <param name="options">How long.</param>
    /// <param name="log">A line per fault.</param>
    /// <param name="cancellationToken">Ends it early, without a report.</param>
    /// <exception cref="InvalidOperationException">The cluster did not come back at all.</exception>
    public static async Task<WatchesReport> RunAsync(WatchesOptions options, Action<string> log, CancellationToken cancellationToken = default)
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(new ClusterOptions { Kind = options.Kind, Arguments = Arguments }, cancellationToken).ConfigureAwait(false);
        await cluster.WaitUntilAllServeAsync(Patience, cancellationToken).ConfigureAwait(false);
        WatchesReport report = await new WatchesRun(options, cluster, log).RunAsync(cancellationToken).ConfigureAwait(false);
        cluster.KeepFiles |= report.Violations.Count > 0;
        return report;
    }

    private async Task<WatchesReport> RunAsync(CancellationToken cancellationToken)
    {
        var faults = new FaultLoop(_cluster, _random, _log);
        using var writing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] watchers = [.. _watchers.Append(_everything).Select(watcher => Task.Run(() => watcher.RunAsync(watching.Token), CancellationToken.None))];
        Task[] writers = [.. _writers.Select(writer => Task.Run(() => writer.RunAsync(writing.Token), CancellationToken.None)), Task.Run(() => WriteLargeAsync(writing.Token), CancellationToken.None), CompactAsync(writing.Token)];
        try
        {
            for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start).TotalSeconds < _options.Seconds;)
            {
                foreach (MemberFault kind in Faults)
                    await faults.StrikeAsync(kind, cancellationToken).ConfigureAwait(false);
                await LeaveBehindAsync(cancellationToken).ConfigureAwait(false);
            }
            await _cluster.WaitUntilAllServeAsync(Patience, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await writing.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(writers).ConfigureAwait(false);
        }
        RangeResponse final = await EverythingAsync(cancellationToken).ConfigureAwait(false);
        foreach (RecordingWatcher watcher in _watchers.Append(_everything))
            watcher.EndAt(final.Header.Revision);
        watching.CancelAfter(Patience);
        await Task.WhenAll(watchers).ConfigureAwait(false);
        return Judge(final, faults);
    }

    /// <summary>A member is away until the others have neither the entries nor the history that it lacks.</summary>
    private async Task LeaveBehindAsync(CancellationToken cancellationToken)
    {
        await _cluster.WaitUntilAllServeAsync(Patience, cancellationToken).ConfigureAwait(false);
        int place = _random.Next(_cluster.Members.Count);
        _cluster.Members[place].Kill();
        long from = _everything.Next;
        for (int i = 0; i < BehindLargeWrites; i++)
            await _large.WriteLargeAsync().ConfigureAwait(false);
        for (long start = Stopwatch.GetTimestamp(); _everything.Next < from + BehindRevisions || Volatile.Read(ref _compactionAsked) < from; await Task.Delay(50, cancellationToken).ConfigureAwait(false))
        {
            if (Stopwatch.GetElapsedTime(start) > Patience)
                throw _cluster.Failure($"the watcher of everything got from revision {from} to {_everything.Next} only while {_cluster.Members[place].Name} was away");
        }
        _cluster.Members[place].Start();
        _leftBehind++;
        _log($"{_cluster.Members[place].Name} was away from revision {from} to {_everything.Next}, compacted to {Volatile.Read(ref _compactionAsked)}");
    }

    private async Task WriteLargeAsync(CancellationToken stop)
    {
        var writer = new WatchWriter(Writers + 1, _cluster, _options.Seed);
        while (!stop.IsCancellationRequested)
        {
            await writer.WriteLargeAsync().ConfigureAwait(false);
            await Task.Delay(LargeInterval, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        _large.TakeOver(writer);
    }

    /// <summary>Never what the watcher of everything has not seen.</summary>
    private async Task CompactAsync(CancellationToken stop)
    {
        var random = new Random(_options.Seed + 1);
        while (!stop.IsCancellationRequested)
        {
            await Task.Delay(random.Next(300, 1_500), stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            long target = _everything.Next - 1 - random.Next(CompactionDistanceMax);
            if (stop.IsCancellationRequested || target <= Volatile.Read(ref _compactionAsked))
                continue;
            Volatile.Write(ref _compactionAsked, target);
            RpcResult<CompactionResponse> done = await _cluster.Clients[random.Next(_cluster.Clients.Count)].CompactAsync(target, physical: random.Next(2) == 0, CallTimeout, CancellationToken.None).ConfigureAwait(false);
            if (done.Succeeded)
                _compactions++;
        }
    }

    private async Task<RangeResponse> EverythingAsync(CancellationToken cancellationToken)
    {
        for (long start = Stopwatch.GetTimestamp(); ; await Task.Delay(50, cancellationToken).ConfigureAwait(false))
        {
            RpcResult<RangeResponse> read = await _cluster.Clients[0].RangeAsync(new RangeRequest { Key = Zero, RangeEnd = Zero }, CallTimeout, cancellationToken).ConfigureAwait(false);
            if (read.Response is { } answer)
                return answer;
            if (Stopwatch.GetElapsedTime(start) > Patience)
                throw _cluster.Failure($"no read of everything after the run ({read})");
        }
    }

    private WatchesReport Judge(RangeResponse final, FaultLoop faults)
    {
        WatchWriter[] writers = [.. _writers, _large];
        KnownPut[] acknowledged = [.. writers.SelectMany(writer => writer.Acknowledged)];
        List<string> violations = [];
        IReadOnlyList<SeenEvent> all = SequenceChecks.Sequence(_everything.History, violations);
        HashSet<(string, ulong)> tried = [.. writers.SelectMany(writer => writer.Tried)];
        violations.AddRange(SequenceChecks.Contents(all, acknowledged, tried, final.Kvs.ToDictionary(kv => kv.Key.ToStringUtf8(), KeyState.Of), final.Header.Revision));
        violations.AddRange(_watchers.AsParallel().SelectMany(watcher => WatchChecks.Check(watcher.History, all, final.Header.Revision)));
        WatchedStream[] streams = [.. _watchers.SelectMany(watcher => watcher.History.Streams)];
        WatchedResponse[] responses = [.. streams.SelectMany(stream => stream.Responses)];
        return new WatchesReport
        {
            Kind = _options.Kind.ToString(),
            MemberFaults = faults.Told,
            LeftBehind = _leftBehind,
            SnapshotsTaken = _cluster.Members.Sum(member => File.ReadLines(member.LogPath).Count(line => line.Contains("Took over snapshot", StringComparison.Ordinal))),
            Compactions = _compactions,
            Revisions = final.Header.Revision,
            Events = all.Count,
            AcknowledgedPuts = acknowledged.Length,
            UnknownWrites = writers.Sum(writer => writer.Unknown),
            Watchers = _watchers.Length,
            Streams = streams.Length,
            WentBack = _watchers.Sum(watcher => watcher.WentBack),
            Delivered = responses.Sum(response => (long)response.Events.Count),
            Fragments = responses.Count(response => response.IsFragment),
            ProgressMessages = responses.Count(response => response is { IsCreated: false, IsCanceled: false, Events.Count: 0 }),
            ToldCompacted = responses.Count(response => response.CompactRevision > 0),
            Violations = violations,
        };
    }
}
