using System.Diagnostics;
using System.Globalization;
using System.Net;
using Conclave.Bench.Cases;
using Conclave.Bench.Load;
using Conclave.Processes.Servers;

namespace Conclave.Bench.Snapshots;

/// <summary>Writes while members write snapshots of a large state, beside writes while none does, in one run.</summary>
internal static class SnapshotRun
{
    private const int Clients = 16, FillValueBytes = 4096;

    /// <summary>The command.</summary>
    public static async Task<int> MainAsync(string[] arguments)
    {
        (int mebibytes, int seconds, int[] members, string entries) = (200, 60, [1, 3], "30000");
        for (int i = 0; i + 1 < arguments.Length; i += 2)
        {
            switch (arguments[i])
            {
                case "--state-mib": mebibytes = int.Parse(arguments[i + 1], CultureInfo.InvariantCulture); break;
                case "--seconds": seconds = int.Parse(arguments[i + 1], CultureInfo.InvariantCulture); break;
                case "--members": members = [.. arguments[i + 1].Split(',').Select(text => int.Parse(text, CultureInfo.InvariantCulture))]; break;
                case "--snapshot-count": entries = arguments[i + 1]; break;
                default: throw new ArgumentException($"{arguments[i]} is not an option.");
            }
        }

        Console.WriteLine("| members | a snapshot is written | seconds | writes/s | p50 ms | p99 ms | p99.9 ms | max ms |\n|---|---|---|---|---|---|---|---|");
        foreach (int count in members)
            await RunAsync(count, mebibytes, seconds, entries);
        return 0;
    }

    private static async Task RunAsync(int members, int mebibytes, int seconds, string entries)
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(new ClusterOptions { Kind = ServerKind.Conclave, Members = members, Arguments = [$"--snapshot-count={entries}"] });
        await KeySpace.FillAsync(cluster, "state/", mebibytes * (1 << 20) / FillValueBytes, FillValueBytes, CancellationToken.None);
        var window = new LoadWindow();
        var notes = new List<Note>();
        LoadClient[] clients = [.. Enumerable.Range(0, Clients).Select(i => new NotingClient(new PutClient(i), notes))];
        int leader = await cluster.WaitForLeaderAsync(TimeSpan.FromSeconds(10));
        LoadWorker[] workers = LoadCase.Spread(clients, [new IPEndPoint(IPAddress.Loopback, cluster.Members[leader].ClientPort)], 1, window);
        try
        {
            Task running = Task.Factory.StartNew(workers[0].Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            await Task.Delay(TimeSpan.FromSeconds(5));
            var spans = new List<(long From, long To, bool Writes)>();
            long end = Stopwatch.GetTimestamp() + (seconds * Stopwatch.Frequency), before = Stopwatch.GetTimestamp();
            bool wrote = IsWritten(cluster);
            while (before < end)
            {
                await Task.Delay(5);
                (long now, bool writes) = (Stopwatch.GetTimestamp(), IsWritten(cluster));
                // What lies between two different looks is left out.
                if (wrote == writes) spans.Add((before, now, writes));
                (before, wrote) = (now, writes);
            }

            window.End();
            await running;
            foreach (bool writes in (bool[])[false, true])
                Print(members, writes, spans.Where(span => span.Writes == writes).ToList(), notes);
        }
        finally
        {
            foreach (LoadWorker worker in workers)
                worker.Dispose();
        }
    }

    private static void Print(int members, bool writes, List<(long From, long To, bool Writes)> spans, List<Note> notes)
    {
        double seconds = spans.Sum(span => (double)(span.To - span.From)) / Stopwatch.Frequency;
        var latencies = new LatencyHistogram();
        long max = 0;
        int at = 0;
        foreach (Note note in notes)
        {
            while (at < spans.Count && spans[at].To < note.Ended) at++;
            if (at == spans.Count) break;
            if (note.Ended < spans[at].From) continue;
            latencies.Add(Stopwatch.GetElapsedTime(note.Began, note.Ended));
            max = Math.Max(max, note.Ended - note.Began);
        }

        string Of(TimeSpan value) => value.TotalMilliseconds.ToString("0.0", CultureInfo.InvariantCulture);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {members} | {(writes ? "yes" : "no")} | {seconds:0.0} | {latencies.Count / Math.Max(seconds, 0.001):0} | {Of(latencies.Percentile(0.5))} | {Of(latencies.Percentile(0.99))} | {Of(latencies.Percentile(0.999))} | {Of(TimeSpan.FromSeconds((double)max / Stopwatch.Frequency))} |"));
    }

    /// <summary>Whether any member is at it: the file has another name until it is whole.</summary>
    private static bool IsWritten(ProcessCluster cluster) =>
        cluster.Members.Any(member => Directory.EnumerateFiles(Path.Combine(member.DataDirectory, "member"), "snapshot-*.tmp").Any());

    private readonly record struct Note(long Began, long Ended);

    /// <summary>Notes when each call began and ended. Used by the one thread of its worker.</summary>
    private sealed class NotingClient(LoadClient inner, List<Note> notes) : LoadClient
    {
        private long _began;

        public override string Path => inner.Path;

        public override ReadOnlySpan<byte> Next()
        {
            _began = Stopwatch.GetTimestamp();
            return inner.Next();
        }

        public override Verdict Judge(ReadOnlySpan<byte> response)
        {
            notes.Add(new Note(_began, Stopwatch.GetTimestamp()));
            return inner.Judge(response);
        }
    }
}
