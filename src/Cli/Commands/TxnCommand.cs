using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Conclave.Cli.Output;
using Conclave.Cli.Txn;
using Conclave.Client;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave txn</c>: one transaction from standard input, in etcdctl's form or as JSON.</summary>
internal sealed class TxnCommand : Command
{
    private const string Form = """
        Standard input has three sections with an empty line between them; each may be empty:

          mod("key1") > "0"              compares: version, create, mod, value, lease; = != < >
          value("key2") = "x"

          put key1 "new value"           runs when all hold: get, put, del with their options

          get key1                       runs otherwise

        Text that begins with { is read as JSON:

          { "compare": [ { "target": "mod", "key": "key1", "result": "=", "value": 7 } ],
            "success": [ { "op": "put", "key": "key1", "value": "new" }, { "op": "get", "key": "jobs/", "prefix": true } ],
            "failure": [ { "op": "del", "key_base64": "/w==" } ] }
        """;

    private static readonly string[] Prompts = ["compares:", "success requests (get, put, del):", "failure requests (get, put, del):"];
    private readonly Option<bool> _interactive = new("--interactive", "-i") { Description = "Ask for the sections one by one; the default when a person types." };

    public TxnCommand() : base("txn", "Run one transaction read from standard input. Exit code 1 when a compare does not hold.")
    {
        Add(_interactive);
        HelpOption help = new();
        help.Action = new FormHelp((HelpAction)help.Action!);   // a help option is made with its action
        Add(help);
    }

    public TxnCommand Run(Terminal terminal, ClusterOptions cluster)
    {
        SetAction((parsed, cancellationToken) => cluster.RunAsync(parsed, terminal, async client =>
        {
            TxnScript script;
            try
            {
                bool asks = parsed.GetValue(_interactive) || terminal.IsInputInteractive;
                script = await (asks ? AskAsync(terminal, cancellationToken) : ReadAsync(terminal, cancellationToken)).ConfigureAwait(false);
            }
            catch (TxnSyntaxException e)
            {
                terminal.Fail(e.Message, "Nothing was sent. The form is shown by: conclave txn --help");
                return ExitCode.Usage;
            }

            TxnResult result = await script.Build(client).CommitAsync(cancellationToken).ConfigureAwait(false);
            if (cluster.IsJson(parsed))
            {
                Json.WriteLine(terminal, json =>
                {
                    Json.Header(json, result.Header);
                    Json.Result(json, result);
                });
            }
            else Write(terminal, result);

            return result.Succeeded ? ExitCode.Done : ExitCode.No;
        }));
        return this;
    }

    private static async Task<TxnScript> ReadAsync(Terminal terminal, CancellationToken cancellationToken)
    {
        using MemoryStream text = new();
        await terminal.Input.CopyToAsync(text, cancellationToken).ConfigureAwait(false);
        ReadOnlyMemory<byte> bytes = text.GetBuffer().AsMemory(0, (int)text.Length);
        int first = bytes.Span.IndexOfAnyExcept(" \t\r\n"u8);
        if (first >= 0 && bytes.Span[first] == (byte)'{') return TxnJsonParser.Parse(bytes);
        return TxnTextParser.Parse(new Bytes(bytes).ToString().ReplaceLineEndings("\n").Split('\n'));
    }

    private static async Task<TxnScript> AskAsync(Terminal terminal, CancellationToken cancellationToken)
    {
        using StreamReader input = new(terminal.Input, leaveOpen: true);
        TxnTextParser parser = new();
        int asked = -1;
        while (parser.Section < Prompts.Length)
        {
            if (asked != parser.Section) terminal.Error.WriteLine(Prompts[asked = parser.Section]);
            if (await input.ReadLineAsync(cancellationToken).ConfigureAwait(false) is not { } line) break;
            parser.Feed(line);
        }

        return parser.Script;
    }

    private static void Write(Terminal terminal, TxnResult result)
    {
        terminal.Out.WriteLine(result.Succeeded ? "SUCCESS" : "FAILURE");
        foreach (OperationResult step in result.Results)
        {
            switch (step)
            {
                case RangeResult range:
                    terminal.Out.WriteLine($"get\t{range.Count}");
                    WriteItems(terminal, range.Items);
                    break;
                case PutResult put:
                    terminal.Out.WriteLine("put\tOK");
                    if (put.Previous is { } previous) WriteItems(terminal, [previous]);
                    break;
                case DeleteResult deleted:
                    terminal.Out.WriteLine($"del\t{deleted.Deleted}");
                    WriteItems(terminal, deleted.Previous);
                    break;
            }
        }
    }

    private static void WriteItems(Terminal terminal, IEnumerable<KeyValue> items)
    {
        foreach (KeyValue item in items) terminal.Out.WriteLine($"\t{Display.Line(item.Key)}\t{Display.Line(item.Value)}");
    }

    /// <summary>The usual help, and the form of the input below it.</summary>
    internal sealed class FormHelp(HelpAction general) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            int result = general.Invoke(parseResult);
            parseResult.InvocationConfiguration.Output.WriteLine(Form);
            return result;
        }
    }
}
