using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>One whole run: trouble, then healing, then the question whether the cluster serves again.</summary>
public sealed class Simulation
{
    /// <summary>Events in the phase with faults, unless told otherwise.</summary>
    public const int StepsDefault = 20_000;

    /// <summary>For those who go at their own pace: agents, and watchers that take their messages slowly.</summary>
    private const long ReadersUs = 120_000_000;
    private readonly Scenario _scenario;
    private readonly string _replay;
    private readonly TextWriter? _log;

    private Simulation(Scenario scenario, string replay, TextWriter? log) => (_scenario, _replay, _log) = (scenario, replay, log);

    /// <param name="seed">Decides everything.</param>
    /// <param name="steps">Simulated events while there are faults.</param>
    /// <param name="mutation">A deliberate bug.</param>
    /// <param name="log">Gets the story; null for none. Has no influence on the run.</param>
    /// <param name="checkReleases">
    /// Whether a message that leaves before its write is durable is a violation in itself (I8). Off, a deliberate bug has to be found by
    /// what it leads to, which shows that the simulator gets that far.
    /// </param>
    public static Simulation FromSeed(ulong seed, int steps = StepsDefault, Mutation mutation = Mutation.None, TextWriter? log = null, bool checkReleases = true)
    {
        string replay = FormattableString.Invariant($"--seed {seed}") + (steps == StepsDefault ? "" : FormattableString.Invariant($" --steps {steps}"))
            + (mutation == Mutation.None ? "" : $" --mutation {mutation}") + (checkReleases ? "" : " --without-i8") + " --trace";
        return new Simulation(Scenario.FromSeed(seed, steps, mutation, checkReleases), replay, log);
    }

    /// <param name="scenario">All of it.</param>
    /// <param name="name">Of the file it came from.</param>
    /// <param name="log">Gets the story; null for none.</param>
    internal static Simulation FromScenario(Scenario scenario, string name = "FILE", TextWriter? log = null) => new(scenario, $"run {name} --trace", log);

    /// <summary>The blows of the run, and the one that was to come next. After <see cref="Run"/>.</summary>
    internal IReadOnlyList<Strike> Strikes { get; private set; } = [];

    /// <summary>When the faults stopped, or the failure was found. After <see cref="Run"/>.</summary>
    internal long FaultsEndUs { get; private set; }

    /// <summary>Whether it failed while there were faults.</summary>
    internal bool FailedEarly { get; private set; }

    /// <summary>Swaps cores for loaded copies. Null for a normal run; the trace is the same either way.</summary>
    internal CoreSwap? Swap { get; set; }

    public Verdict Run()
    {
        SimWorld? world = null;
        Exception? failure = null;
        bool healing = false;
        try
        {
            world = new SimWorld(_scenario, _log, Swap);
            world.Run(_scenario.Steps, _scenario.RunUs);
            (healing, FaultsEndUs) = (true, world.Now);
            Heal(world);
        }
        // An invariant of the core, or any exception that a bug throws: both are findings, with the same way to replay them.
        catch (Exception found)
        {
            failure = found;
        }
        if (world is not null) Strikes = world.Faults.Scheduled;
        FailedEarly = failure is not null && !healing;
        if (FailedEarly) FaultsEndUs = world?.Now ?? 0;
        string? text = failure is null ? null : Describe(failure, world);
        return new Verdict(text, failure is null ? null : SimulationFailure.InvariantOf(failure), world?.Trace ?? 0, world?.Events ?? 0,
            TimeSpan.FromMicroseconds(world?.Now ?? 0), world?.Statistics ?? new Statistics());
    }

    private string Describe(Exception failure, SimWorld? world)
    {
        string name = failure is SimulationFailure or InvariantViolationException ? "" : $"{failure.GetType().Name}: ";
        string text = FormattableString.Invariant($"{name}{failure.Message}\n  seed {_scenario.Seed}, event {world?.Events}, {Words.Duration(world?.Now ?? 0)}. ")
            + $"Replay: dotnet run -c Release --project chaos/Simulator -- {_replay}";
        if (failure is not SimulationFailure) _log?.WriteLine(failure.ToString());
        _log?.WriteLine(text);
        return text;
    }

    private static void Heal(SimWorld world)
    {
        world.Note("the faults stop");
        world.Clients.Active = false;
        world.Faults.StopAll();
        var (progress, patience) = (new ProgressCheck(world), new Patience(world));
        progress.TryAfterFaults();
        // Without new work first: whatever is stuck must come loose by itself.
        Converge(world, patience);

        // What was on its way since before, messages and broken links, arrives and must do no harm either.
        world.RunUntil(() => false, 6_000_000);
        if (!patience.Wait(() => HasConverged(world), patience.OfConvergence()).IsOver) throw new SimulationFailure($"I21: no convergence after the last old message. {Describe(world)}");

        if (!world.RunUntil(() => world.Clients.Config.IsComplete, ReadersUs)) throw new SimulationFailure($"I28: not every agent has the newest release, or not every member knows. {world.Clients.Config.Describe()}");
        world.ServeBy(world.Leader!.Core.Membership); // there is one: it has converged
        ulong write = world.Clients.Probe(world.Leader!); // as above
        if (!patience.Wait(() => !world.Clients.IsUnderWay(write) && HasConverged(world), patience.OfService(world.Serving!)).IsOver) throw new SimulationFailure($"I21: a write is not served after healing. {Describe(world)}");
        foreach (NodeId member in world.Leader!.Core.Membership.Members()) // as above
        {
            SimNode node = world[member];
            ulong read = world.Clients.ProbeRead(node);
            if (!patience.Wait(() => !world.Clients.IsUnderWay(read), patience.OfService(world.Serving!)).IsOver) throw new SimulationFailure($"I21: {node.Id} does not serve a read after healing. {Describe(world)}");
        }

        if (!world.RunUntil(() => world.Clients.Watches.AreComplete, ReadersUs)) throw new SimulationFailure($"I18: watches have not been told everything after healing. {world.Clients.Watches.Describe()}");
        world.Clients.Registers.Check();

        world.Checker.Bounds.CheckTerms();
        Term term = world.Leader!.Core.Term; // as above
        world.RunUntil(() => false, 5 * world.Plan.ElectionTimeoutUs);
        if (world.Leader is not { } leader || leader.Core.Term != term) throw new SimulationFailure($"I22: an election in a healthy cluster. {Describe(world)}");
        progress.TryAgain(() => Converge(world, patience));
    }

    private static void Converge(SimWorld world, Patience patience)
    {
        (long begin, long most) = (world.Now, patience.OfConvergence());
        Stall stall = patience.Wait(() => HasConverged(world), most);
        if (!stall.IsOver) throw new SimulationFailure($"I21: no convergence in {Words.Duration(world.Now - begin)} of quiet, nothing has got on for {Words.Duration(most)}. {Describe(world)}");
        Statistics seen = world.Statistics;
        seen.WorstConvergencePermille = Math.Max(seen.WorstConvergencePermille, stall.Permille);
        seen.WorstConvergenceElectionTimeouts = Math.Max(seen.WorstConvergenceElectionTimeouts, (world.Now - begin) / world.Plan.ElectionTimeoutUs);
    }

    /// <summary>Everybody who is a member, and nobody else, is asked.</summary>
    private static bool HasConverged(SimWorld world)
    {
        if (world.Leader is not { } leader || world.Operator.Replacing > 0 || world.Nodes.Exists(node => node.IsExiled)) return false;
        Membership membership = leader.Core.Membership;
        if (membership.IsJoint || membership.Joining.Length > 0 || !membership.IsVoter(leader.Id)) return false;
        foreach (NodeId member in membership.Members())
        {
            SimNode node = world[member];
            if (!node.IsUp || node.Core.Leader != leader.Id || node.Core.Term != leader.Core.Term) return false;
            if (node.Core.LastEntry != leader.Core.LastEntry || node.Core.Commit != leader.Core.LastEntry.Index) return false;
            if (node.Machine.Applied.Index != node.Core.Commit) return false;
            if (!node.IsDiskIdle) return false;   // what a disk began while it was slow still takes its time, and whoever leads with such a disk hands over
        }
        return true;
    }

    internal static string Describe(SimWorld world) => string.Join("; ", world.Nodes.Select(n => !n.IsUp ? $"{n.Id} down"
        : $"{n.Id} {n.Core.Role} term {n.Core.Term} leader {n.Core.Leader} log {n.Core.LogBase}..{n.Core.LastEntry} commit {n.Core.Commit} applied {n.Machine.Applied.Index} {MembershipCheck.Describe(n.Core.Membership)}"));
}
