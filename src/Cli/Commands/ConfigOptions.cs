using System.CommandLine;
using System.Globalization;
using System.Text;
using Conclave.Cli.Output;
using Conclave.Client;
using Conclave.Layers;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Cli.Commands;

/// <summary>Options that the commands for layered configuration share, and how they print and publish.</summary>
internal sealed class ConfigOptions(Terminal terminal, ClusterOptions cluster)
{
    private readonly Option<string> _space = new("--space") { Description = "The configuration space. [env: CONCLAVE_SPACE; default: default]", HelpName = "name" };
    private readonly Option<string?> _at = new("--at") { Description = "As of a release (r12), or of a time (2026-01-09 or 2026-01-09T12:00:00Z).", HelpName = "release|time" };
    private readonly Option<string?> _draft = new("--draft") { Description = "Put it into this draft, instead of publishing it at once.", HelpName = "name" };
    private readonly Option<string?> _reason = new("--message", "-m") { Description = "Why. Needed to publish.", HelpName = "reason" };
    private readonly Option<string?> _ticket = new("--ticket") { Description = "A ticket that asked for it.", HelpName = "id" };
    private readonly Option<bool> _yes = new("--yes", "-y") { Description = "Do not ask. Nobody is asked either where the input is no terminal." };
    private readonly PublishOptions _publish = new();
    private readonly Option<string?> _as = new("--as") { Description = "Instead of a node: whoever has these values.", HelpName = "dimension=value,..." };

    public Terminal Terminal => terminal;

    /// <summary>Runs against the cluster. What the arguments say is read inside, so that what is wrong with them ends with a text and exit code 2.</summary>
    public Command Run(Command command, Func<ConclaveClient, ParseResult, CancellationToken, Task<int>> run)
    {
        command.Add(_space);
        command.SetAction((parsed, cancellationToken) => cluster.RunAsync(parsed, terminal, client => run(client, parsed, cancellationToken), isConfiguration: true));
        return command;
    }

    /// <summary>For what takes something away: a person is asked first.</summary>
    public Command WithYes(Command command)
    {
        command.Add(_yes);
        return command;
    }

    public Command WithAt(Command command)
    {
        command.Add(_at);
        return command;
    }

    public Command WithAs(Command command)
    {
        command.Add(_as);
        return WithAt(command);
    }

    public Command WithReason(Command command)
    {
        command.Add(_reason);
        command.Add(_ticket);
        _publish.AddTo(command);
        return command;
    }

    public Command WithChange(Command command)
    {
        command.Add(_draft);
        return WithReason(command);
    }

    /// <summary>Whether a program reads the output: then it is nothing but the answer.</summary>
    public bool IsJson(ParseResult parsed) => cluster.Format(parsed) is "json" or "yaml" or "ini";

    /// <summary>table, text, json, yaml or ini.</summary>
    public string Format(ParseResult parsed) => cluster.Format(parsed);

    public string Space(ParseResult parsed) => parsed.GetValue(_space) ?? terminal.Environment("CONCLAVE_SPACE") ?? "";

    public bool IsDraft(ParseResult parsed) => parsed.GetValue(_draft) is not null;

    public bool HasStrategy(ParseResult parsed) => _publish.Strategy(parsed) is not null;

    public string Ticket(ParseResult parsed) => parsed.GetValue(_ticket) ?? "";

    public string Author => terminal.Environment("USER") ?? "";

    /// <exception cref="ArgumentException">There is none.</exception>
    public string Reason(ParseResult parsed) => parsed.GetValue(_reason) is { Length: > 0 } reason ? reason
        : throw new ArgumentException("A release needs a reason. Give one with -m, or gather changes in a draft with --draft.");

    public V1.At? At(ParseResult parsed) => parsed.GetValue(_at) is { } text ? AtOf(text) : null;

    public bool IsAt(ParseResult parsed) => parsed.GetValue(_at) is not null;

    /// <summary>A node, or the values of --as.</summary>
    public (V1.Subject Subject, string[] Words) Subject(ParseResult parsed, string[] words, string form)
    {
        bool thought = parsed.GetValue(_as) is not null;
        if (!thought && words.Length == 0) throw new ArgumentException($"Name a node, or give --as dimension=value: {form}");
        return thought ? (Criteria(parsed.GetValue(_as)!), words) : (SubjectOf(words[0]), words[1..]);   // not null: it was looked at
    }

    /// <summary>A node's name; or dimension=value pairs.</summary>
    public static V1.Subject SubjectOf(string text) => text.Contains('=', StringComparison.Ordinal) ? Criteria(text) : new V1.Subject { Node = text };

    /// <summary>r12 or 12.</summary>
    public static long ReleaseOf(string text) => long.TryParse(text.StartsWith('r') ? text[1..] : text, NumberStyles.None, CultureInfo.InvariantCulture, out long release)
        ? release : throw new ArgumentException($"\"{text}\" is no release; write r12 or 12.");

    public static V1.Pair PairOf(string text)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        return equals > 0 && equals < text.Length - 1 ? new V1.Pair { Dimension = text[..equals], Value = text[(equals + 1)..] }
            : throw new ArgumentException($"\"{text}\" is not of the form dimension=value.");
    }

    /// <summary>A scope as it is typed, with commas or semicolons between its pairs.</summary>
    /// <exception cref="ArgumentException">It is empty: the variable of a script that was meant to hold one must not reach everybody.</exception>
    public static string ScopeOf(string text) => string.IsNullOrWhiteSpace(text) ? throw new ArgumentException("The scope is empty. Write * for all nodes, or dimension=value.") : text.Replace(',', ';');

    /// <summary>The value of a key: text where the schema says string; else JSON where it is JSON, and text otherwise.</summary>
    public static string ValueOf(string text, string type) => type != "string" && ValueJson.TryParse(text, out Value? value, out _) ? value.ToString() : Value.Of(text).ToString();

    /// <summary>Prints the answer as JSON, or as the text that is given.</summary>
    public void Print(ParseResult parsed, IMessage answer, Action text)
    {
        switch (cluster.Format(parsed))
        {
            case "json": MessageJson.WriteLine(terminal, answer); break;
            case "yaml": MessageText.WriteYaml(terminal, answer); break;
            case "ini": MessageText.WriteIni(terminal, answer); break;
            default: text(); break;
        }
    }

    /// <summary>Whether somebody is asked: there is a person and no --yes.</summary>
    public bool Asks(ParseResult parsed) => !parsed.GetValue(_yes) && terminal.IsInputInteractive;

    /// <summary>Asks whether to go on with what was shown.</summary>
    public async Task<bool> AskAsync(CancellationToken cancellationToken)
    {
        terminal.Out.Write("Go on? [y/N] ");
        await terminal.Out.FlushAsync(cancellationToken).ConfigureAwait(false);
        using var answer = new StreamReader(terminal.Input, Encoding.UTF8, leaveOpen: true);
        return await answer.ReadLineAsync(cancellationToken).ConfigureAwait(false) is "y" or "Y" or "yes";
    }

    /// <summary>The release that --at names; 0 without it.</summary>
    public async Task<long> ReleaseAtAsync(ConclaveClient client, ParseResult parsed, CancellationToken cancellationToken) =>
        parsed.GetValue(_at) is { } text ? await ReleaseAsync(client, parsed, text, cancellationToken).ConfigureAwait(false) : 0;

    /// <summary>A release by its number, or the newest one that there was at a time.</summary>
    public async Task<long> ReleaseAsync(ConclaveClient client, ParseResult parsed, string text, CancellationToken cancellationToken)
    {
        V1.At at = AtOf(text);
        return at.UnixMs == 0 ? at.Release
            : (await client.Configuration.NodesAsync(new V1.NodesRequest { Space = Space(parsed), At = at, Limit = 1 }, cancellationToken).ConfigureAwait(false)).Release;
    }

    /// <summary>Puts a change into a draft, or publishes it on whatever is newest.</summary>
    public async Task<int> ChangeAsync(ConclaveClient client, ParseResult parsed, V1.Change change, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(_draft) is { } draft)
        {
            V1.PutDraftResponse put = await client.Configuration.PutDraftAsync(new V1.PutDraftRequest { Space = Space(parsed), Name = draft, Change = change, Merge = true, Author = Author }, cancellationToken).ConfigureAwait(false);
            Print(parsed, put, () => terminal.Out.WriteLine($"draft {draft} on r{put.Base}: {Count(put.Edits, "edit")}"));
            return ExitCode.Done;
        }

        var request = new V1.PublishRequest { Space = Space(parsed), Change = change, Author = Author, Reason = Reason(parsed), Ticket = Ticket(parsed) };
        return (await PublishAsync(client, parsed, request, cancellationToken).ConfigureAwait(false)).Code;
    }

    /// <summary>Publishes with the options that all commands that publish have, and prints what became of it.</summary>
    public async Task<(int Code, V1.PublishResponse Published)> PublishAsync(ConclaveClient client, ParseResult parsed, V1.PublishRequest request, CancellationToken cancellationToken)
    {
        (request.Strategy, request.AllowShrink) = (_publish.Strategy(parsed), _publish.AllowShrink(parsed));
        V1.PublishResponse published = await client.Configuration.PublishAsync(request, cancellationToken).ConfigureAwait(false);
        return (await PublishedAsync(client, parsed, published, cancellationToken).ConfigureAwait(false), published);
    }

    /// <summary>The same for a rollback.</summary>
    public async Task<int> RollbackAsync(ConclaveClient client, ParseResult parsed, V1.RollbackRequest request, CancellationToken cancellationToken)
    {
        (request.Strategy, request.AllowShrink) = (_publish.Strategy(parsed), _publish.AllowShrink(parsed));
        return await PublishedAsync(client, parsed, await client.Configuration.RollbackAsync(request, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
    }

    private async Task<int> PublishedAsync(ConclaveClient client, ParseResult parsed, V1.PublishResponse published, CancellationToken cancellationToken)
    {
        WritePublished(parsed, published);
        return published.Rollout && _publish.Waits(parsed) ? await RolloutCommand.WaitAsync(this, client, parsed, published.Release, cancellationToken).ConfigureAwait(false) : ExitCode.Done;
    }

    private void WritePublished(ParseResult parsed, V1.PublishResponse published) => Print(parsed, published, () =>
    {
        terminal.Out.WriteLine(published.Unchanged ? $"nothing to do: it is so already at r{published.Release}" : $"r{published.Release} published");
        if (!published.Unchanged) WriteImpact(published.Impact);
        if (published.Rollout) terminal.Out.WriteLine($"it reaches its nodes in stages: conclave rollout status r{published.Release}");
        foreach (V1.Problem warning in published.Warnings) terminal.Out.WriteLine($"warning {warning.Code} {warning.Message}");
    });

    public void WriteImpact(V1.Impact? impact)
    {
        if (impact is null) return;
        string restarts = impact.Restarts == 0 ? "" : $", {Count(impact.Restarts, "restart")}";
        terminal.Out.WriteLine($"effect: {impact.Nodes:N0} of {Count(impact.NodesTotal, "node")}, {Count(impact.Keys, "effective key")}{restarts}");
        if (impact.Masked.Count > 0) terminal.Out.WriteLine($"masked: {string.Join(", ", impact.Masked.Take(5))}{(impact.Masked.Count > 5 ? $" and {impact.Masked.Count - 5} more" : "")} keep their own");
    }

    public void WriteChanges(IEnumerable<V1.EntryChange> changes)
    {
        foreach (V1.EntryChange change in changes)
            terminal.Out.WriteLine($"  {change.Document} {change.Scope} {change.Key}  {Side(change.Before)} -> {Side(change.After)}");
    }

    public static string Count(long count, string what) => string.Create(CultureInfo.InvariantCulture, $"{count:N0} {(count == 1 ? what : what.EndsWith("ry", StringComparison.Ordinal) ? what[..^1] + "ies" : what + "s")}");

    public static string Time(long unixMs) => unixMs == 0 ? "" : DateTimeOffset.FromUnixTimeMilliseconds(unixMs).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    private static string Side(string side) => side.Length == 0 ? "(inherits)" : side.StartsWith("set ", StringComparison.Ordinal) ? side[4..] : side;

    private static V1.Subject Criteria(string text)
    {
        var subject = new V1.Subject();
        subject.Criteria.AddRange(text.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(PairOf));
        return subject;
    }

    private static V1.At AtOf(string text)
    {
        if (text.Length > 0 && (text[0] == 'r' || text.All(char.IsAsciiDigit))) return new V1.At { Release = ReleaseOf(text) };
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time) ? new V1.At { UnixMs = time.ToUnixTimeMilliseconds() }
            : throw new ArgumentException($"\"{text}\" is neither a release (r12) nor a time (2026-01-09T12:00:00Z).");
    }
}
