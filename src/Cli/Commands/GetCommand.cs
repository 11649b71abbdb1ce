using System.CommandLine;
using Conclave.Cli.Output;
using Conclave.Client;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave get</c>: one key's value, or a list of keys.</summary>
internal sealed class GetCommand : Command
{
    private readonly RangeArguments _range;
    private readonly Option<long> _limit = new("--limit") { Description = "At most so many keys; 0 is all.", HelpName = "n" };
    private readonly Option<long> _rev = new("--rev") { Description = "As of this revision; 0 is the newest.", HelpName = "revision" };
    private readonly Option<string> _order = new("--order") { Description = "ASCEND or DESCEND.", HelpName = "order" };
    private readonly Option<string> _sortBy = new("--sort-by") { Description = "KEY, VERSION, CREATE, MODIFY or VALUE.", HelpName = "property" };
    private readonly Option<bool> _keysOnly = new("--keys-only") { Description = "Leave values out." };
    private readonly Option<bool> _countOnly = new("--count-only") { Description = "Print only how many keys there are." };
    private readonly Option<bool> _valueOnly = new("--print-value-only")
    {
        Description = "Print values only, exactly as stored, each followed by a line break.",
    };

    private readonly Option<string> _consistency = new("--consistency")
    {
        Description = "l: linearizable, never out of date. s: serializable, from the asked member alone.",
        DefaultValueFactory = _ => "l",
        HelpName = "l|s",
    };

    public GetCommand() : base("get", "Read a key, or a range of keys. Exit code 1 when there is none.")
    {
        _range = new RangeArguments(this);
        _order.AcceptOnlyFromAmong("ASCEND", "DESCEND", "ascend", "descend");
        _sortBy.AcceptOnlyFromAmong("KEY", "VERSION", "CREATE", "MODIFY", "VALUE", "key", "version", "create", "modify", "value");
        _consistency.AcceptOnlyFromAmong("l", "s");
        foreach (Option option in (Option[])[_limit, _rev, _order, _sortBy, _keysOnly, _countOnly, _valueOnly, _consistency]) Add(option);
        Validators.Add(result =>
        {
            if (result.GetValue(_limit) < 0) result.AddError("--limit must be 0 or more.");
            if (result.GetValue(_rev) < 0) result.AddError("--rev must be 0 or more.");
            if (result.GetValue(_keysOnly) && result.GetValue(_countOnly)) result.AddError("--keys-only and --count-only exclude each other.");
        });
    }

    public KeyRange Range(ParseResult parsed) => _range.Of(parsed);

    public ReadOptions Reading(ParseResult parsed) => new()
    {
        Limit = parsed.GetValue(_limit),
        Revision = parsed.GetValue(_rev),
        SortOrder = parsed.GetValue(_order)?.ToUpperInvariant() switch
        {
            "ASCEND" => SortOrder.Ascending,
            "DESCEND" => SortOrder.Descending,
            _ => SortOrder.None,
        },
        SortBy = parsed.GetValue(_sortBy)?.ToUpperInvariant() switch
        {
            "VERSION" => SortBy.Version,
            "CREATE" => SortBy.CreateRevision,
            "MODIFY" => SortBy.ModRevision,
            "VALUE" => SortBy.Value,
            _ => SortBy.Key,
        },
        KeysOnly = parsed.GetValue(_keysOnly),
        CountOnly = parsed.GetValue(_countOnly),
        Serializable = parsed.GetValue(_consistency) == "s",
    };

    public GetCommand Run(Terminal terminal, ClusterOptions cluster)
    {
        SetAction((parsed, cancellationToken) => cluster.RunAsync(parsed, terminal, async client =>
        {
            (KeyRange range, ReadOptions options) = (Range(parsed), Reading(parsed));
            RangeResult found = await client.RangeAsync(range, options, cancellationToken).ConfigureAwait(false);
            if (cluster.IsJson(parsed))
            {
                Json.WriteLine(terminal, json =>
                {
                    Json.Header(json, found.Header);
                    Json.Result(json, found, options.KeysOnly);
                });
            }
            else if (options.CountOnly) terminal.Out.WriteLine(found.Count);
            else if (parsed.GetValue(_valueOnly)) WriteValues(terminal, found);
            else if (options.KeysOnly) WriteKeys(terminal, found);
            else if (range.IsSingle && !found.Items.IsEmpty) WriteValue(terminal, found.Items[0].Value);
            else WriteItems(terminal, found);

            if (found.Count > 0) return ExitCode.Done;
            if (range.IsSingle && !cluster.IsJson(parsed) && !options.CountOnly)
            {
                long revision = options.Revision > 0 ? options.Revision : found.Header.Revision;
                terminal.Fail($"{Display.Line(range.Key)} does not exist at revision {revision}.");
            }

            return ExitCode.No;
        }));
        return this;
    }

    private static void WriteValue(Terminal terminal, Bytes value)
    {
        if (terminal.IsInteractive) terminal.Out.WriteLine(Display.Block(value));
        else WriteExactly(terminal, value);
    }

    private static void WriteValues(Terminal terminal, RangeResult found)
    {
        foreach (KeyValue item in found.Items) WriteExactly(terminal, item.Value);
    }

    private static void WriteExactly(Terminal terminal, Bytes value)
    {
        terminal.WriteBytes(value.Span);
        terminal.WriteBytes("\n"u8);
    }

    private static void WriteKeys(Terminal terminal, RangeResult found)
    {
        foreach (KeyValue item in found.Items) terminal.Out.WriteLine(Display.Line(item.Key));
    }

    private static void WriteItems(Terminal terminal, RangeResult found)
    {
        if (found.Items.IsEmpty) return;
        Rows.Write(terminal, ["key", "value"], found.Items.Select(item => (string[])[Display.Line(item.Key), Display.Line(item.Value)]));
        if (found.More) terminal.Error.WriteLine($"{found.Items.Length} of {found.Count} keys; --limit cut the list.");
    }
}
