using System.CommandLine;
using Conclave.Layers.Rollouts;
using V1 = Conclave.Wire.V1;

namespace Conclave.Cli.Commands;

/// <summary>How a release reaches its nodes: options of every command that publishes.</summary>
internal sealed class PublishOptions
{
    private readonly Option<string?> _strategy = new("--strategy")
    {
        Description = "Let it reach the nodes in stages: all-at-once, canary, linear, linear-20-6m, or stages such as \"1 node 30s, 25% 1m, region=eu 5m, 100%\".",
        HelpName = "strategy",
    };

    private readonly Option<int> _failures = new("--failures") { Description = "With --strategy: so many percent of the nodes may fail before it is taken back. [default: 0]", HelpName = "percent" };

    private readonly Option<TimeSpan?> _silence = new("--silence")
    {
        Description = "With --strategy: pause when nodes have not acknowledged it for so long. [default: 10m]",
        HelpName = "time",
        CustomParser = Duration.Parse,
    };

    private readonly Option<bool> _wait = new("--wait") { Description = "With --strategy: wait until it is done. Exit code 7 when it was taken back or is paused." };
    private readonly Option<bool> _allowShrink = new("--allow-shrink") { Description = "Let agents apply it though documents lose more keys than they would let go by themselves." };

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_strategy, _failures, _silence, _wait, _allowShrink]) command.Add(option);
    }

    public bool Waits(ParseResult parsed) => parsed.GetValue(_wait);

    public bool AllowShrink(ParseResult parsed) => parsed.GetValue(_allowShrink);

    /// <returns>Null without one.</returns>
    /// <exception cref="ArgumentException">It is none.</exception>
    public V1.Strategy? Strategy(ParseResult parsed)
    {
        if (parsed.GetValue(_strategy) is not { } text)
        {
            if (parsed.GetValue(_wait) || parsed.GetValue(_failures) != 0 || parsed.GetValue(_silence) is not null)
                throw new ArgumentException("--wait, --failures and --silence are of a rollout. Say in which stages with --strategy, as in --strategy canary.");
            return null;
        }

        if (!StrategyText.TryParse(text, out _, out string problem)) throw new ArgumentException(problem);
        return new V1.Strategy { Preset = text, FailuresPercent = parsed.GetValue(_failures), SilenceMs = (long)(parsed.GetValue(_silence)?.TotalMilliseconds ?? 0) };
    }
}
