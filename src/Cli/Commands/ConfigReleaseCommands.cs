using System.CommandLine;
using Conclave.Cli.Output;
using Conclave.Client;
using Conclave.Wire.Grpc;
using V1 = Conclave.Wire.V1;

namespace Conclave.Cli.Commands;

/// <summary>Drafts and releases.</summary>
internal sealed class ConfigReleaseCommands(ConfigOptions options)
{
    public Command Plan()
    {
        Argument<string> draft = new("draft") { Description = "The draft." };
        return options.Run(new Command("plan", "Print what publishing a draft would do. Exit code 3 when it cannot be published.") { draft }, async (client, parsed, cancellationToken) =>
        {
            string name = parsed.GetRequiredValue(draft);
            V1.PlanResponse plan = await client.Configuration.PlanAsync(new V1.PlanRequest { Space = options.Space(parsed), Draft = name }, cancellationToken).ConfigureAwait(false);
            options.Print(parsed, plan, () => WritePlan($"draft {name}", plan));
            return ConfigPlans.CodeOf(plan);
        });
    }

    public Command Publish()
    {
        Argument<string> draft = new("draft") { Description = "The draft. It is gone afterwards." };
        return options.Run(options.WithReason(new Command("publish", "Make a draft the next release, or nothing of it.") { draft }), async (client, parsed, cancellationToken) =>
        {
            var request = new V1.PublishRequest { Space = options.Space(parsed), Draft = parsed.GetRequiredValue(draft), Author = options.Author, Reason = options.Reason(parsed), Ticket = options.Ticket(parsed) };
            return (await options.PublishAsync(client, parsed, request, cancellationToken).ConfigureAwait(false)).Code;
        });
    }

    public Command Rollback()
    {
        Argument<string> release = new("release") { Description = "The release whose content comes back, as a new release: r12." };
        return options.Run(options.WithYes(options.WithReason(new Command("rollback", "Publish the exact inverse of what happened since a release.") { release })), async (client, parsed, cancellationToken) =>
        {
            long to = ConfigOptions.ReleaseOf(parsed.GetRequiredValue(release));
            if (to == 0) throw new ArgumentException("There is no release 0 to go back to; the first is r1.");
            var request = new V1.RollbackRequest { Space = options.Space(parsed), To = to, Author = options.Author, Reason = options.Reason(parsed), Ticket = options.Ticket(parsed) };
            if (options.Asks(parsed))
            {
                // Of one release and no later one: what somebody publishes while the question stands is not taken back unseen.
                request.Base = (await client.Configuration.ReleasesAsync(new V1.ReleasesRequest { Space = request.Space, Limit = 1 }, cancellationToken).ConfigureAwait(false)).Head;
                V1.DiffResponse lost = await client.Configuration.DiffAsync(new V1.DiffRequest { Space = request.Space, From = to, To = request.Base }, cancellationToken).ConfigureAwait(false);
                int count = lost.Changes.Count + ConfigPlans.CountOf(lost.Change) - lost.Change.Entries.Count;
                if (count > 0)   // else there is nothing to decide
                {
                    options.Terminal.Out.WriteLine($"{(count == 1 ? "This change" : $"These {ConfigOptions.Count(count, "change")}")} since r{to} {(count == 1 ? "is" : "are")} taken back:");
                    options.WriteChanges(lost.Changes);
                    ConfigPlans.WriteOthers(options, lost.Change);
                    if (!await options.AskAsync(cancellationToken).ConfigureAwait(false)) return ExitCode.No;
                }
            }

            try
            {
                return await options.RollbackAsync(client, parsed, request, cancellationToken).ConfigureAwait(false);
            }
            catch (ConclaveException refused) when (ConfigFiles.IsConflict(refused) || IsTooLarge(refused))
            {
                options.Terminal.Fail(refused.Message, IsTooLarge(refused)
                    ? $"A rollback is one release. By files it can be several: conclave export --at r{to} DIRECTORY, then conclave apply --prune -f DIRECTORY -m REASON. Secrets stay what they are now, unless export has --reveal."
                    : $"Nothing was changed. Look again: conclave diff r{to}, and conclave rollback r{to}");
                return ExitCode.Of(refused);
            }
        });
    }

    private static bool IsTooLarge(ConclaveException refused) => refused.Code == GrpcCode.InvalidArgument && refused.Message.Contains(" in several ", StringComparison.Ordinal);

    public Command Log()
    {
        Argument<string?> document = new("document") { Description = "Only releases that touch it.", Arity = ArgumentArity.ZeroOrOne };
        Option<long> limit = new("--limit") { Description = "At most so many. [default: 20]", DefaultValueFactory = _ => 20, HelpName = "n" };
        Option<string?> before = new("--before") { Description = "Only older ones.", HelpName = "release" };
        return options.Run(options.WithAt(new Command("log", "Print releases, newest first: who, when, why.") { document, limit, before }), async (client, parsed, cancellationToken) =>
        {
            long at = await options.ReleaseAtAsync(client, parsed, cancellationToken).ConfigureAwait(false), end = parsed.GetValue(before) is { } older ? ConfigOptions.ReleaseOf(older) : long.MaxValue;
            if (options.IsAt(parsed)) end = Math.Min(end, at + 1);
            V1.ReleasesResponse answer = await client.Configuration.ReleasesAsync(new V1.ReleasesRequest
            {
                Space = options.Space(parsed),
                Document = parsed.GetValue(document) ?? "",
                Limit = parsed.GetValue(limit),
                Before = end == long.MaxValue ? 0 : end,
            }, cancellationToken).ConfigureAwait(false);
            options.Print(parsed, answer, () => Rows.Write(options.Terminal, ["release", "time", "author", "edits", "documents", "reason", "ticket", "takes back"],
                answer.Releases.Select(r => (string[])[$"r{r.Release}", ConfigOptions.Time(r.UnixMs), r.Author, $"{r.Edits}", string.Join(',', r.Documents), r.Reason, r.Ticket, TakesBack(r)])));
            if (answer.Releases.Count == 0)
                options.Terminal.Fail(parsed.GetValue(document) is { } of ? $"No release{(end == long.MaxValue ? "" : $" before r{end}")} touches {of}." : $"There is no release{(end == long.MaxValue ? " yet" : $" before r{end}")}.");
            return answer.Releases.Count > 0 ? ExitCode.Done : ExitCode.No;
        });
    }

    public Command Diff()
    {
        Argument<string> from = new("from") { Description = "A release, r12, or a time, 2026-01-09T12:00:00Z. 0 is before the first." };
        Argument<string?> to = new("to") { Description = "Another; none is the newest.", Arity = ArgumentArity.ZeroOrOne };
        return options.Run(new Command("diff", "Print what differs between two releases. Exit code 0 when nothing does, else 1.") { from, to }, async (client, parsed, cancellationToken) =>
        {
            long start = await options.ReleaseAsync(client, parsed, parsed.GetRequiredValue(from), cancellationToken).ConfigureAwait(false);
            long end = parsed.GetValue(to) is { } given ? await options.ReleaseAsync(client, parsed, given, cancellationToken).ConfigureAwait(false) : 0;
            V1.DiffResponse answer = await client.Configuration.DiffAsync(new V1.DiffRequest { Space = options.Space(parsed), From = start, To = end }, cancellationToken).ConfigureAwait(false);
            V1.Change change = answer.Change;
            options.Print(parsed, answer, () =>
            {
                options.WriteChanges(answer.Changes);
                ConfigPlans.WriteOthers(options, change);
            });
            return answer.Changes.Count + change.Nodes.Count + change.Schemas.Count + change.Weights.Count == 0 && change.Dimensions is null ? ExitCode.Done : ExitCode.No;
        });
    }

    public Command Draft()
    {
        Argument<string> name = new("draft") { Description = "The draft." };
        Command list = options.Run(new Command("list", "Print all drafts."), async (client, parsed, cancellationToken) =>
        {
            V1.DraftsResponse answer = await client.Configuration.DraftsAsync(new V1.DraftsRequest { Space = options.Space(parsed) }, cancellationToken).ConfigureAwait(false);
            options.Print(parsed, answer, () => Rows.Write(options.Terminal, ["draft", "base", "edits", "author", "time"],
                answer.Drafts.Select(d => (string[])[d.Name, $"r{d.Base}", $"{d.Edits}", d.Author, ConfigOptions.Time(d.UnixMs)])));
            return ExitCode.Done;
        });
        Command show = options.Run(new Command("show", "Print the edits of a draft.") { name }, async (client, parsed, cancellationToken) =>
        {
            V1.DraftsResponse answer = await client.Configuration.DraftsAsync(new V1.DraftsRequest { Space = options.Space(parsed), Name = parsed.GetRequiredValue(name) }, cancellationToken).ConfigureAwait(false);
            options.Print(parsed, answer, () => WriteDraft(answer.Drafts[0]));
            return ExitCode.Done;
        });
        Command drop = options.Run(options.WithYes(new Command("drop", "Forget a draft.") { name }), async (client, parsed, cancellationToken) =>
        {
            var request = new V1.DropDraftRequest { Space = options.Space(parsed), Name = parsed.GetRequiredValue(name) };
            if (options.Asks(parsed))
            {
                V1.Draft there = (await client.Configuration.DraftsAsync(new V1.DraftsRequest { Space = request.Space, Name = request.Name }, cancellationToken).ConfigureAwait(false)).Drafts[0];
                request.UnixMs = there.UnixMs;
                WriteDraft(there);
                if (!await options.AskAsync(cancellationToken).ConfigureAwait(false)) return ExitCode.No;
            }

            V1.DropDraftResponse answer = await client.Configuration.DropDraftAsync(request, cancellationToken).ConfigureAwait(false);
            options.Print(parsed, answer, () => options.Terminal.Out.WriteLine($"draft {parsed.GetRequiredValue(name)} dropped"));
            return ExitCode.Done;
        });
        return new Command("draft", "Changes that are gathered before they are published.") { list, show, Rebase(name), drop };
    }

    private Command Rebase(Argument<string> name) => options.Run(options.WithYes(new Command("rebase",
        "Put a draft on the newest release, when others have changed its documents since. Prints what they changed of what it edits; publishing it writes over that.") { name }), async (client, parsed, cancellationToken) =>
    {
        var request = new V1.RebaseDraftRequest { Space = options.Space(parsed), Name = parsed.GetRequiredValue(name) };
        if (options.Asks(parsed))
        {
            request.UnixMs = (await client.Configuration.DraftsAsync(new V1.DraftsRequest { Space = request.Space, Name = request.Name }, cancellationToken).ConfigureAwait(false)).Drafts[0].UnixMs;
            request.Preview = true;
            V1.RebaseDraftResponse seen = await client.Configuration.RebaseDraftAsync(request, cancellationToken).ConfigureAwait(false);
            (request.Preview, request.To) = (false, seen.To);   // what comes after what was shown is a conflict again
            WriteRebased(request.Name, seen);
            if (!await options.AskAsync(cancellationToken).ConfigureAwait(false)) return ExitCode.No;
        }

        V1.RebaseDraftResponse done = await client.Configuration.RebaseDraftAsync(request, cancellationToken).ConfigureAwait(false);
        options.Print(parsed, done, () =>
        {
            if (request.To == 0) WriteRebased(request.Name, done);   // else it was shown before the question
            options.Terminal.Out.WriteLine($"draft {request.Name} on r{done.To}");
        });
        return ExitCode.Done;
    });

    private void WriteRebased(string name, V1.RebaseDraftResponse rebased)
    {
        long moved = rebased.Changes.Count + rebased.Change.Nodes.Count + rebased.Change.Schemas.Count + rebased.Change.Weights.Count + (rebased.Change.Dimensions is null ? 0 : 1);
        options.Terminal.Out.WriteLine($"draft {name} r{rebased.From} -> r{rebased.To}: others made {ConfigOptions.Count(moved, "change")} to what it edits");
        options.WriteChanges(rebased.Changes);
        ConfigPlans.WriteOthers(options, rebased.Change);
    }

    private void WriteDraft(V1.Draft draft)
    {
        options.Terminal.Out.WriteLine($"draft {draft.Name} on r{draft.Base} by {draft.Author}, {ConfigOptions.Time(draft.UnixMs)}");
        foreach (V1.EntryEdit edit in draft.Change.Entries) options.Terminal.Out.WriteLine($"  {edit.Document} {edit.Scope} {edit.Key}  {(edit.Op.Length == 0 ? "rm" : edit.Op)} {edit.Value}".TrimEnd());
        ConfigPlans.WriteOthers(options, draft.Change);
    }

    private void WritePlan(string what, V1.PlanResponse plan)
    {
        TextWriter text = options.Terminal.Out;
        text.WriteLine($"release {what} on r{plan.Base}: {ConfigOptions.Count(ConfigPlans.CountOf(plan.Change ?? new V1.Change()), "change")}");
        ConfigPlans.Write(options, plan);
        foreach (V1.Problem error in plan.Problems.Where(ConfigPlans.IsError)) text.WriteLine($"error {error.Code} {error.Message}");
        if (!plan.Problems.Any(ConfigPlans.IsError)) text.WriteLine("checks: ok");
    }

    private static string TakesBack(V1.ReleaseInfo release) => release switch
    {
        { Reverts: > 0 } => $"r{release.Reverts}",
        { ReturnedTo: > 0 } => release.ReturnedTo + 2 == release.Release ? $"r{release.ReturnedTo + 1}" : $"r{release.ReturnedTo + 1}..r{release.Release - 1}",
        _ => "",
    };
}
