using System.CommandLine;
using Conclave.Cli.Output;
using Conclave.Client;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave del</c>: deletes a key or a range.</summary>
internal sealed class DelCommand : Command
{
    private readonly RangeArguments _range;
    private readonly Option<bool> _prevKv = new("--prev-kv") { Description = "Print what the deleted keys held." };

    public DelCommand() : base("del", "Delete a key, or a range of keys. Exit code 1 when there was none.")
    {
        _range = new RangeArguments(this);
        Add(_prevKv);
    }

    public KeyRange Range(ParseResult parsed) => _range.Of(parsed);

    public DeleteOptions Deleting(ParseResult parsed) => new() { ReturnPrevious = parsed.GetValue(_prevKv) };

    public DelCommand Run(Terminal terminal, ClusterOptions cluster)
    {
        SetAction((parsed, cancellationToken) => cluster.RunAsync(parsed, terminal, async client =>
        {
            DeleteResult deleted = await client.DeleteAsync(Range(parsed), Deleting(parsed), cancellationToken).ConfigureAwait(false);
            if (cluster.IsJson(parsed))
            {
                Json.WriteLine(terminal, json =>
                {
                    Json.Header(json, deleted.Header);
                    Json.Result(json, deleted);
                });
            }
            else
            {
                terminal.Out.WriteLine($"deleted {deleted.Deleted} revision {deleted.Header.Revision}");
                foreach (KeyValue item in deleted.Previous) terminal.Out.WriteLine($"previous\t{Display.Line(item.Key)}\t{Display.Line(item.Value)}");
            }

            return deleted.Deleted > 0 ? ExitCode.Done : ExitCode.No;
        }));
        return this;
    }
}
