using System.CommandLine;
using Conclave.Cli.Output;
using Conclave.Client;

namespace Conclave.Cli.Commands;

/// <summary>What the commands for users and roles print: etcdctl's lines, or one JSON object.</summary>
internal sealed class AuthOutput(Terminal terminal, ClusterOptions cluster)
{
    /// <summary>A command that changes something and then says that it did.</summary>
    /// <param name="command">Gets its action.</param>
    /// <param name="change">Makes the change.</param>
    /// <param name="line">What to say.</param>
    public Command Changes(Command command, Func<ConclaveClient, ParseResult, CancellationToken, ValueTask<ResponseHeader>> change, Func<ParseResult, string> line)
    {
        command.SetAction((parsed, cancellationToken) => cluster.RunAsync(parsed, terminal, async client =>
        {
            ResponseHeader header = await change(client, parsed, cancellationToken).ConfigureAwait(false);
            if (cluster.IsJson(parsed)) Json.WriteLine(terminal, json => Json.Header(json, header));
            else terminal.Out.WriteLine(line(parsed));
            return ExitCode.Done;
        }));
        return command;
    }

    /// <summary>A command that prints names, one a line.</summary>
    public Command Lists(Command command, string member, Func<ConclaveClient, CancellationToken, ValueTask<AuthList<string>>> list)
    {
        command.SetAction((parsed, cancellationToken) => cluster.RunAsync(parsed, terminal, async client =>
        {
            AuthList<string> names = await list(client, cancellationToken).ConfigureAwait(false);
            if (cluster.IsJson(parsed))
            {
                Json.WriteLine(terminal, json =>
                {
                    Json.Header(json, names.Header);
                    Json.Strings(json, member, names.Items);
                });
            }
            else
            {
                foreach (string name in names.Items) terminal.Out.WriteLine(Display.Line(name));
            }

            return ExitCode.Done;
        }));
        return command;
    }
}
