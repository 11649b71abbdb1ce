using System.Reflection;

namespace Conclave.Simulator;

/// <summary>How a run failed, as far as two failures are compared.</summary>
/// <param name="Invariant">See <see cref="Verdict.Invariant"/>.</param>
/// <param name="Text">For what has no name of its own, the first line: another broken invariant of the core is another bug.</param>
internal readonly record struct FailureKind(string Invariant, string Text)
{
    public static FailureKind? Of(Verdict verdict) => verdict.Invariant is not { } name ? null : new FailureKind(name, name == "core" ? verdict.Failure!.Split('\n')[0] : ""); // it failed
}

/// <summary>
/// Makes a failing run small: fewer nodes, clients and features, fewer blows, a shorter time. A step is kept only if the run still fails in the same way, so
/// what is left over is what the failure needs.
/// </summary>
/// <param name="runsMax">Bound on the effort; beyond it the smallest so far is the result.</param>
/// <param name="eventsMax">The same, by the simulated events of all these runs.</param>
internal sealed class Shrinker(int runsMax = 2_000, long eventsMax = 1_000_000_000)
{
    private Scenario _best = null!; // set first in Shrink
    private FailureKind _kind;
    private long _horizonUs;
    private int _runs;
    private long _events;

    private bool IsSpent => _runs >= runsMax || _events >= eventsMax;

    /// <summary>Runs it took.</summary>
    public int Runs => _runs;

    /// <returns>The smallest run found, with <see cref="Scenario.Expect"/> set; null when the scenario does not fail.</returns>
    public Scenario? Shrink(Scenario scenario)
    {
        Simulation first = Simulation.FromScenario(scenario);
        if (FailureKind.Of(first.Run()) is not { } kind) return null;
        (_best, _kind, _runs, _horizonUs) = (scenario, kind, 1, long.MaxValue);
        // As written-down blows, and no longer than needed. The same run, so it fails alike; except where the end falls between two events of one microsecond.
        Scenario written = Written(scenario, first);
        if (!Try(written) && !Try(scenario with { Strikes = first.Strikes })) return scenario with { Expect = kind.Invariant };
        if (first.FailedEarly) _horizonUs = _best.RunUs;
        string before;
        do
        {
            before = ScenarioText.Print(_best);
            FewerNodesAndClients();
            FewerFeatures();
            FewerStrikes();
            ShorterRun();
            SimplerStrikes();
        }
        while (ScenarioText.Print(_best) != before && !IsSpent);
        return _best with { Expect = kind.Invariant };
    }

    private static Scenario Written(Scenario scenario, Simulation run) => scenario with
    {
        Strikes = [.. (scenario.Strikes ?? run.Strikes).Where(s => s.AtUs <= run.FaultsEndUs)],
        Steps = int.MaxValue,
        RunUs = run.FaultsEndUs,
    };

    /// <summary>Keeps it if it fails in the same way; then with the end where the failure was.</summary>
    private bool Try(Scenario scenario)
    {
        if (IsSpent || scenario.Plan.Problem() is not null) return false;
        _runs++;
        // With fewer blows it may take a little longer to fail, so each run gets the time of the first one.
        if (_horizonUs != long.MaxValue) scenario = scenario with { RunUs = _horizonUs };
        Simulation run = Simulation.FromScenario(scenario);
        Verdict verdict = run.Run();
        _events += verdict.Events;
        if (FailureKind.Of(verdict) != _kind) return false;
        // What a run with faults showed is not to become something that shows only while they heal: another end would be another run.
        if (_horizonUs != long.MaxValue && !run.FailedEarly) return false;
        _best = run.FailedEarly ? Written(scenario, run) : scenario;
        return true;
    }

    private void FewerNodesAndClients()
    {
        for (int nodes = 1; nodes < _best.Plan.Nodes; nodes++)
            if (Try(_best with { Plan = _best.Plan with { Nodes = nodes } })) break;
        for (int clients = 0; clients < _best.Plan.Clients; clients++)
            if (Try(_best with { Plan = _best.Plan with { Clients = clients } })) break;
    }

    /// <summary>All at once, which is quick when it works; then one by one.</summary>
    private void FewerFeatures()
    {
        Plan plain = Plan.Plain with { Nodes = _best.Plan.Nodes, Clients = _best.Plan.Clients, Faults = _best.Plan.Faults, FaultEveryUs = _best.Plan.FaultEveryUs };
        if (plain != _best.Plan && Try(_best with { Plan = plain })) return;
        foreach (PropertyInfo field in PlanText.Fields)
        {
            if (field.Name is nameof(Plan.Nodes) or nameof(Plan.Clients) or nameof(Plan.Faults) or nameof(Plan.FaultEveryUs)) continue;
            object? value = field.GetValue(Plan.Plain);
            if (!Equals(value, field.GetValue(_best.Plan))) Try(_best with { Plan = PlanText.With(_best.Plan, field, value) });
        }
    }

    /// <summary>Delta debugging: half of the blows, then quarters, and so on to single ones; whatever can go, goes.</summary>
    private void FewerStrikes()
    {
        if (_best.Strikes is not { Count: > 0 } || Try(_best with { Strikes = [] })) return;
        for (int parts = 2; ; parts = Math.Min(2 * parts, _best.Strikes.Count))
        {
            int size = (_best.Strikes.Count + parts - 1) / parts;
            for (int at = 0; at < _best.Strikes.Count;)
            {
                // On success the blows behind have moved up to this place.
                if (!Try(_best with { Strikes = [.. _best.Strikes.Take(at), .. _best.Strikes.Skip(at + size)] })) at += size;
            }
            if (size <= 1 || _best.Strikes.Count == 0) return;
        }
    }

    /// <summary>A run that failed early ends with the failure already; for one that does not heal, the shortest time with faults is looked for.</summary>
    private void ShorterRun()
    {
        long low = 0;
        while (_horizonUs == long.MaxValue && _best.RunUs != long.MaxValue && _best.RunUs - low > 1_000)
        {
            long middle = low + (_best.RunUs - low) / 2;
            if (!Try(_best with { RunUs = middle, Strikes = [.. _best.Strikes!.Where(s => s.AtUs <= middle)] })) low = middle; // written down, so there is a list
        }
    }

    /// <summary>Round numbers read better, and what still works after a change of a microsecond does not hang by a thread.</summary>
    private void SimplerStrikes()
    {
        for (int i = 0; i < _best.Strikes!.Count; i++) // written down, see above
        {
            Strike strike = _best.Strikes[i];
            if (strike.Noticed) TryInPlace(i, strike with { Noticed = false });
            foreach (long unit in (ReadOnlySpan<long>)[1_000_000, 100_000, 10_000, 1_000])
                if (i < _best.Strikes.Count && _best.Strikes[i] is var at && at.AtUs % unit != 0 && TryInPlace(i, at with { AtUs = at.AtUs / unit * unit })) break;
            foreach (long unit in (ReadOnlySpan<long>)[1_000_000, 100_000, 10_000, 1_000])
                if (i < _best.Strikes.Count && _best.Strikes[i] is var at && at.ForUs % unit != 0 && TryInPlace(i, at with { ForUs = (at.ForUs + unit - 1) / unit * unit })) break;
        }
    }

    private bool TryInPlace(int at, Strike strike)
    {
        if (at > 0 && _best.Strikes![at - 1].AtUs > strike.AtUs) return false; // order of time
        var strikes = _best.Strikes!.ToList();
        strikes[at] = strike;
        return Try(_best with { Strikes = strikes });
    }
}
