using System.CommandLine;
using Conclave.Cli.Output;
using Conclave.Layers;
using V1 = Conclave.Wire.V1;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave lint</c>: what is allowed and still looks like a mistake.</summary>
internal sealed class ConfigLintCommand(ConfigOptions options)
{
    public Command Command()
    {
        Argument<string?> document = new("document") { Description = "Only this document.", Arity = ArgumentArity.ZeroOrOne };
        return options.Run(options.WithAt(new Command("lint", "Print what is allowed and looks like a mistake. Exit code 1 when there is something.") { document }), async (client, parsed, cancellationToken) =>
        {
            // All of it, because an export of one document has no nodes.
            (V1.Change all, long release) = await ConfigFileCommands.ReadAllAsync(client, new V1.ExportRequest { Space = options.Space(parsed), At = options.At(parsed) }, cancellationToken).ConfigureAwait(false);
            var found = new V1.PlanResponse { Base = release };
            found.Problems.AddRange(Findings(all).Where(p => parsed.GetValue(document) is null || p.Document == parsed.GetValue(document)));
            options.Print(parsed, found, () => Rows.Write(options.Terminal, ["code", "document", "key", "finding"], found.Problems.Select(p => (string[])[p.Code, p.Document, p.Key, p.Message])));
            return found.Problems.Count == 0 ? ExitCode.Done : ExitCode.No;
        });
    }

    internal static IEnumerable<V1.Problem> Findings(V1.Change all)
    {
        ILookup<string, string> schemas = all.Schemas.ToLookup(s => s.Document, s => s.Key);
        HashSet<(string, string)> assigned = [.. all.Nodes.SelectMany(n => n.Assigned.Select(p => (p.Dimension, p.Value)).Append((all.Dimensions?.NodeDimension ?? "", n.Node)))];
        foreach (IGrouping<string, V1.EntryEdit> document in all.Entries.GroupBy(e => e.Document).OrderBy(d => d.Key, StringComparer.Ordinal))
        {
            string[] keys = [.. document.Select(e => e.Key).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
            foreach (IGrouping<string, string> alike in keys.GroupBy(k => k, StringComparer.OrdinalIgnoreCase).Where(g => g.Count() > 1))
                yield return Problem("W_CASE", document.Key, alike.First(), $"differs only by case from {string.Join(", ", alike.Skip(1))}: .NET programs take them for one");
            if (schemas.Contains(document.Key))
            {
                HashSet<string> known = [.. schemas[document.Key]];
                ILookup<string, string> scopes = document.ToLookup(e => e.Key, e => e.Scope);
                foreach (string key in keys.Where(k => !known.Contains(k)))
                    yield return Problem("W_NO_SCHEMA", document.Key, key, $"has no schema, and other keys of {document.Key} have{(Nearest.Of(key, known.Where(k => !scopes[k].Intersect(scopes[key]).Any())) is { } meant ? $"; did somebody mean {meant}?" : "")}");
            }

            foreach (V1.EntryEdit entry in document.OrderBy(e => e.Scope, StringComparer.Ordinal).ThenBy(e => e.Key, StringComparer.Ordinal))
            {
                if (Scope.TryParse(entry.Scope, out Scope? scope, out _) && scope.Pairs.Any(p => !assigned.Contains((p.Dimension, p.Value))))
                    yield return Problem("W_NOBODY", document.Key, entry.Key, $"is said for {entry.Scope}, and no node is that");
            }
        }
    }

    private static V1.Problem Problem(string code, string document, string key, string message) => new() { Code = code, Document = document, Key = key, Message = message };
}
