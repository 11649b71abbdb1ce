using System.Diagnostics;

namespace Conclave.Simulator;

/// <summary>Runs many seeds, on as many threads as told; each run is a world of its own.</summary>
internal static class Explorer
{
    /// <returns>The seeds that failed.</returns>
    public static List<ulong> Explore(ulong firstSeed, TimeSpan time, int parallel, int steps, Mutation mutation, TextWriter output)
    {
        var clock = Stopwatch.StartNew();
        var failed = new List<ulong>();
        long runs = 0, events = 0;
        var total = new Statistics();
        var gate = new Lock();
        long next = -1;
        void Work()
        {
            while (clock.Elapsed < time)
            {
                ulong seed = firstSeed + (ulong)Interlocked.Increment(ref next);
                Verdict verdict = Simulation.FromSeed(seed, steps, mutation).Run();
                lock (gate)
                {
                    runs++;
                    events += verdict.Events;
                    Add(total, verdict.Statistics);
                    if (verdict.Passed) continue;
                    failed.Add(seed);
                    output.WriteLine(verdict.Failure);
                }
            }
        }

        Thread[] threads = [.. Enumerable.Range(0, parallel).Select(_ => new Thread(Work))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        output.WriteLine($"{runs} seeds from {firstSeed}, {events} events, {events / clock.Elapsed.TotalSeconds / parallel:F0} events per second and thread, {failed.Count} failed.");
        output.WriteLine(total.ToString());
        return failed;
    }

    /// <summary>The first seed that notices the mutation; null when none of <paramref name="seeds"/> does.</summary>
    public static (ulong Seed, Verdict Verdict)? FirstToCatch(Mutation mutation, ulong firstSeed, int seeds, int steps, bool checkReleases)
    {
        for (ulong seed = firstSeed; seed < firstSeed + (ulong)seeds; seed++)
        {
            Verdict verdict = Simulation.FromSeed(seed, steps, mutation, checkReleases: checkReleases).Run();
            if (!verdict.Passed) return (seed, verdict);
        }
        return null;
    }

    private static void Add(Statistics total, Statistics one)
    {
        foreach (System.Reflection.PropertyInfo property in typeof(Statistics).GetProperties())
            if (property.PropertyType == typeof(long)) property.SetValue(total, (long)property.GetValue(total)! + (long)property.GetValue(one)!); // longs are never null
    }
}
