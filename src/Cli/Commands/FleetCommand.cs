using System.CommandLine;
using Conclave.Cli.Output;
using V1 = Conclave.Wire.V1;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave fleet</c>: which release every node runs, and which it should run.</summary>
internal sealed class FleetCommand(ConfigOptions options)
{
    public Command Create()
    {
        Argument<string?> document = new("document") { Description = "Only this document.", Arity = ArgumentArity.ZeroOrOne };
        Option<string?> state = new("--state") { Description = "Only those: current, behind, failed, rejected, drifted, pending-restart, silent.", HelpName = "state" };
        return options.Run(new Command("fleet", "Print who runs what, as agents report it, and what they should run. Exit code 1 when not every node is current.") { document, state }, async (client, parsed, cancellationToken) =>
        {
            V1.FleetResponse answer = await client.Configuration.FleetAsync(
                new V1.FleetRequest { Space = options.Space(parsed), Document = parsed.GetValue(document) ?? "", State = parsed.GetValue(state) ?? "" }, cancellationToken).ConfigureAwait(false);
            options.Print(parsed, answer, () =>
            {
                options.Terminal.Out.WriteLine(Summary(answer));
                Rows.Write(options.Terminal, ["node", "document", "release", "expected", "state", "since", "message"],
                    answer.Nodes.Select(n => (string[])[n.Node, n.Document, Release(n.Release), Release(n.ExpectedRelease), n.State, ConfigOptions.Time(n.SinceUnixMs), n.Message]));
            });
            return answer.Counts.All(c => c.Key == "current" || c.Value == 0) ? ExitCode.Done : ExitCode.No;
        });
    }

    /// <summary>"r12: 3 current, 1 silent".</summary>
    public static string Summary(V1.FleetResponse fleet) =>
        $"r{fleet.Head}: {string.Join(", ", fleet.Counts.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => $"{c.Value} {c.Key}"))}";

    private static string Release(long release) => release > 0 ? $"r{release}" : "";
}
