using System.CommandLine;
using System.Globalization;
using Conclave.Cli.Output;
using Conclave.Client;
using Conclave.Layers;
using Conclave.Layers.Rollouts;
using Conclave.Layers.Wire;
using V1 = Conclave.Wire.V1;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave rollout</c>: releases on their way to the nodes.</summary>
internal sealed class RolloutCommand(ConfigOptions options)
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(500);

    private readonly Argument<string> _release = new("release") { Description = "The release that is rolled out: r12." };
    private readonly Option<string?> _reason = new("--message", "-m") { Description = "Why.", HelpName = "reason" };

    public Command Create()
    {
        Option<long> limit = new("--limit") { Description = "At most so many that have ended. [default: 20]", DefaultValueFactory = _ => 20, HelpName = "n" };
        Option<bool> wait = new("--wait") { Description = "Wait until it is done. Exit code 7 when it was taken back or is paused." };
        Command list = options.Run(new Command("list", "Print the rollouts under way, and the newest that have ended.") { limit }, async (client, parsed, cancellationToken) =>
        {
            V1.RolloutsResponse answer = await client.Configuration.RolloutsAsync(new V1.RolloutsRequest { Space = options.Space(parsed), Limit = parsed.GetValue(limit) }, cancellationToken).ConfigureAwait(false);
            options.Print(parsed, answer, () => Rows.Write(options.Terminal, ["release", "state", "stage", "acknowledged", "documents", "author", "reason"], answer.Rollouts.Select(r => (string[])
                [$"r{r.Release}", r.State, $"{r.Stage + 1}/{r.Strategy.Stages.Count}", Acknowledged(r), string.Join(',', r.Documents), r.Author, r.Reason])));
            return ExitCode.Done;
        });
        Command status = options.Run(new Command("status", "Print how far a rollout has come. Exit code 7 when it was taken back or is paused, 1 while it is under way.") { _release, wait }, async (client, parsed, cancellationToken) =>
        {
            long release = ConfigOptions.ReleaseOf(parsed.GetRequiredValue(_release));
            if (parsed.GetValue(wait)) return await WaitAsync(options, client, parsed, release, cancellationToken).ConfigureAwait(false);
            V1.Rollout rollout = await AskAsync(options, client, parsed, release, cancellationToken).ConfigureAwait(false);
            options.Print(parsed, rollout, () => Write(rollout));
            return CodeOf(rollout);
        });
        return new Command("rollout", "Releases that reach their nodes in stages: publish with --strategy begins one.")
        {
            list,
            status,
            Steer("pause", "Leave every node what it has until somebody resumes, advances or aborts it. Failures still take it back."),
            Steer("resume", "Go on with a rollout that is paused."),
            Steer("abort", "Take the release back everywhere, by another release. Needs a reason."),
            Steer("advance", "Begin the next stage now, whoever has not acknowledged it; in the last stage: it is done. Needs a reason."),
        };
    }

    /// <summary>Follows a rollout until it ends or pauses.</summary>
    public static async Task<int> WaitAsync(ConfigOptions options, ConclaveClient client, ParseResult parsed, long release, CancellationToken cancellationToken)
    {
        string before = "";
        while (true)
        {
            V1.Rollout rollout = await AskAsync(options, client, parsed, release, cancellationToken).ConfigureAwait(false);
            string line = Line(rollout);
            if (line != before && !options.IsJson(parsed)) options.Terminal.Out.WriteLine(line);
            await options.Terminal.Out.FlushAsync(cancellationToken).ConfigureAwait(false);
            before = line;
            if (rollout.State != "running")
            {
                options.Print(parsed, rollout, () => WriteEnd(options, rollout));
                return CodeOf(rollout);
            }

            await Task.Delay(Look, cancellationToken).ConfigureAwait(false);
        }
    }

    private Command Steer(string action, string description) => options.Run(new Command(action, description) { _release, _reason }, async (client, parsed, cancellationToken) =>
    {
        string reason = parsed.GetValue(_reason) ?? "";
        if (action is "abort" or "advance" && reason.Length == 0) throw new ArgumentException($"Say why: conclave rollout {action} RELEASE -m REASON");
        var request = new V1.SteerRolloutRequest { Space = options.Space(parsed), Release = ConfigOptions.ReleaseOf(parsed.GetRequiredValue(_release)), Action = action, Reason = reason, Author = options.Author };
        V1.SteerRolloutResponse answer = await client.Configuration.SteerRolloutAsync(request, cancellationToken).ConfigureAwait(false);
        options.Print(parsed, answer.Rollout, () => Write(answer.Rollout));
        return ExitCode.Done;
    });

    private static async Task<V1.Rollout> AskAsync(ConfigOptions options, ConclaveClient client, ParseResult parsed, long release, CancellationToken cancellationToken) =>
        (await client.Configuration.RolloutsAsync(new V1.RolloutsRequest { Space = options.Space(parsed), Release = release }, cancellationToken).ConfigureAwait(false)).Rollouts[0];

    private static int CodeOf(V1.Rollout rollout) => rollout.State switch { "done" => ExitCode.Done, "running" => ExitCode.No, _ => ExitCode.RolloutFailed };

    private void Write(V1.Rollout rollout)
    {
        TextWriter text = options.Terminal.Out;
        text.WriteLine($"r{rollout.Release} {rollout.State}, {string.Join(", ", rollout.Documents)}, {(rollout.Author.Length > 0 ? $"by {rollout.Author}" : "nobody said by whom")}");
        for (int i = 0; i < rollout.Strategy.Stages.Count; i++)
        {
            V1.StageProgress? progress = i < rollout.Progress.Count ? rollout.Progress[i] : null;
            text.WriteLine($"{(i == rollout.Stage ? ">" : " ")} stage {i + 1}/{rollout.Strategy.Stages.Count}  {StageOf(rollout.Strategy.Stages[i])}{(progress is null ? "" : "  " + Counts(progress))}{(i == rollout.Stage ? Bakes(rollout) : "")}");
        }

        WriteEnd(options, rollout);
    }

    private static void WriteEnd(ConfigOptions options, V1.Rollout rollout)
    {
        TextWriter text = options.Terminal.Out;
        if (rollout.Reason.Length > 0) text.WriteLine($"{rollout.State}: {rollout.Reason}");
        foreach (string failed in rollout.Failed) text.WriteLine($"  failed {failed}");
        if (rollout.RevertedBy > 0) text.WriteLine($"taken back by r{rollout.RevertedBy}");
    }

    private static string Line(V1.Rollout rollout)
    {
        string counts = rollout.Progress.Count > rollout.Stage ? Counts(rollout.Progress[rollout.Stage]) : "";
        return $"{rollout.State}  stage {rollout.Stage + 1}/{rollout.Strategy.Stages.Count}  {StageOf(rollout.Strategy.Stages[rollout.Stage])}  {counts}{Bakes(rollout)}".TrimEnd();
    }

    private static string Bakes(V1.Rollout rollout) =>
        rollout.BakedSinceUnixMs > 0 && rollout.State == "running" ? $"  bakes since {DateTimeOffset.FromUnixTimeMilliseconds(rollout.BakedSinceUnixMs).ToString("HH:mm:ss", CultureInfo.InvariantCulture)}" : "";

    private static string Counts(V1.StageProgress progress) => $"{progress.Acknowledged:N0}/{progress.Nodes:N0} acknowledged"
        + (progress.Failed > 0 ? $", {progress.Failed:N0} failed" : "") + (progress.Silent > 0 ? $", {progress.Silent:N0} silent" : "");

    private static string Acknowledged(V1.Rollout rollout) => rollout.Progress.Count == 0 ? "" : $"{rollout.Progress[^1].Acknowledged}/{rollout.Progress[^1].Nodes}";

    private static string StageOf(V1.Stage stage)
    {
        var alone = new V1.Strategy { Stages = { stage, new V1.Stage { Percent = 100 } } };
        return StrategyMessages.TryRead(alone, out Strategy? read, out _) && read is not null ? StrategyText.TextOf(read.Stages[0], Dimensions.Initial) : stage.ToString();
    }
}
