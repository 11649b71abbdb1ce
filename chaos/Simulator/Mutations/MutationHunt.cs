using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Conclave.Simulator;

/// <summary>What became of the hunt for one deliberate bug.</summary>
/// <param name="Mutation">The bug.</param>
/// <param name="Seed">The first seed that noticed it; null when none did.</param>
/// <param name="Verdict">Of that run, or of the last one.</param>
/// <param name="Alarms">Runs that failed without the bug as well: findings, and no catch.</param>
/// <param name="Runs">Seeds tried.</param>
/// <param name="Simulated">Virtual time of them all.</param>
/// <param name="Wall">Time it took.</param>
public sealed record MutationCatch(Mutation Mutation, ulong? Seed, Verdict Verdict, IReadOnlyList<Verdict> Alarms, int Runs, TimeSpan Simulated, TimeSpan Wall)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Mutation,-24} {Mutations.LayerOf(Mutation),-7} {(Seed is { } seed ? $"seed {seed,4}" : $"NOT CAUGHT by {Runs} seeds"),-9} {Simulated.TotalHours,6:F2} h simulated {Wall.TotalSeconds,6:F1} s  {Verdict.Failure?.Split('\n')[0]}{(Alarms.Count == 0 ? "" : $"  AND {Alarms.Count} FAIL WITHOUT THE BUG: {Alarms[0].Failure}")}");
}

/// <summary>Runs seed after seed until one notices a deliberate bug: a simulator that finds nothing proves nothing.</summary>
/// <param name="seedsMax">When to give up.</param>
/// <param name="steps">Simulated events with faults, per seed.</param>
/// <param name="checkReleases">See <see cref="Simulation.FromSeed"/>.</param>
public sealed class MutationHunt(int seedsMax, int steps = Simulation.StepsDefault, bool checkReleases = true)
{
    /// <summary>Seeds from <paramref name="firstSeed"/> on.</summary>
    public MutationCatch Hunt(Mutation mutation, ulong firstSeed = 1)
    {
        var clock = Stopwatch.StartNew();
        TimeSpan simulated = TimeSpan.Zero;
        var alarms = new List<Verdict>();
        for (int run = 1; ; run++)
        {
            ulong seed = firstSeed + (ulong)run - 1;
            Verdict verdict = Simulation.FromSeed(seed, steps, mutation, checkReleases: checkReleases).Run();
            simulated += verdict.VirtualTime;
            bool caught = !verdict.Passed;
            if (caught && RunWithout(mutation, seed) is { Passed: false } alarm)
            {
                alarms.Add(alarm);
                caught = false;
            }
            if (caught || run == seedsMax) return new MutationCatch(mutation, caught ? seed : null, verdict, alarms, run, simulated, clock.Elapsed);
        }
    }

    /// <summary>The same run in every other respect. It has to pass, or what was noticed is not the bug.</summary>
    private Verdict RunWithout(Mutation mutation, ulong seed) =>
        Simulation.FromScenario(Scenario.FromSeed(seed, steps, mutation, checkReleases) with { Mutation = Mutation.None }, FormattableString.Invariant($"(seed {seed} as for {mutation}, without it)")).Run();

    /// <summary>Several at once; each run is a world of its own.</summary>
    /// <param name="mutations">Which.</param>
    /// <param name="parallel">Threads.</param>
    /// <param name="onCaught">Called as they come, one at a time.</param>
    /// <returns>In the order of <paramref name="mutations"/>.</returns>
    public List<MutationCatch> HuntAll(IReadOnlyList<Mutation> mutations, int parallel, Action<MutationCatch> onCaught)
    {
        var caught = new MutationCatch[mutations.Count];
        var gate = new Lock();
        int next = -1;
        void Work()
        {
            for (int at = Interlocked.Increment(ref next); at < mutations.Count; at = Interlocked.Increment(ref next))
            {
                caught[at] = Hunt(mutations[at]);
                lock (gate) onCaught(caught[at]);
            }
        }

        Thread[] threads = [.. Enumerable.Range(0, parallel).Select(_ => new Thread(Work))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        return [.. caught];
    }

    /// <summary>The table of docs/verification.md.</summary>
    public static string Markdown(IReadOnlyList<MutationCatch> all)
    {
        var text = new StringBuilder();
        text.AppendLine("| deliberate bug | layer | what it does | noticed by | first seed | simulated hours | seconds |");
        text.AppendLine("|---|---|---|---|---:|---:|---:|");
        foreach (MutationCatch one in all)
        {
            string found = one.Seed is { } seed ? string.Create(CultureInfo.InvariantCulture, $"{one.Verdict.Invariant} | {seed}") : $"**nothing, in {one.Runs} seeds** | -";
            text.AppendLine(CultureInfo.InvariantCulture, $"| {one.Mutation} | {Mutations.LayerOf(one.Mutation)} | {Mutations.Describe(one.Mutation)} | {found} | {one.Simulated.TotalHours:F2} | {one.Wall.TotalSeconds:F1} |");
        }
        return text.ToString();
    }
}
