using System.Diagnostics;
using System.Globalization;

namespace Conclave.Simulator;

/// <summary>Runs many seeds, on as many threads as told; each run is a world of its own.</summary>
internal sealed class Explorer(int steps, Mutation mutation, bool checkReleases = true)
{
    /// <summary>A failure is made small with at most this many runs while the search goes on.</summary>
    private const int ShrinkRunsMax = 500, ShrinkEventsMax = 3_000_000, ShrinksMax = 20;

    private readonly Lock _gate = new();
    private readonly Statistics _total = new();
    private readonly List<ulong> _failed = [];
    private long _runs, _events, _virtualUs;
    private (ulong Seed, long Permille) _worstOutage, _worstConvergence;
    private volatile bool _stopped;

    /// <summary>Directory for the scenarios of failures; null for none.</summary>
    public string? ShrinkInto { get; init; }

    /// <summary>From any thread: no further runs are begun.</summary>
    public void Stop() => _stopped = true;

    /// <returns>The seeds that failed.</returns>
    public IReadOnlyList<ulong> Explore(ulong firstSeed, TimeSpan time, int parallel, TextWriter output)
    {
        var clock = Stopwatch.StartNew();
        TimeSpan cpuBefore = Process.GetCurrentProcess().TotalProcessorTime;
        long next = -1;
        void Work()
        {
            while (!_stopped && clock.Elapsed < time) RunOne(firstSeed + (ulong)Interlocked.Increment(ref next), output);
        }

        Thread[] threads = [.. Enumerable.Range(0, parallel).Select(_ => new Thread(Work))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        double cpu = (Process.GetCurrentProcess().TotalProcessorTime - cpuBefore).TotalSeconds;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{_runs} seeds from {firstSeed}, {_events} events, {_virtualUs / 3.6e9:F1} hours in the life of a cluster, {_events / cpu:F0} events per second of one core, {_failed.Count} failed."));
        output.WriteLine($"Nearest to its bound: a write beside a sick member in seed {_worstOutage.Seed}, convergence in seed {_worstConvergence.Seed}.");
        output.WriteLine(_total.ToString());
        return _failed;
    }

    /// <summary>The first seed that notices the mutation; null when none of <paramref name="seeds"/> does.</summary>
    public (ulong Seed, Verdict Verdict)? FirstToCatch(ulong firstSeed, int seeds)
    {
        for (ulong seed = firstSeed; seed < firstSeed + (ulong)seeds; seed++)
        {
            Verdict verdict = Simulation.FromSeed(seed, steps, mutation, checkReleases: checkReleases).Run();
            if (!verdict.Passed) return (seed, verdict);
        }
        return null;
    }

    private void RunOne(ulong seed, TextWriter output)
    {
        Verdict verdict = Simulation.FromSeed(seed, steps, mutation, checkReleases: checkReleases).Run();
        bool shrink;
        lock (_gate)
        {
            _runs++;
            _events += verdict.Events;
            _virtualUs += (long)verdict.VirtualTime.TotalMicroseconds;
            _total.Add(verdict.Statistics);
            if (verdict.Statistics.WorstOutagePermille > _worstOutage.Permille) _worstOutage = (seed, verdict.Statistics.WorstOutagePermille);
            if (verdict.Statistics.WorstConvergencePermille > _worstConvergence.Permille) _worstConvergence = (seed, verdict.Statistics.WorstConvergencePermille);
            if (verdict.Passed) return;
            _failed.Add(seed);
            output.WriteLine(verdict.Failure);
            shrink = ShrinkInto is not null && _failed.Count <= ShrinksMax;
        }
        if (shrink && Shrink(seed) is { } path)
            lock (_gate) output.WriteLine($"  made small: {path}");
    }

    private string? Shrink(ulong seed)
    {
        if (new Shrinker(ShrinkRunsMax, ShrinkEventsMax).Shrink(Scenario.FromSeed(seed, steps, mutation, checkReleases)) is not { } small) return null;
        Directory.CreateDirectory(ShrinkInto!); // looked at by the caller
        string path = Path.Combine(ShrinkInto!, FormattableString.Invariant($"{small.Expect}-seed-{seed}{(mutation == Mutation.None ? "" : "-" + mutation)}.scenario"));
        File.WriteAllText(path, ScenarioText.Print(small));
        return path;
    }
}
