using System.CommandLine;
using Conclave.Cli.Output;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Cli.Commands;

/// <summary>Questions: what a node gets, why, and where else.</summary>
internal sealed class ConfigReadCommands(ConfigOptions options)
{
    private readonly Option<bool> _reveal = new("--reveal") { Description = "Show secrets. This is audited." };

    private static Argument<string[]> Words(string form) => new("what") { Description = form, Arity = ArgumentArity.OneOrMore };

    public Command Show()
    {
        const string form = "NODE DOCUMENT [KEY...]; with --as only DOCUMENT [KEY...]. A key that ends in / is a section.";
        Argument<string[]> words = Words(form);
        Command command = new("show", "Print what a node gets of a document. Exit code 1 when it gets nothing.") { words, _reveal };
        return options.Run(options.WithAs(command), async (client, parsed, cancellationToken) =>
        {
            (V1.Subject subject, string[] rest) = options.Subject(parsed, parsed.GetRequiredValue(words), form);
            if (rest.Length == 0) throw new ArgumentException($"Name a document: {form}");
            var request = new V1.GetRequest { Space = options.Space(parsed), Subject = subject, Document = rest[0], At = options.At(parsed), Reveal = parsed.GetValue(_reveal) };
            request.Keys.AddRange(rest[1..]);
            V1.GetResponse answer = await client.Configuration.GetAsync(request, cancellationToken).ConfigureAwait(false);
            options.Print(parsed, answer, () =>
            {
                Rows.Write(options.Terminal, ["key", "value", "scope", "release"], answer.Items.Select(i => (string[])[i.Key, i.Value, i.Scope, $"r{i.Release}"]));
                foreach (V1.Problem problem in answer.Problems) options.Terminal.Out.WriteLine($"{problem.Code} {problem.Message}");
            });
            if (answer.Items.Count == 0 && answer.Problems.Count == 0)
                options.Terminal.Fail($"{NameOf(subject)} gets nothing of {request.Document}{(request.Keys.Count > 0 ? $" under {string.Join(", ", request.Keys)}" : "")} at r{answer.Release}.");
            return answer.Items.Count > 0 ? ExitCode.Done : ExitCode.No;
        });
    }

    public Command Explain()
    {
        const string form = "NODE DOCUMENT KEY; with --as only DOCUMENT KEY";
        Argument<string[]> words = Words(form);
        Command command = new("explain", "Print why a node has the value that it has: every scope that says something, and who wrote it.") { words };
        return options.Run(options.WithAs(command), async (client, parsed, cancellationToken) =>
        {
            (V1.Subject subject, string[] rest) = options.Subject(parsed, parsed.GetRequiredValue(words), form);
            if (rest.Length != 2) throw new ArgumentException($"Name a document and a key: {form}");
            V1.ExplainResponse answer = await client.Configuration.ExplainAsync(
                new V1.ExplainRequest { Space = options.Space(parsed), Subject = subject, Document = rest[0], Key = rest[1], At = options.At(parsed) }, cancellationToken).ConfigureAwait(false);
            options.Print(parsed, answer, () =>
            {
                TextWriter text = options.Terminal.Out;
                text.WriteLine(answer.Value.Length > 0 ? answer.Value : answer.Problem.Length > 0 ? $"(no value: {answer.Problem})" : "(no value)");
                int scope = answer.Layers.Select(l => l.Scope.Length).DefaultIfEmpty().Max(), value = Math.Min(40, answer.Layers.Select(l => l.Value.Length).DefaultIfEmpty().Max());
                foreach (V1.Layer layer in answer.Layers)
                {
                    V1.ReleaseInfo by = layer.Release;
                    string ticket = by.Ticket.Length > 0 ? $" {by.Ticket}" : "", why = layer.WhyNot.Length > 0 ? $"  ({layer.WhyNot})" : "";
                    text.WriteLine($"  {(layer.Wins ? '>' : ' ')} {layer.Scope.PadRight(scope)}  {layer.Op,-6} {layer.Value.PadRight(value)}  r{by.Release} {by.Author} {ConfigOptions.Time(by.UnixMs)} \"{by.Reason}\"{ticket}{why}");
                }

                text.WriteLine($"  type {answer.Type}  apply {answer.Apply}  merge {answer.Merge}{(answer.UsedBy.Count > 0 ? $"  used by {string.Join(", ", answer.UsedBy)}" : "")}");
            });
            return answer.Value.Length > 0 ? ExitCode.Done : ExitCode.No;
        });
    }

    public Command Compare()
    {
        Argument<string> a = new("a") { Description = "A node, or dimension=value,..." }, b = new("b") { Description = "Another." };
        Argument<string?> document = new("document") { Description = "The document; none is all of them.", Arity = ArgumentArity.ZeroOrOne };
        Argument<string[]> keys = new("keys") { Description = "Keys or sections (ending in /); none is all.", Arity = ArgumentArity.ZeroOrMore };
        Command command = new("compare", "Print where two nodes differ. Exit code 0 when they agree, 1 when they do not.") { a, b, document, keys };
        return options.Run(options.WithAt(command), async (client, parsed, cancellationToken) =>
        {
            var request = new V1.CompareRequest
            {
                Space = options.Space(parsed),
                A = ConfigOptions.SubjectOf(parsed.GetRequiredValue(a)),
                B = ConfigOptions.SubjectOf(parsed.GetRequiredValue(b)),
                Document = parsed.GetValue(document) ?? "",
                At = options.At(parsed),
            };
            request.Keys.AddRange(parsed.GetValue(keys) ?? []);
            V1.CompareResponse answer = await client.Configuration.CompareAsync(request, cancellationToken).ConfigureAwait(false);
            if (answer.Equal == 0 && answer.Differences.Count == 0 && request.Document.Length > 0)
            {
                // Not a yes: a slip in a name must not look like two nodes that agree.
                options.Terminal.Fail($"Nothing was compared: neither gets anything of {request.Document}{(request.Keys.Count > 0 ? $" under {string.Join(", ", request.Keys)}" : "")} at r{answer.Release}.");
                return ExitCode.No;
            }

            options.Print(parsed, answer, () =>
            {
                if (answer.Differences.Count == 0) options.Terminal.Out.WriteLine($"equal ({ConfigOptions.Count(answer.Equal, "key")})");
                else Rows.Write(options.Terminal, ["document", "key", "a", "b", "from a", "from b"], answer.Differences.Select(d => (string[])[d.Document, d.Key, d.A, d.B, d.ScopeA, d.ScopeB]));
            });
            return answer.Differences.Count == 0 ? ExitCode.Done : ExitCode.No;
        });
    }

    public Command Grep()
    {
        Argument<string> sought = new("text") { Description = "What to look for in keys, values and comments." };
        return options.Run(options.WithAt(new Command("grep", "Print entries that contain a text. Exit code 1 when there is none.") { sought }), async (client, parsed, cancellationToken) =>
        {
            V1.SearchResponse answer = await client.Configuration.SearchAsync(new V1.SearchRequest { Space = options.Space(parsed), Text = parsed.GetRequiredValue(sought), At = options.At(parsed) }, cancellationToken).ConfigureAwait(false);
            WriteEntries(parsed, answer, answer.Entries, answer.More);
            return answer.Entries.Count > 0 ? ExitCode.Done : ExitCode.No;
        });
    }

    public Command WhoUses()
    {
        Argument<string> document = new("document") { Description = "The document." }, key = new("key") { Description = "The key." };
        return options.Run(options.WithAt(new Command("who-uses", "Print entries whose values refer to a key. Exit code 1 when none does.") { document, key }), async (client, parsed, cancellationToken) =>
        {
            V1.WhoUsesResponse answer = await client.Configuration.WhoUsesAsync(
                new V1.WhoUsesRequest { Space = options.Space(parsed), Document = parsed.GetRequiredValue(document), Key = parsed.GetRequiredValue(key), At = options.At(parsed) }, cancellationToken).ConfigureAwait(false);
            WriteEntries(parsed, answer, answer.Entries, answer.More);
            return answer.Entries.Count > 0 ? ExitCode.Done : ExitCode.No;
        });
    }

    public Command Render()
    {
        const string form = "NODE DOCUMENT; with --as only DOCUMENT";
        Argument<string[]> words = Words(form);
        Option<string> format = new("--format") { Description = "oslo-ini, ini, json, yaml, toml, env-systemd, env-shell, properties or raw.", DefaultValueFactory = _ => "oslo-ini", HelpName = "format" };
        return options.Run(options.WithAs(new Command("render", "Print a document as the file that the service reads.") { words, format, _reveal }), async (client, parsed, cancellationToken) =>
        {
            (V1.Subject subject, string[] rest) = options.Subject(parsed, parsed.GetRequiredValue(words), form);
            if (rest.Length != 1) throw new ArgumentException($"Name a document: {form}");
            var request = new V1.RenderRequest { Space = options.Space(parsed), Subject = subject, Document = rest[0], Format = parsed.GetRequiredValue(format), At = options.At(parsed), Reveal = parsed.GetValue(_reveal) };
            V1.RenderResponse answer = await client.Configuration.RenderAsync(request, cancellationToken).ConfigureAwait(false);
            options.Terminal.WriteBytes(answer.Content.Span);
            return ExitCode.Done;
        });
    }

    public Command Watch()
    {
        Argument<string> node = new("node") { Description = "The node." };
        Argument<string[]> documents = new("documents") { Description = "Documents; none is all of them.", Arity = ArgumentArity.ZeroOrMore };
        return options.Run(new Command("watch", "Print what a node gets, and each change of it, until stopped. Secrets are shown.") { node, documents }, async (client, parsed, cancellationToken) =>
        {
            var request = new V1.WatchRequest { Space = options.Space(parsed), Node = parsed.GetRequiredValue(node) };
            request.Documents.AddRange(parsed.GetValue(documents) ?? []);
            await foreach (V1.Delta delta in client.Configuration.WatchAsync(request, cancellationToken).ConfigureAwait(false))
            {
                options.Print(parsed, delta, () =>
                {
                    options.Terminal.Out.WriteLine(delta.FromRelease == 0 ? $"r{delta.ToRelease}" : $"r{delta.FromRelease} -> r{delta.ToRelease}");
                    foreach (V1.DocumentDelta document in delta.Documents)
                    {
                        foreach (V1.Item item in document.Set) options.Terminal.Out.WriteLine($"  {document.Document} {item.Key} = {item.Value}");
                        foreach (string gone in document.Removed) options.Terminal.Out.WriteLine($"  {document.Document} {gone} is gone");
                    }
                });
                await options.Terminal.Out.FlushAsync(cancellationToken).ConfigureAwait(false);
            }

            return ExitCode.Done;
        });
    }

    private static string NameOf(V1.Subject subject) => subject.Node.Length > 0 ? subject.Node : subject.Criteria.Count > 0 ? string.Join(',', subject.Criteria.Select(p => $"{p.Dimension}={p.Value}")) : "*";

    private void WriteEntries(ParseResult parsed, IMessage answer, ICollection<V1.EntryEdit> entries, bool more)
    {
        options.Print(parsed, answer, () => Rows.Write(options.Terminal, ["document", "scope", "key", "op", "value"], entries.Select(e => (string[])[e.Document, e.Scope, e.Key, e.Op, e.Value])));
        // Beside the answer, so that a script that counts lines is told, too.
        if (more) options.Terminal.Fail($"These are the first {entries.Count:N0}, and there are more.", "Look for a longer text, or in all of it: conclave export DIRECTORY");
    }
}
