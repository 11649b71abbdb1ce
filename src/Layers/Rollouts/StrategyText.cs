using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Conclave.Layers.Rollouts;

/// <summary>Strategies as people write them: a preset, or stages as in <c>1 node 30s, 25% 1m, region=eu 5m, 100%</c>.</summary>
public static class StrategyText
{
    private const long Minute = 60_000;

    private static readonly string Forms = "Write all-at-once, canary, linear, linear-20-6m, or stages such as \"1 node 30s, 25% 1m, region=eu 5m, 100%\".";

    /// <param name="text">The name of a preset, or stages.</param>
    /// <param name="strategy">The strategy, without problems.</param>
    /// <param name="problem">What is wrong, and what to write.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out Strategy? strategy, out string problem)
    {
        strategy = null;
        if (!TryStages(text.Trim(), out ImmutableArray<Stage> stages, out problem))
            return false;
        Strategy read = new() { Stages = stages };
        if (read.Problem() is { } wrong)
        {
            problem = $"\"{ValueChecks.Shown(text)}\": {wrong}.";
            return false;
        }
        strategy = read;
        return true;
    }

    /// <summary>One stage as <see cref="TryParse"/> reads it.</summary>
    public static string TextOf(Stage stage, Dimensions dimensions)
    {
        string who = stage.Kind switch
        {
            StageKind.Percent => string.Create(CultureInfo.InvariantCulture, $"{stage.Amount}%"),
            StageKind.Nodes => string.Create(CultureInfo.InvariantCulture, $"{stage.Amount} node{(stage.Amount == 1 ? "" : "s")}"),
            _ => dimensions.TextOf(stage.Scope),
        };
        return stage.BakeMs == 0 ? who : $"{who} {DurationOf(stage.BakeMs)}";
    }

    private static bool TryStages(string text, out ImmutableArray<Stage> stages, out string problem)
    {
        problem = "";
        stages = text switch
        {
            "all-at-once" => [Stage.Percent(100)],
            "canary" => [Stage.Nodes(1, 10 * Minute), Stage.Percent(10, 10 * Minute), Stage.Percent(100)],
            "linear" => Linear(20, 6 * Minute),
            _ => default,
        };
        if (!stages.IsDefault)
            return true;
        if (text.Split('-') is ["linear", var percent, var every])
        {
            if (int.TryParse(percent, NumberStyles.None, CultureInfo.InvariantCulture, out int share) && share is >= 1 and <= 100 && TryDuration(every, out long bakeMs))
            {
                stages = Linear(share, bakeMs);
                return true;
            }
            problem = $"\"{ValueChecks.Shown(text)}\" is no linear strategy. Write linear-PERCENT-TIME, as in linear-20-6m.";
            return false;
        }
        var read = ImmutableArray.CreateBuilder<Stage>();
        foreach (string part in text.Split(','))
        {
            if (StageOf(part) is not { } stage)
            {
                problem = $"\"{ValueChecks.Shown(part.Trim())}\" is no stage of a strategy. {Forms}";
                return false;
            }
            read.Add(stage);
        }
        stages = read.ToImmutable();
        return true;
    }

    /// <summary>Equal steps; the last takes whoever is left and does not bake.</summary>
    private static ImmutableArray<Stage> Linear(int percent, long bakeMs)
    {
        var stages = ImmutableArray.CreateBuilder<Stage>();
        for (int share = percent; share < 100; share += percent)
            stages.Add(Stage.Percent(share, bakeMs));
        stages.Add(Stage.Percent(100));
        return stages.ToImmutable();
    }

    private static Stage? StageOf(string text)
    {
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (words.Length == 0)
            return null;
        if (words.Length >= 2 && words[1] is "node" or "nodes")
            words = [words[0] + " nodes", .. words[2..]];
        long bakeMs = 0;
        if (words.Length > 2 || (words.Length == 2 && !TryDuration(words[1], out bakeMs)))
            return null;
        if (words[0].EndsWith('%'))
            return int.TryParse(words[0].AsSpan(0, words[0].Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out int percent) ? Stage.Percent(percent, bakeMs) : null;
        if (words[0].EndsWith(" nodes", StringComparison.Ordinal))
            return int.TryParse(words[0].AsSpan(0, words[0].Length - 6), NumberStyles.None, CultureInfo.InvariantCulture, out int nodes) ? Stage.Nodes(nodes, bakeMs) : null;
        return words[0] != "*" && Scope.TryParse(words[0], out Scope? scope, out _) ? Stage.Of(scope, bakeMs) : null;
    }

    /// <summary>500ms, 30s, 6m, 24h; a number without a unit is none.</summary>
    private static bool TryDuration(string text, out long milliseconds)
    {
        milliseconds = 0;
        int digits = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        if (digits <= 0 || !long.TryParse(text.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out long number) || number > Strategy.BakeMsMax)
            return false;
        long unit = text[digits..] switch { "ms" => 1, "s" => 1000, "m" => Minute, "h" => 60 * Minute, _ => 0 };
        milliseconds = number * unit;
        return unit > 0;
    }

    private static string DurationOf(long milliseconds)
    {
        (long number, string unit) = milliseconds % (60 * Minute) == 0 ? (milliseconds / (60 * Minute), "h")
            : milliseconds % Minute == 0 ? (milliseconds / Minute, "m")
            : milliseconds % 1000 == 0 ? (milliseconds / 1000, "s")
            : (milliseconds, "ms");
        return string.Create(CultureInfo.InvariantCulture, $"{number}{unit}");
    }
}
