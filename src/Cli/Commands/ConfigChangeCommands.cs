using System.CommandLine;
using Conclave.Client;
using Conclave.Wire.Grpc;
using V1 = Conclave.Wire.V1;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave set</c>, <c>unset</c> and <c>rm</c>: one entry, published at once or put into a draft.</summary>
internal sealed class ConfigChangeCommands(ConfigOptions options)
{
    private readonly Argument<string> _document = new("document") { Description = "The document: what one service reads." };
    private readonly Argument<string> _key = new("key") { Description = "The key, such as DEFAULT/debug." };
    private readonly Option<string> _scope = new("--scope") { Description = "For which nodes: * is all of them, else dimension=value, several joined by commas.", DefaultValueFactory = _ => "*", HelpName = "scope" };
    private readonly Option<string?> _comment = new("--comment") { Description = "A note for people.", HelpName = "text" };

    public Command Set()
    {
        Argument<string> value = new("value") { Description = "JSON where it is JSON (5672, true, [1,2]), else text. Where the schema says string it is always text." };
        Option<string> op = new("--op") { Description = "set, append, remove, or final: a value that no more specific scope may override.", DefaultValueFactory = _ => "set", HelpName = "op" };
        op.AcceptOnlyFromAmong("set", "append", "remove", "final");
        Option<bool> isText = new("--text") { Description = "Take the value as text even if it is JSON." };
        Command command = new("set", "Set a configuration key for all nodes, or for those of a scope.") { _document, _key, value, _scope, op, isText, _comment };
        return options.Run(options.WithChange(command), async (client, parsed, cancellationToken) =>
        {
            V1.EntryEdit edit = Edit(parsed);
            string type = parsed.GetValue(isText) ? "string" : await TypeAsync(client, parsed, cancellationToken).ConfigureAwait(false);
            edit.Op = parsed.GetRequiredValue(op);
            edit.Value = ConfigOptions.ValueOf(parsed.GetRequiredValue(value), type);
            return await options.ChangeAsync(client, parsed, new V1.Change { Entries = { edit } }, cancellationToken).ConfigureAwait(false);
        });
    }

    public Command Unset() => options.Run(options.WithChange(new Command("unset", "Leave a key out, so that the program's own default applies. To inherit again: rm.") { _document, _key, _scope, _comment }), (client, parsed, cancellationToken) =>
    {
        V1.EntryEdit edit = Edit(parsed);
        edit.Op = "unset";
        return options.ChangeAsync(client, parsed, new V1.Change { Entries = { edit } }, cancellationToken);
    });

    public Command Remove() => options.Run(options.WithChange(new Command("rm", "Remove what a scope says of a key: its nodes inherit from less specific scopes again.") { _document, _key, _scope }), (client, parsed, cancellationToken) =>
        options.ChangeAsync(client, parsed, new V1.Change { Entries = { Edit(parsed) } }, cancellationToken));

    private V1.EntryEdit Edit(ParseResult parsed) => new()
    {
        Document = parsed.GetRequiredValue(_document),
        Key = parsed.GetRequiredValue(_key) is { Length: > 0 } key ? key : throw new ArgumentException("The key is empty. Name one, such as DEFAULT/debug."),
        Scope = ConfigOptions.ScopeOf(parsed.GetRequiredValue(_scope)),
        Comment = parsed.GetValue(_comment) ?? "",
    };

    /// <summary>What the schema says of the key; "" when nothing is known of it.</summary>
    private async Task<string> TypeAsync(ConclaveClient client, ParseResult parsed, CancellationToken cancellationToken)
    {
        try
        {
            var asked = new V1.ExplainRequest { Space = options.Space(parsed), Document = parsed.GetRequiredValue(_document), Key = parsed.GetRequiredValue(_key) };
            return (await client.Configuration.ExplainAsync(asked, cancellationToken).ConfigureAwait(false)).Type;
        }
        catch (ConclaveException unknown) when (unknown.Code is GrpcCode.NotFound or GrpcCode.PermissionDenied)
        {
            return "";   // who may write and not read still may write
        }
    }
}
