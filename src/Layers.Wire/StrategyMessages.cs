using System.Collections.Immutable;
using Conclave.Layers.Rollouts;
using V1 = Conclave.Wire.V1;

namespace Conclave.Layers.Wire;

/// <summary>Strategies of the library as messages of the API, and back.</summary>
public static class StrategyMessages
{
    public static V1.Strategy Of(Strategy strategy, Dimensions dimensions)
    {
        var message = new V1.Strategy { FailuresPercent = strategy.FailuresPercent, SilenceMs = strategy.SilenceMs };
        foreach (Stage stage in strategy.Stages)
        {
            var one = new V1.Stage { BakeMs = stage.BakeMs };
            switch (stage.Kind)
            {
                case StageKind.Percent: one.Percent = stage.Amount; break;
                case StageKind.Nodes: one.Nodes = stage.Amount; break;
                default: one.Scope = dimensions.TextOf(stage.Scope); break;
            }
            message.Stages.Add(one);
        }
        return message;
    }

    /// <param name="message">Stages, or a preset.</param>
    /// <param name="strategy">Without problems.</param>
    /// <param name="problem">What is wrong with it.</param>
    public static bool TryRead(V1.Strategy message, out Strategy? strategy, out string problem)
    {
        strategy = null;
        if (message.Preset.Length > 0 && message.Stages.Count > 0)
        {
            problem = "a strategy is a preset or a list of stages, and not both";
            return false;
        }
        ImmutableArray<Stage> stages;
        if (message.Preset.Length > 0)
        {
            if (!StrategyText.TryParse(message.Preset, out Strategy? preset, out problem))
                return false;
            stages = preset.Stages;
        }
        else if (!TryStages(message, out stages, out problem))
        {
            return false;
        }
        var read = new Strategy { Stages = stages, FailuresPercent = message.FailuresPercent, SilenceMs = message.SilenceMs == 0 ? Strategy.SilenceMsUsual : message.SilenceMs };
        problem = read.Problem() ?? "";
        strategy = problem.Length == 0 ? read : null;
        return strategy is not null;
    }

    private static bool TryStages(V1.Strategy message, out ImmutableArray<Stage> stages, out string problem)
    {
        var read = ImmutableArray.CreateBuilder<Stage>();
        (stages, problem) = ([], "");
        foreach (V1.Stage stage in message.Stages)
        {
            Scope? scope = Scope.Everything;
            if (stage.WhoCase == V1.Stage.WhoOneofCase.Scope && !Scope.TryParse(stage.Scope, out scope, out problem))
                return false;
            if (stage.WhoCase == V1.Stage.WhoOneofCase.None)
            {
                problem = "a stage says whom it takes: percent, nodes or scope";
                return false;
            }
            read.Add(stage.WhoCase switch
            {
                V1.Stage.WhoOneofCase.Percent => Stage.Percent(stage.Percent, stage.BakeMs),
                V1.Stage.WhoOneofCase.Nodes => Stage.Nodes(stage.Nodes, stage.BakeMs),
                _ => Stage.Of(scope!, stage.BakeMs),   // it was parsed just above
            });
        }
        stages = read.ToImmutable();
        return true;
    }
}
