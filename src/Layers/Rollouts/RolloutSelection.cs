using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Conclave.Layers.Rollouts;

/// <summary>Which nodes the stages that have begun take in.</summary>
public sealed class RolloutSelection
{
    /// <summary>The threshold of a stage that takes in nobody by position.</summary>
    public const long Nobody = -1;

    private readonly FrozenDictionary<string, int> _stages;

    private RolloutSelection(FrozenDictionary<string, int> stages)
    {
        _stages = stages;
    }

    /// <summary>The first stage that took the node in, from 0; -1 when none has yet.</summary>
    public int StageOf(string node) => _stages.GetValueOrDefault(node, -1);

    public bool Selects(string node) => _stages.ContainsKey(node);

    public static RolloutSelection Of(Rollout rollout, RolloutGroups groups, ConfigState state)
    {
        var stages = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (RolloutGroup group in groups.InOrder)
        {
            int stage = StageOf(rollout, group, state);
            if (stage < 0)
                continue;
            foreach (string node in group.Nodes)
                stages[node] = stage;
        }
        return new(stages.ToFrozenDictionary(StringComparer.Ordinal));
    }

    /// <summary>The position up to which a stage that begins now takes groups in, so that it has the nodes that it asks for.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="groups">All nodes.</param>
    /// <param name="before">Who is in already.</param>
    /// <param name="counts">Nodes that count: those that the release changes, and whose agents use its documents.</param>
    public static long ThresholdFor(Stage stage, RolloutGroups groups, RolloutSelection before, Func<string, bool> counts)
    {
        if (stage.Kind == StageKind.Scope)
            return Nobody;
        if (stage.TakesEverybody)
            return long.MaxValue;
        int[] counted = [.. groups.InOrder.Select(g => g.Nodes.Count(counts))];
        int selected = groups.InOrder.Select((g, i) => before.Selects(g.Nodes[0]) ? counted[i] : 0).Sum();
        long wanted = stage.Kind == StageKind.Nodes ? stage.Amount : ((long)counted.Sum() * stage.Amount + 99) / 100;
        long threshold = Nobody;
        for (int i = 0; i < counted.Length && selected < wanted; i++)
        {
            RolloutGroup group = groups.InOrder[i];
            if (before.Selects(group.Nodes[0]) || counted[i] == 0)
                continue;
            selected += counted[i];
            threshold = group.Position;
        }
        return threshold;
    }

    /// <summary>Nobody, before the first stage.</summary>
    public static RolloutSelection None { get; } = new(FrozenDictionary<string, int>.Empty);

    private static int StageOf(Rollout rollout, RolloutGroup group, ConfigState state)
    {
        for (int i = 0; i < rollout.Thresholds.Length; i++)
        {
            if (group.Position <= rollout.Thresholds[i])
                return i;
            if (rollout.Strategy.Stages[i] is { Kind: StageKind.Scope } stage && group.Nodes.Any(n => Matches(state, n, stage.Scope)))
                return i;
        }
        return -1;
    }

    private static bool Matches(ConfigState state, string node, Scope scope)
    {
        string nodeDimension = state.Dimensions.NodeDimension;
        return NodeClass.Matches(state.Nodes[node], scope, nodeDimension) && (scope.ValueOf(nodeDimension) is not { } only || only == node);
    }
}
