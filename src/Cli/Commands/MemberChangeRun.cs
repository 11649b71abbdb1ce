using System.CommandLine;
using Conclave.Cli.Members;
using Conclave.Cli.Output;
using Conclave.Client;

namespace Conclave.Cli.Commands;

/// <summary>How every change of the members runs: look, check, ask, do, say what comes next.</summary>
internal sealed class MemberChangeRun(Terminal terminal, ClusterOptions cluster)
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(500);

    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Say what would be done and whether it is safe, and do nothing." };
    private readonly Option<bool> _force = new("--force") { Description = "Do it even when the check calls it risky. What cannot work is refused all the same." };
    private readonly Option<bool> _yes = new("--yes", "-y") { Description = "Do not ask before a member is removed." };

    private readonly Option<TimeSpan?> _wait = new("--wait")
    {
        Description = "Replace: wait so long for the new member to take over, then finish. [default: 0s]",
        CustomParser = Duration.Parse,
        HelpName = "time",
    };

    /// <summary>A command that makes one kind of change.</summary>
    public Command Command(string name, string description, Func<ParseResult, MemberChange> change, bool removes, params ReadOnlySpan<Symbol> symbols)
    {
        Command command = new(name, description) { _dryRun, _force };
        foreach (Symbol symbol in symbols)
        {
            if (symbol is Argument argument) command.Add(argument);
            else command.Add((Option)symbol);
        }

        if (removes) command.Add(_yes);
        if (name == "replace") command.Add(_wait);
        command.SetAction((parsed, cancellationToken) => cluster.RunAsync(parsed, terminal, client => RunAsync(parsed, client, change(parsed), cancellationToken)));
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, ConclaveClient client, MemberChange change, CancellationToken cancellationToken)
    {
        await using ClusterLook look = new(parsed, terminal, cluster);
        ClusterSight seen = await look.SeeAsync(client, cancellationToken).ConfigureAwait(false);
        MemberVerdict verdict = MemberChangeCheck.Of(seen, change);
        if (parsed.GetValue(_dryRun)) return ShowPlan(parsed, seen, change, verdict);
        if (!MayGoOn(verdict, parsed.GetValue(_force))) return Refuse(verdict);
        foreach (Finding note in verdict.Findings) terminal.Fail($"{(note.Severity == Severity.Risk ? "warning" : "note")}: {note.What}");
        if (verdict.Steps.Contains(MemberStep.Remove) && !parsed.GetValue(_yes) && !Agrees(seen, change, verdict)) return ExitCode.No;

        MemberSteps steps = new(look.All, seen, change);
        await DoAsync(steps, verdict, cancellationToken).ConfigureAwait(false);
        Show(parsed, look, seen, change, verdict, steps);
        if (change is not ReplaceMember || verdict.Steps.Contains(MemberStep.Remove)) return ExitCode.Done;
        return await FinishAsync(parsed, client, look, change, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Waits for the new member to take over, and removes the old one.</summary>
    private async Task<int> FinishAsync(ParseResult parsed, ConclaveClient client, ClusterLook look, MemberChange change, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(_wait) is not { } patience) return ExitCode.No;
        await terminal.Out.FlushAsync(cancellationToken).ConfigureAwait(false);
        long started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            await Task.Delay(Poll, cancellationToken).ConfigureAwait(false);
            ClusterSight seen = await look.SeeAsync(client, cancellationToken).ConfigureAwait(false);
            MemberVerdict verdict = MemberChangeCheck.Of(seen, change);
            // A server that promotes by itself is left to it; one that does not is asked for the promotion.
            string obstacle = verdict.IsAllowed ? "" : verdict.Reason.What;
            if (MayGoOn(verdict, parsed.GetValue(_force)) && verdict.Steps.Contains(MemberStep.Remove))
            {
                MemberSteps steps = new(look.All, seen, change);
                try
                {
                    await steps.RunAsync(verdict.Steps, cancellationToken).ConfigureAwait(false);
                    Show(parsed, look, seen, change, verdict, steps);
                    return ExitCode.Done;
                }
                catch (ConclaveException e) when (e is not OutcomeUnknownException)
                {
                    obstacle = e.Message;   // Another change is under way, or the new member votes by now: the next look tells.
                }
            }

            if (TimeProvider.System.GetElapsedTime(started) < patience) continue;
            terminal.Fail($"The new member has not taken over within {patience.TotalSeconds:0.#} s. {obstacle}", "Nothing was removed. Ask again in the same words once it runs.");
            return ExitCode.No;
        }
    }

    private async Task DoAsync(MemberSteps steps, MemberVerdict verdict, CancellationToken cancellationToken)
    {
        try
        {
            await steps.RunAsync(verdict.Steps, cancellationToken).ConfigureAwait(false);
        }
        catch (ConclaveException) when (steps.Done.Count > 0)
        {
            terminal.Fail($"Done before it failed: {string.Join(", ", steps.Done.Select(step => MemberJson.NameOf(step)))}.", MemberTexts.Rest(steps));
            throw;
        }
    }

    private static bool MayGoOn(MemberVerdict verdict, bool isForced) => verdict.IsAllowed || (verdict.Severity == Severity.Risk && isForced);

    private int ShowPlan(ParseResult parsed, ClusterSight seen, MemberChange change, MemberVerdict verdict)
    {
        if (cluster.IsJson(parsed)) Json.WriteLine(terminal, json => MemberJson.Verdict(json, change, verdict));
        else
        {
            string word = verdict.Severity switch { Severity.Note => "allowed", Severity.Risk => "risky", _ => "refused" };
            terminal.Out.WriteLine($"{word}: {MemberTexts.Plan(seen, change, verdict.Steps)}");
            foreach (Finding finding in verdict.Findings) terminal.Out.WriteLine($"  {finding.What} {finding.Remedy}".TrimEnd());
        }

        return verdict.IsAllowed ? ExitCode.Done : CodeOf(verdict.Reason);
    }

    private int Refuse(MemberVerdict verdict)
    {
        terminal.Fail(verdict.Reason.What, verdict.Reason.Remedy);
        return CodeOf(verdict.Reason);
    }

    private static int CodeOf(Finding reason) => reason.Kind switch
    {
        FindingKind.NoLeader or FindingKind.NoMajority or FindingKind.WouldLoseMajority => ExitCode.Unavailable,
        FindingKind.NotFound => ExitCode.No,
        FindingKind.AddressInvalid => ExitCode.Usage,
        _ => ExitCode.Conflict,
    };

    private bool Agrees(ClusterSight seen, MemberChange change, MemberVerdict verdict)
    {
        if (!terminal.IsInteractive || !terminal.IsInputInteractive) return true;
        terminal.Out.Write($"{MemberTexts.Plan(seen, change, verdict.Steps)}? [y/N] ");
        terminal.Out.Flush();
        using StreamReader answer = new(terminal.Input, leaveOpen: true);
        return answer.ReadLine()?.Trim() is "y" or "Y" or "yes";
    }

    private void Show(ParseResult parsed, ClusterLook look, ClusterSight seen, MemberChange change, MemberVerdict verdict, MemberSteps steps)
    {
        string? name = change switch { AddMember add => add.Name, ReplaceMember replace => replace.Name ?? steps.Target?.Name, _ => null };
        StartFlags? start = steps.Added is { } added && name is not null ? StartFlags.For(steps.After(), added.Id, name) : null;
        if (cluster.IsJson(parsed))
        {
            Json.WriteLine(terminal, json => MemberJson.Result(json, look.ClusterId, change, verdict, steps, start));
            return;
        }

        foreach (string line in MemberTexts.Done(seen, steps, look.ClusterId)) terminal.Out.WriteLine(line);
        if (start is not null)
        {
            foreach (string line in MemberTexts.Start(start, steps.Done.Contains(MemberStep.AddLearner))) terminal.Out.WriteLine(line);
        }

        foreach (string line in MemberTexts.Next(seen, steps, change)) terminal.Out.WriteLine(line);
    }
}
