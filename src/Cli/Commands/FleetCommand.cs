using System.CommandLine;
using Conclave.Cli.Output;
using Conclave.Client;
using V1 = Conclave.Wire.V1;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave fleet</c>: which release every node runs, and which it should run.</summary>
internal sealed class FleetCommand(ConfigOptions options)
{
    private static readonly string[] States = ["current", "behind", "failed", "rejected", "drifted", "pending-restart", "waiting", "silent"];

    public Command Create()
    {
        Argument<string?> document = new("document") { Description = "Only this document.", Arity = ArgumentArity.ZeroOrOne };
        Option<string?> state = new("--state") { Description = $"Only those: {string.Join(", ", States)}.", HelpName = "state" };
        Option<int> limit = new("--limit") { Description = "At most so many rows. [default: all]", HelpName = "n" };
        state.AcceptOnlyFromAmong(States);
        return options.Run(new Command("fleet", "Print who runs what, as agents report it, and what they should run. Exit code 1 when not every node is current, or there is none.") { document, state, limit }, async (client, parsed, cancellationToken) =>
        {
            var request = new V1.FleetRequest { Space = options.Space(parsed), Document = parsed.GetValue(document) ?? "", State = parsed.GetValue(state) ?? "" };
            V1.FleetResponse answer = await AllAsync(client, request, parsed.GetValue(limit), cancellationToken).ConfigureAwait(false);
            options.Print(parsed, answer, () =>
            {
                options.Terminal.Out.WriteLine(Summary(answer));
                WriteRows(options.Terminal, answer.Nodes);
                if (answer.More) options.Terminal.Out.WriteLine($"only the first {answer.Nodes.Count:N0} are shown");
                if (answer.Counts.Count == 0) options.Terminal.Out.WriteLine(request.Document.Length > 0 ? $"no agent says that it uses {request.Document}" : "there are no nodes: conclave node set NAME adds one");
            });
            return answer.Counts.Count > 0 && answer.Counts.All(c => c.Key == "current" || c.Value == 0) ? ExitCode.Done : ExitCode.No;
        });
    }

    public static void WriteRows(Terminal terminal, IEnumerable<V1.FleetNode> rows) => Rows.Write(terminal, ["node", "document", "release", "expected", "state", "since", "message"],
        rows.Select(n => (string[])[n.Node, n.Document, Release(n.Release), Release(n.ExpectedRelease), n.State, ConfigOptions.Time(n.SinceUnixMs), n.Message]));

    /// <summary>All pages of an answer as one.</summary>
    private static async Task<V1.FleetResponse> AllAsync(ConclaveClient client, V1.FleetRequest request, int limit, CancellationToken cancellationToken)
    {
        request.Limit = limit;
        V1.FleetResponse all = await client.Configuration.FleetAsync(request, cancellationToken).ConfigureAwait(false);
        while (all.More && all.Nodes.Count > 0 && (limit <= 0 || all.Nodes.Count < limit))
        {
            (request.AfterNode, request.AfterDocument, request.Limit) = (all.Nodes[^1].Node, all.Nodes[^1].Document, limit <= 0 ? 0 : limit - all.Nodes.Count);
            V1.FleetResponse next = await client.Configuration.FleetAsync(request, cancellationToken).ConfigureAwait(false);
            all.Nodes.AddRange(next.Nodes);
            all.More = next.More && next.Nodes.Count > 0;
        }

        return all;
    }

    /// <summary>"r12: 3 current, 1 silent".</summary>
    public static string Summary(V1.FleetResponse fleet) =>
        $"r{fleet.Head}: {string.Join(", ", fleet.Counts.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => $"{c.Value} {c.Key}"))}";

    private static string Release(long release) => release > 0 ? $"r{release}" : "";
}
