using System.Diagnostics;
using Conclave.Processes.Checks;
using Conclave.Processes.Membership;
using Conclave.Processes.Rpc;
using Conclave.Processes.Servers;
using Conclave.Processes.Sessions;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Processes.Damage;

/// <summary>Damages the disk of one member after the other under load, then judges what the clients were told.</summary>
public sealed class DamageRun
{
    private const int OwnDiskMebibytes = 128, MembersEverMax = 64, CallsBetweenDamages = 600;

    /// <summary>Few, so that there are snapshots to damage, and members that need one.</summary>
    private const string SnapshotCount = "1000";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60), KeptOutPatience = TimeSpan.FromSeconds(8), FullTime = TimeSpan.FromSeconds(10), AlarmPatience = TimeSpan.FromSeconds(20), ReadTimeout = TimeSpan.FromSeconds(2);

    private readonly DamageOptions _options;
    private readonly ProcessCluster _cluster;
    private readonly Action<string> _log;
    private readonly Random _random;
    private readonly int[] _incarnations = new int[MembersEverMax];
    private readonly Workload _workload;
    private readonly MemberOperations _members;
    private readonly List<string> _violations = [];

    private DamageRun(DamageOptions options, ProcessCluster cluster, Action<string> log)
    {
        (_options, _cluster, _log, _random) = (options, cluster, log, new Random(options.Seed));
        _members = new MemberOperations(cluster, Patience);
        _workload = new Workload(cluster, options.Seed, place => Volatile.Read(ref _incarnations[place]));
    }

    /// <summary>Starts a cluster and runs.</summary>
    /// <param name="options">What to damage.</param>
    /// <param name="log">A line per damage.</param>
    /// <param name="cancellationToken">Ends it early, without a report.</param>
    /// <exception cref="InvalidOperationException">The cluster did not come back at all.</exception>
    public static async Task<DamageReport> RunAsync(DamageOptions options, Action<string> log, CancellationToken cancellationToken = default)
    {
        var servers = new ClusterOptions { Kind = ServerKind.Conclave, Arguments = ["--snapshot-count", SnapshotCount] };
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(servers, cancellationToken).ConfigureAwait(false);
        await cluster.WaitUntilAllServeAsync(Patience, cancellationToken).ConfigureAwait(false);
        DamageReport report = await new DamageRun(options, cluster, log).RunAsync(cancellationToken).ConfigureAwait(false);
        cluster.KeepFiles |= report.Violations.Count > 0;
        return report;
    }

    private async Task<DamageReport> RunAsync(CancellationToken cancellationToken)
    {
        List<DamageEnd> damages = [];
        await _workload.RunDuringAsync(async () =>
        {
            foreach (DamageKind kind in _options.Kinds)
            {
                DamageEnd end = await DamageAsync(kind, cancellationToken).ConfigureAwait(false);
                damages.Add(end);
                _log($"{end.Kind} at {end.Member} ({end.Where}): {end.Outcome} after {end.Milliseconds:0} ms");
            }
            await SettleAsync(cancellationToken).ConfigureAwait(false);
        }, cancellationToken).ConfigureAwait(false);
        WorkloadReport seen = _workload.Judge(await FinalState.ReadAsync(_cluster, cancellationToken).ConfigureAwait(false));
        return new DamageReport { Damages = damages, Clients = seen, Violations = [.. _violations, .. seen.Violations] };
    }

    private async Task<DamageEnd> DamageAsync(DamageKind kind, CancellationToken cancellationToken)
    {
        await SettleAsync(cancellationToken).ConfigureAwait(false);
        int place = _cluster.Serving[_random.Next(_cluster.Serving.Count)];
        if (kind == DamageKind.FullDisk)
            return await FillAsync(place, cancellationToken).ConfigureAwait(false);
        ServerProcess victim = _cluster.Members[place];
        var disk = new DataDirectory(victim.DataDirectory, _random);
        if (kind == DamageKind.SnapshotBit)
            await UntilSnapshotAsync(disk, cancellationToken).ConfigureAwait(false);
        string copy = victim.DataDirectory + ".copy";
        if (kind is DamageKind.OlderCopy or DamageKind.SecondProcess)
            await CopyAsync(place, disk, copy, cancellationToken).ConfigureAwait(false);
        if (kind == DamageKind.SecondProcess)
            return await StartSecondAsync(place, copy, cancellationToken).ConfigureAwait(false);

        victim.Kill();
        string where = kind switch
        {
            DamageKind.LogBit => disk.FlipInLog(atEnd: false),
            DamageKind.LogEndBit => disk.FlipInLog(atEnd: true),
            DamageKind.SnapshotBit => disk.FlipInSnapshot(),
            DamageKind.SuperblockBit => disk.FlipInSuperblock(),
            DamageKind.Wiped => disk.Wipe(),
            _ => Restore(victim, copy),
        };
        return await EndAsync(kind, place, where, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Starts the damaged member and sees what becomes of it; when it does not come back, a new one takes its place.</summary>
    private async Task<DamageEnd> EndAsync(DamageKind kind, int place, string where, CancellationToken cancellationToken)
    {
        ServerProcess victim = _cluster.Members[place];
        Interlocked.Increment(ref _incarnations[place]);
        long started = Stopwatch.GetTimestamp();
        victim.Start();
        DamageOutcome outcome = await WatchAsync(place, cancellationToken).ConfigureAwait(false);
        double milliseconds = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        if (outcome == DamageOutcome.Recovered && kind is DamageKind.Wiped or DamageKind.OlderCopy)
            _violations.Add($"{victim.Name} was let in with {where}: it may have forgotten votes, and writes that it acknowledged.");
        if (outcome == DamageOutcome.Recovered)
            return new DamageEnd(kind, victim.Name, where, outcome, milliseconds, "");
        string said = Reason(victim);
        victim.Kill();
        await ReplaceAsync(place, cancellationToken).ConfigureAwait(false);
        return new DamageEnd(kind, victim.Name, where, outcome, milliseconds, said);
    }

    /// <summary>Starts the copy beside the original: at most one of the two may take part, and the original's clients lose nothing.</summary>
    private async Task<DamageEnd> StartSecondAsync(int place, string copy, CancellationToken cancellationToken)
    {
        ServerProcess original = _cluster.Members[place];
        List<int> ports = _cluster.TakePorts().Ports;
        string directory = Path.Combine(Path.GetDirectoryName(original.DataDirectory)!, "second");   // never the root
        Directory.CreateDirectory(directory);
        using ServerProcess second = original.CopyTo(ports[0], ports[1], directory);
        Directory.Move(copy, second.DataDirectory);
        using var caller = new MemberClient(second.ClientUrl);
        long started = Stopwatch.GetTimestamp();
        second.Start();
        int served = 0;
        // As long as it takes a member to be noticed twice; both dial the others all the time.
        while (Stopwatch.GetElapsedTime(started) < KeptOutPatience && second.IsRunning)
        {
            RpcResult<RangeResponse> read = await caller.RangeAsync(new RangeRequest { Key = ByteString.CopyFromUtf8("x") }, ReadTimeout, cancellationToken).ConfigureAwait(false);
            if (read.Succeeded)
                served++;
            await Task.Delay(100, cancellationToken).ConfigureAwait(false);
        }
        DamageOutcome outcome = second.IsRunning ? served == 0 ? DamageOutcome.KeptOut : DamageOutcome.Recovered : DamageOutcome.Refused;
        string said = Reason(second);
        double milliseconds = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        second.Kill();
        if (served > 0)
            _violations.Add($"A second process with a copy of {original.Name}'s directory answered {served} linearizable reads while the first one ran.");
        // The original may have been kept out instead, when both claimed to be it: then it has to come back once it is alone, or be replaced.
        if (original.IsRunning && await WatchAsync(place, cancellationToken).ConfigureAwait(false) == DamageOutcome.Recovered)
            return new DamageEnd(DamageKind.SecondProcess, original.Name, "second process", outcome, milliseconds, said);
        said = $"{said} The original: {Reason(original)}";
        original.Kill();
        await ReplaceAsync(place, cancellationToken).ConfigureAwait(false);
        return new DamageEnd(DamageKind.SecondProcess, original.Name, "second process, and the original had to be replaced", outcome, milliseconds, said);
    }

    /// <summary>Waits until the member serves, ends, or has been kept out for long enough.</summary>
    private async Task<DamageOutcome> WatchAsync(int place, CancellationToken cancellationToken)
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            if (!_cluster.Members[place].IsRunning)
                return DamageOutcome.Refused;
            RpcResult<RangeResponse> read = await _cluster.Clients[place].RangeAsync(new RangeRequest { Key = ByteString.CopyFromUtf8("x") }, ReadTimeout, cancellationToken).ConfigureAwait(false);
            if (read.Succeeded)
                return DamageOutcome.Recovered;
            if (Stopwatch.GetElapsedTime(started) > KeptOutPatience)
                return DamageOutcome.KeptOut;
            await Task.Delay(50, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Puts a member on a small disk of its own, fills it while clients work, and makes room again.</summary>
    private async Task<DamageEnd> FillAsync(int place, CancellationToken cancellationToken)
    {
        _cluster.Members[place].Kill();
        int filled = await ReplaceAsync(place, cancellationToken, OwnDiskMebibytes).ConfigureAwait(false);
        await SettleAsync(cancellationToken).ConfigureAwait(false);
        ServerProcess victim = _cluster.Members[filled];
        string filler = Path.Combine(victim.SeenDataDirectory, "filler");
        long bytes = DataDirectory.Fill(filler);
        (int tried, int succeeded) = await WriteMeanwhileAsync(filled, cancellationToken).ConfigureAwait(false);
        string where = $"{bytes >> 20} MiB of {OwnDiskMebibytes} were free; {succeeded} of {tried} writes through the others succeeded while there was no room";

        long started = Stopwatch.GetTimestamp();
        if (victim.IsRunning)
            File.Delete(filler);
        DamageOutcome outcome = await WatchAsync(filled, cancellationToken).ConfigureAwait(false);
        DamageEnd end = new(DamageKind.FullDisk, victim.Name, where, outcome, Stopwatch.GetElapsedTime(started).TotalMilliseconds, outcome == DamageOutcome.Recovered ? "" : Reason(victim));
        victim.Kill();   // and its disk with it
        await ReplaceAsync(filled, cancellationToken).ConfigureAwait(false);
        if (!await CanWriteAsync(cancellationToken).ConfigureAwait(false))
            _violations.Add($"No write succeeds {AlarmPatience.TotalSeconds:0} s after {victim.Name}, whose disk was full, is gone: the alarm that it raised has outlived it.");
        return end;
    }

    private async Task<bool> CanWriteAsync(CancellationToken cancellationToken)
    {
        long started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < AlarmPatience)
        {
            if ((await _cluster.Clients[_cluster.Serving[0]].PutAsync("full-disk-probe"u8.ToArray(), new byte[100], ReadTimeout, cancellationToken).ConfigureAwait(false)).Succeeded)
                return true;
            await Task.Delay(100, cancellationToken).ConfigureAwait(false);
        }
        return false;
    }

    private async Task<(int Tried, int Succeeded)> WriteMeanwhileAsync(int except, CancellationToken cancellationToken)
    {
        long started = Stopwatch.GetTimestamp();
        (int tried, int succeeded) = (0, 0);
        while (Stopwatch.GetElapsedTime(started) < FullTime)
        {
            foreach (int other in _cluster.Serving.Where(other => other != except))
            {
                tried++;
                if ((await _cluster.Clients[other].PutAsync("full-disk-probe"u8.ToArray(), new byte[100], ReadTimeout, cancellationToken).ConfigureAwait(false)).Succeeded)
                    succeeded++;
            }
            await Task.Delay(20, cancellationToken).ConfigureAwait(false);
        }
        return (tried, succeeded);
    }

    /// <returns>Place of the new member.</returns>
    private async Task<int> ReplaceAsync(int place, CancellationToken cancellationToken, int ownDiskMebibytes = 0)
    {
        _cluster.Serving = [.. _cluster.Serving.Where(other => other != place)];
        await _members.RemoveAsync(place, cancellationToken).ConfigureAwait(false);
        int added = await _members.AddAsync(cancellationToken, ownDiskMebibytes).ConfigureAwait(false);
        await _members.WaitUntilVoterAsync(added, cancellationToken).ConfigureAwait(false);
        _cluster.Serving = [.. _cluster.Serving, added];
        return added;
    }

    /// <summary>Stops the member, copies its directory, lets it go on, and lets time pass.</summary>
    private async Task CopyAsync(int place, DataDirectory disk, string copy, CancellationToken cancellationToken)
    {
        _cluster.Members[place].Kill();
        disk.CopyTo(copy);
        Interlocked.Increment(ref _incarnations[place]);
        _cluster.Members[place].Start();
        await SettleAsync(cancellationToken).ConfigureAwait(false);
    }

    private static string Restore(ServerProcess victim, string copy)
    {
        Directory.Delete(victim.DataDirectory, recursive: true);
        Directory.Move(copy, victim.DataDirectory);
        return $"a copy from {CallsBetweenDamages} calls before";
    }

    private async Task UntilSnapshotAsync(DataDirectory disk, CancellationToken cancellationToken)
    {
        long started = Stopwatch.GetTimestamp();
        while (!disk.HasSnapshot)
        {
            if (Stopwatch.GetElapsedTime(started) > Patience)
                throw _cluster.Failure($"no snapshot was written in {Patience.TotalSeconds:0} s");
            await Task.Delay(100, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task SettleAsync(CancellationToken cancellationToken)
    {
        await _cluster.WaitUntilAllServeAsync(Patience, cancellationToken).ConfigureAwait(false);
        await _workload.WaitForCallsAsync(CallsBetweenDamages, Patience, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The last line of its log that a person would look for.</summary>
    private static string Reason(ServerProcess member)
    {
        string[] lines = member.LogTail(200).Split('\n');
        string exit = member.ExitCode is { } code ? $"(exit {code}) " : "";
        return exit + (lines.LastOrDefault(line => line.StartsWith("conclave-node:", StringComparison.Ordinal) || line.Contains(" fail:", StringComparison.Ordinal) || line.Contains("efused", StringComparison.Ordinal)) ?? "nothing");
    }
}
