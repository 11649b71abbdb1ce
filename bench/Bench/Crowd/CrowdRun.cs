using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using Conclave.Processes.Rpc;
using Conclave.Processes.Servers;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Bench.Crowd;

/// <summary>Many watchers of one node, of which some never read, while somebody writes.</summary>
internal sealed class CrowdRun(CrowdOptions options, ProcessCluster cluster) : IDisposable
{
    private const int StreamsPerConnection = 1_000, ValueBytes = 512, PastEvents = 1_000, OwnPerShared = 10, Stride = 997, Megabyte = 1 << 20;

    /// <summary>What HTTP/2 gives a stream when nobody says otherwise.</summary>
    private const int DefaultWindowBytes = 65_535;

    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(30), Patience = TimeSpan.FromSeconds(60), SampleInterval = TimeSpan.FromSeconds(5);

    private readonly IPEndPoint _endpoint = new(IPAddress.Loopback, cluster.Members[0].ClientPort);
    private readonly int _readers = options.Watchers * 4 / 10, _owners = options.Watchers * 4 / 10, _silent = options.Watchers - (2 * (options.Watchers * 4 / 10));
    private readonly List<CrowdConnection> _reading = [], _silentOnes = [];
    private readonly int[] _ownNumbers = new int[options.Watchers];
    private readonly byte[] _value = new byte[ValueBytes];
    private int _next;

    private MemberClient Client => cluster.Clients[0];

    private long ResidentBytes => cluster.Members[0].Usage.ResidentBytes;

    /// <summary>The command.</summary>
    public static async Task<int> MainAsync(string[] arguments)
    {
        CrowdOptions options;
        try
        {
            options = CrowdOptions.Parse(arguments);
        }
        catch (ArgumentException e)
        {
            Console.Error.WriteLine($"{e.Message}\n\n{BenchOptions.Usage}");
            return 2;
        }
        foreach (ServerKind kind in options.Kinds)
        {
            await using ProcessCluster cluster = await ProcessCluster.StartAsync(new ClusterOptions { Kind = kind, Members = 1 });
            using var run = new CrowdRun(options, cluster);
            await run.RunAsync();
        }
        return 0;
    }

    private async Task RunAsync()
    {
        int eventsMax = (options.Seconds * options.Rate) + PastEvents + 100;
        var deliveries = new Deliveries(_readers, eventsMax);
        for (int i = 0; i < 2_000; i++)   // warm, so that what comes on top is the watchers'
            await PutAsync("warm/up", i);
        for (; _next < PastEvents; _next++)
            await PutAsync(SharedKey(_next), _next);
        long before = ResidentBytes;
        Open(_readers, SharedWish, int.MaxValue, deliveries.Got, _reading);
        Open(_owners, OwnWish, int.MaxValue, _ => { }, _reading);
        Open(_silent, PastWish, DefaultWindowBytes, _ => { }, _silentOnes);
        long opened = ResidentBytes;
        Say($"{options.Watchers} watchers open ({_readers} read one range, {_owners} have a key each, {_silent} watch the range and never read, half of these from the first of {PastEvents} earlier events on): {Text(before)} -> {Text(opened)} MiB resident, {(opened - before) / options.Watchers / 1024.0:0.0} KiB per watcher");
        Task[] threads = [.. _reading.Select(each => Task.Factory.StartNew(each.Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        TimeSpan cpu = cluster.TotalCpu();
        await WriteAsync(deliveries, threads);
        cpu = cluster.TotalCpu() - cpu;
        await SettleAsync(deliveries);
        IReadOnlyList<TimeSpan> times = deliveries.Times;
        string At(double part) => times.Count == 0 ? "-" : times[(int)(part * (times.Count - 1))].TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture);
        Say($"{_next - PastEvents} events for the range, of which {deliveries.Complete} reached all {_readers} readers; {deliveries.Total} deliveries and {_reading.Sum(each => each.Events) - deliveries.Total} to own keys; until the last of {_readers} had one: median {At(0.5)} ms, 99 % {At(0.99)} ms, worst {At(1)} ms; server CPU {cpu.TotalSeconds:0.0} s");
        Say($"resident at the end {Text(ResidentBytes)} MiB; {(ResidentBytes - before) / options.Watchers / 1024.0:0.0} KiB per watcher");
        await ReadLateAsync(deliveries);
        foreach (CrowdConnection each in _reading)
            each.Stop();
        await PutAsync(SharedKey(_next), _next);
        for (int i = 0; i < _owners; i += StreamsPerConnection)
            await PutAsync(OwnKey(i), ++_ownNumbers[i]);
        await Task.WhenAll(threads).WaitAsync(Patience);
        if (_reading.Sum(each => each.Gaps) is > 0 and int gaps)
            throw new InvalidDataException($"{gaps} events came to readers though one before them had not.");
    }

    private void Open(int watches, Func<int, WatchCreateRequest> wish, int window, Action<int> got, List<CrowdConnection> into)
    {
        for (int from = 0; from < watches; from += StreamsPerConnection)
            into.Add(new CrowdConnection(_endpoint, [.. Enumerable.Range(from, Math.Min(StreamsPerConnection, watches - from)).Select(wish)], window, got));
    }

    /// <summary>Writes at a steady rate; in the middle everything so far is compacted, so that those who never read have lost something.</summary>
    private async Task WriteAsync(Deliveries deliveries, Task[] threads)
    {
        long start = Stopwatch.GetTimestamp(), sampled = start;
        bool compacted = false;
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1) / options.Rate);
        while (Stopwatch.GetElapsedTime(start).TotalSeconds is var elapsed && elapsed < options.Seconds)
        {
            if (threads.FirstOrDefault(thread => thread.IsFaulted) is { } failed)
                await failed;
            deliveries.Sent(_next);
            long revision = await PutAsync(SharedKey(_next), _next++);
            for (int i = 0; i < OwnPerShared; i++)
            {
                int own = ((_next * OwnPerShared) + i) * Stride % _owners;   // all over the connections
                await PutAsync(OwnKey(own), ++_ownNumbers[own]);
            }
            if (!compacted && elapsed > options.Seconds / 2.0)
            {
                compacted = (await Client.CompactAsync(revision, physical: true, CallTimeout)).Succeeded;
                Say($"{elapsed,5:0} s: compacted at revision {revision}");
            }
            if (Stopwatch.GetElapsedTime(sampled) > SampleInterval)
            {
                sampled = Stopwatch.GetTimestamp();
                Say($"{elapsed,5:0} s: {Text(ResidentBytes)} MiB resident, {deliveries.Total} deliveries");
            }
            await timer.WaitForNextTickAsync();
        }
    }

    private async Task SettleAsync(Deliveries deliveries)
    {
        for (long start = Stopwatch.GetTimestamp(); deliveries.Complete < _next - PastEvents && Stopwatch.GetElapsedTime(start) < Patience;)
            await Task.Delay(20);
    }

    private async Task ReadLateAsync(Deliveries deliveries)
    {
        long start = Stopwatch.GetTimestamp();
        deliveries.Sent(_next);
        await PutAsync(SharedKey(_next), _next);
        int last = _next++;
        int[] missing = await Task.WhenAll(_silentOnes.Select(each => Task.Factory.StartNew(() => each.ReadUpTo(last), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))).WaitAsync(Patience);
        Say($"the {_silent} that never read now read: {_silentOnes.Sum(each => each.Events)} events, {_silentOnes.Sum(each => each.ToldCompacted)} told of the compaction, {missing.Sum()} heard neither the last event nor of the compaction, {_silentOnes.Sum(each => each.Gaps)} gaps, in {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s; {Text(ResidentBytes)} MiB resident");
    }

    private async Task<long> PutAsync(string key, int number)
    {
        BinaryPrimitives.WriteInt32LittleEndian(_value, number);
        return (await Client.PutAsync(System.Text.Encoding.ASCII.GetBytes(key), [.. _value], CallTimeout)).Required.Header.Revision;
    }

    private static WatchCreateRequest SharedWish(int index) => new() { Key = ByteString.CopyFromUtf8("shared/"), RangeEnd = ByteString.CopyFromUtf8("shared0") };

    /// <summary>Every other one begins in the past, as after a broken connection: what it is to catch up with is more than it takes.</summary>
    private static WatchCreateRequest PastWish(int index)
    {
        WatchCreateRequest wish = SharedWish(index);
        wish.StartRevision = index % 2;
        return wish;
    }

    private static WatchCreateRequest OwnWish(int index) => new() { Key = ByteString.CopyFromUtf8(OwnKey(index)) };

    private static string SharedKey(int number) => string.Create(CultureInfo.InvariantCulture, $"shared/{number % 100:D3}");

    private static string OwnKey(int index) => string.Create(CultureInfo.InvariantCulture, $"own/{index:D6}");

    private static string Text(long bytes) => ((double)bytes / Megabyte).ToString("0", CultureInfo.InvariantCulture);

    private void Say(string text) => Console.WriteLine($"{cluster.Options.Kind,-9} {text}");

    public void Dispose()
    {
        foreach (CrowdConnection each in (CrowdConnection[])[.. _reading, .. _silentOnes])
            each.Dispose();
    }
}
