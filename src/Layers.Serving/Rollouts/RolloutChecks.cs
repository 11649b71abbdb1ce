using System.Collections.Immutable;
using Conclave.Layers.Rollouts;

namespace Conclave.Layers.Serving.Rollouts;

/// <summary>What releases that are on their way to the nodes ask of every other change.</summary>
public static class RolloutChecks
{
    /// <summary>A document has at most two versions: a change may not touch one that is under rollout.</summary>
    public static IEnumerable<ConfigProblem> Touching(SpaceSnapshot now, Change change)
    {
        foreach (ActiveRollout active in now.Rollouts)
        {
            string[] both = [.. change.Documents().Intersect(active.Rollout.Documents, StringComparer.Ordinal)];
            if (both.Length > 0)
            {
                yield return new ConfigProblem(ProblemCodes.Rollout, $"{string.Join(", ", both)}: release r{active.Rollout.Release} is still on its way to the nodes ({Named(active.Rollout.Phase)}, "
                    + $"stage {active.Rollout.Stage + 1} of {active.Rollout.Strategy.Stages.Length}). Wait for it (conclave rollout status {active.Rollout.Release} --wait), or abort it (conclave rollout abort {active.Rollout.Release}).")
                { Document = both[0] };
            }
        }
    }

    /// <summary>What a change that is fine at the head would break on nodes that are held back, or when a release is taken back; and nodes that it would bring back to what they had.</summary>
    public static IEnumerable<ConfigProblem> Breaking(SpaceSnapshot now, Change change, Fleet after)
    {
        if (now.Versions is not { } versions) yield break;
        foreach (int held in versions.HeldSets())
        {
            string releases = string.Join(", ", now.Rollouts.Where((_, i) => (held & (1 << i)) != 0).Select(a => $"r{a.Rollout.Release}"));
            foreach (ConfigProblem problem in versions.Plain(held).Plan(change, new ReleaseNote { Author = "check", Reason = "check" }, now.Inputs).Problems.Where(p => p.IsError))
                yield return problem with { Code = ProblemCodes.Rollout, Message = $"without {releases}, which {(releases.Contains(',', StringComparison.Ordinal) ? "are" : "is")} still on the way to the nodes: {problem.Code} {problem.Message}" };
        }

        foreach (ActiveRollout active in now.Rollouts)
        {
            // What it takes back touches what it edited. Who counts was decided when it began.
            (IReadOnlySet<string> before, IReadOnlySet<string> uniformBefore) = ReachOf(now, now.Fleet, [], active.Inverse);
            (IReadOnlySet<string> then, IReadOnlySet<string> uniformThen) = ReachOf(now, after, change.Edits, active.Inverse);
            string[] more = [.. then.Except(active.Rollout.Gated, StringComparer.Ordinal).Except(before, StringComparer.Ordinal)];
            string[] together = [.. uniformThen.Except(active.Rollout.Uniform, StringComparer.Ordinal).Except(uniformBefore, StringComparer.Ordinal)];
            if (more.Length + together.Length == 0) continue;
            yield return new ConfigProblem(ProblemCodes.Rollout, $"release r{active.Rollout.Release}, which is still on its way to the nodes, would reach further: "
                + (more.Length > 0 ? $"{string.Join(", ", more)} would refer to what it edits" : $"nodes would have to stay together by {string.Join(", ", together)}") + ". Publish it when that has ended.")
            { Document = more.Length > 0 ? more[0] : "" };
        }

        if (!change.TouchesNodes) yield break;
        foreach (ActiveRollout active in now.Rollouts)
        {
            var then = RolloutSelection.Of(active.Rollout, RolloutGroups.Of(after.State.Nodes, active.Rollout.Release, active.Rollout.Uniform), after.State);
            string[] back = [.. after.State.Nodes.Keys.Where(n => active.SelectionAt(now.State).Selects(n) && now.State.Nodes.ContainsKey(n) && !then.Selects(n))];
            if (back.Length > 0)
            {
                yield return new ConfigProblem(ProblemCodes.Rollout, $"{string.Join(", ", back.Take(Limits.NodesNamedMax))}{(back.Length > Limits.NodesNamedMax ? $" and {back.Length - Limits.NodesNamedMax} more" : "")} "
                    + $"would lose release r{active.Rollout.Release} again, which is still on its way to the nodes: they would no longer be among those that its stages take in. Move them when it has ended.")
                { Nodes = [.. back] };
            }
        }
    }

    /// <summary>The rollout that a release begins.</summary>
    /// <param name="now">Before the release.</param>
    /// <param name="plan">The release.</param>
    /// <param name="strategy">In which stages.</param>
    /// <param name="states">What agents said: whose agents do not use a document does not count.</param>
    /// <param name="clock">Milliseconds since 1970.</param>
    public static NewRollout Begin(SpaceSnapshot now, Plan plan, Strategy strategy, FleetStates states, long clock)
    {
        (Fleet after, ChangeRecord record) = (plan.After!, plan.Record!);   // a plan that is published has both
        ImmutableArray<Edit> inverse = HeldFleets.InverseOf(now.State, record.Change.Edits);
        (IReadOnlySet<string> gated, IReadOnlySet<string> uniform) = ReachOf(now, after, record.Change.Edits, record.Change.Edits);
        ImmutableArray<string> documents = [.. record.Change.Documents()];
        var rollout = new Rollout
        {
            Release = now.Release + 1,
            Documents = documents,
            BaseReleases = [.. documents.Select(d => now.State.Documents.TryGetValue(d, out DocumentState? there) ? there.Head : now.Release)],
            Gated = [.. gated],
            Uniform = [.. uniform],
            Strategy = strategy,
            Author = record.Note.Author,
            Thresholds = [],
            StageSinceUnixMs = clock,
            UnwellSinceUnixMs = clock,
        };
        var before = new ActiveRollout(rollout, inverse, 0);
        var published = new SpaceSnapshot(now.Space, after, now.Inputs, now.Facts, new FleetVersions(after, now.Rollouts.Add(before)), now.Secrets);
        long threshold = new RolloutObserver(states).ThresholdOfNext(published, before);
        return new NewRollout(rollout.NextStage(threshold, clock), new ChangeRecord(new Change(now.Release, inverse), record.Note).ToBytes());
    }

    /// <summary>Documents and dimensions that the edits reach at the head, and where other releases are held back or taken back: a reference that such a release dropped is there again.</summary>
    /// <param name="now">Before the change.</param>
    /// <param name="after">The head with it.</param>
    /// <param name="change">Its edits.</param>
    /// <param name="edits">Whose reach it is.</param>
    private static (IReadOnlySet<string> Documents, IReadOnlySet<string> Uniform) ReachOf(SpaceSnapshot now, Fleet after, ImmutableArray<Edit> change, ImmutableArray<Edit> edits)
    {
        (SortedSet<string> documents, SortedSet<string> uniform) = (new(StringComparer.Ordinal), new(StringComparer.Ordinal));
        IEnumerable<(Fleet Before, Fleet After)> held = now.Versions is { } versions ? versions.HeldSets().Select(versions.Plain).Select(f => (f, f.Without([change]))) : [];
        foreach ((Fleet before, Fleet then) in held.Prepend((now.Fleet, after)))
        {
            (ImmutableArray<string> reached, ImmutableArray<string> together) = HeldFleets.ReachOf(before, then, edits);
            documents.UnionWith(reached);
            uniform.UnionWith(together);
        }

        return (documents, uniform);
    }

    private static string Named(RolloutPhase phase) => phase.ToString().ToLowerInvariant();
}
