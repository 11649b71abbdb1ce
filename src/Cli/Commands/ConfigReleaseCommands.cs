using System.CommandLine;
using Conclave.Cli.Output;
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
            string[] errors = [.. plan.Problems.Select(p => p.Code).Where(c => c.StartsWith('E'))];
            return errors.Length == 0 ? ExitCode.Done : errors.All(c => c == "E_CONFLICT") ? ExitCode.Conflict : ExitCode.Validation;
        });
    }

    public Command Publish()
    {
        Argument<string> draft = new("draft") { Description = "The draft. It is gone afterwards." };
        return options.Run(options.WithReason(new Command("publish", "Make a draft the next release, or nothing of it.") { draft }), (client, parsed, cancellationToken) =>
        {
            var request = new V1.PublishRequest { Space = options.Space(parsed), Draft = parsed.GetRequiredValue(draft), Author = options.Author, Reason = options.Reason(parsed), Ticket = options.Ticket(parsed) };
            return options.PublishAsync(client, parsed, request, cancellationToken);
        });
    }

    public Command Rollback()
    {
        Argument<string> release = new("release") { Description = "The release whose content comes back, as a new release: r12." };
        return options.Run(options.WithYes(options.WithReason(new Command("rollback", "Publish the exact inverse of what happened since a release.") { release })), async (client, parsed, cancellationToken) =>
        {
            long to = ConfigOptions.ReleaseOf(parsed.GetRequiredValue(release));
            string reason = options.Reason(parsed);
            bool goOn = await options.ConfirmAsync(parsed, async () =>
            {
                V1.DiffResponse lost = await client.Configuration.DiffAsync(new V1.DiffRequest { Space = options.Space(parsed), From = to }, cancellationToken).ConfigureAwait(false);
                options.Terminal.Out.WriteLine($"These {ConfigOptions.Count(lost.Changes.Count, "change")} since r{to} are taken back:");
                options.WriteChanges(lost.Changes);
                WriteOthers(lost.Change);
            }, cancellationToken).ConfigureAwait(false);
            if (!goOn) return ExitCode.No;
            var request = new V1.RollbackRequest { Space = options.Space(parsed), To = to, Author = options.Author, Reason = reason, Ticket = options.Ticket(parsed) };
            return await options.RollbackAsync(client, parsed, request, cancellationToken).ConfigureAwait(false);
        });
    }

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
            options.Print(parsed, answer, () => Rows.Write(options.Terminal, ["release", "time", "author", "edits", "documents", "reason", "ticket"],
                answer.Releases.Select(r => (string[])[$"r{r.Release}", ConfigOptions.Time(r.UnixMs), r.Author, $"{r.Edits}", string.Join(',', r.Documents), r.Reason, r.Ticket])));
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
                WriteOthers(change);
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
            bool goOn = await options.ConfirmAsync(parsed, async () =>
            {
                V1.DraftsResponse there = await client.Configuration.DraftsAsync(new V1.DraftsRequest { Space = options.Space(parsed), Name = parsed.GetRequiredValue(name) }, cancellationToken).ConfigureAwait(false);
                WriteDraft(there.Drafts[0]);
            }, cancellationToken).ConfigureAwait(false);
            if (!goOn) return ExitCode.No;
            V1.DropDraftResponse answer = await client.Configuration.DropDraftAsync(new V1.DropDraftRequest { Space = options.Space(parsed), Name = parsed.GetRequiredValue(name) }, cancellationToken).ConfigureAwait(false);
            options.Print(parsed, answer, () => options.Terminal.Out.WriteLine($"draft {parsed.GetRequiredValue(name)} dropped"));
            return ExitCode.Done;
        });
        return new Command("draft", "Changes that are gathered before they are published.") { list, show, Rebase(name), drop };
    }

    private Command Rebase(Argument<string> name) => options.Run(options.WithYes(new Command("rebase",
        "Put a draft on the newest release, when others have changed its documents since. Prints what they changed of what it edits; publishing it writes over that.") { name }), async (client, parsed, cancellationToken) =>
    {
        var request = new V1.RebaseDraftRequest { Space = options.Space(parsed), Name = parsed.GetRequiredValue(name) };
        bool goOn = await options.ConfirmAsync(parsed, async () =>
        {
            request.Preview = true;
            V1.RebaseDraftResponse seen = await client.Configuration.RebaseDraftAsync(request, cancellationToken).ConfigureAwait(false);
            (request.Preview, request.To) = (false, seen.To);   // what comes after what was shown is a conflict again
            WriteRebased(request.Name, seen);
        }, cancellationToken).ConfigureAwait(false);
        if (!goOn) return ExitCode.No;
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
        WriteOthers(rebased.Change);
    }

    private void WriteDraft(V1.Draft draft)
    {
        options.Terminal.Out.WriteLine($"draft {draft.Name} on r{draft.Base} by {draft.Author}, {ConfigOptions.Time(draft.UnixMs)}");
        foreach (V1.EntryEdit edit in draft.Change.Entries) options.Terminal.Out.WriteLine($"  {edit.Document} {edit.Scope} {edit.Key}  {(edit.Op.Length == 0 ? "rm" : edit.Op)} {edit.Value}".TrimEnd());
        WriteOthers(draft.Change);
    }

    private void WritePlan(string what, V1.PlanResponse plan)
    {
        TextWriter text = options.Terminal.Out;
        text.WriteLine($"release {what} on r{plan.Base}: {ConfigOptions.Count(plan.Changes.Count, "change")}");
        options.WriteChanges(plan.Changes);
        WriteOthers(plan.Change);
        options.WriteImpact(plan.Impact);
        foreach (V1.Problem problem in plan.Problems) text.WriteLine($"{(problem.Code.StartsWith('E') ? "error" : "warning")} {problem.Code} {problem.Message}");
        if (plan.Problems.All(p => !p.Code.StartsWith('E'))) text.WriteLine("checks: ok");
    }

    private void WriteOthers(V1.Change change)
    {
        TextWriter text = options.Terminal.Out;
        if (change.Dimensions is { } dimensions) text.WriteLine($"  dimensions {string.Join(" < ", dimensions.Dimensions.Select(d => d.Name + (d.MultiValued ? "*" : "")))}");
        foreach (V1.WeightEdit weight in change.Weights) text.WriteLine($"  weight {weight.Dimension}={weight.Value}  {weight.Weight}");
        foreach (V1.NodeEdit node in change.Nodes) text.WriteLine($"  node {node.Node}  {(node.Delete ? "removed" : string.Join(' ', node.Assigned.Select(p => $"{p.Dimension}={p.Value}")))}");
        foreach (V1.SchemaEdit schema in change.Schemas) text.WriteLine($"  schema {schema.Document} {schema.Key}  {(schema.Schema.Length == 0 ? "removed" : schema.Schema)}");
    }
}
