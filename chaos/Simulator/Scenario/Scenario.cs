namespace Conclave.Simulator;

/// <summary>One run, decided to the last draw. Drawn from a seed, or read from a file.</summary>
internal sealed record Scenario
{
    /// <summary>Decides everything that is not said otherwise here: timing, losses, what clients write.</summary>
    public required ulong Seed { get; init; }

    public required Plan Plan { get; init; }

    /// <summary>In order of time; null to draw them from the seed.</summary>
    public IReadOnlyList<Strike>? Strikes { get; init; }

    /// <summary>Simulated events until the faults stop.</summary>
    public int Steps { get; init; } = Simulation.StepsDefault;

    /// <summary>Virtual time until the faults stop, if that comes first.</summary>
    public long RunUs { get; init; } = long.MaxValue;

    public Mutation Mutation { get; init; }

    /// <summary>See <see cref="Simulation.FromSeed"/>.</summary>
    public bool CheckReleases { get; init; } = true;

    /// <summary>The invariant that has to be found violated; null for a run in which everything has to hold.</summary>
    public string? Expect { get; init; }

    public static Scenario FromSeed(ulong seed, int steps = Simulation.StepsDefault, Mutation mutation = Mutation.None, bool checkReleases = true) =>
        new() { Seed = seed, Plan = mutation.Favour(Plan.Draw(new RandomStreams(seed).Plan())), Steps = steps, Mutation = mutation, CheckReleases = checkReleases };
}
