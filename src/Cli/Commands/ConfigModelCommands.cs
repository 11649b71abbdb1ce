using System.Collections.Immutable;
using System.CommandLine;
using Conclave.Cli.Output;
using Conclave.Layers;
using Conclave.Layers.Oslo;
using V1 = Conclave.Wire.V1;

namespace Conclave.Cli.Commands;

/// <summary>What the fleet is made of, and what is known of keys: nodes, dimensions and schemas.</summary>
internal sealed class ConfigModelCommands(ConfigOptions options)
{
    private const int PageNodes = 1000;

    public Command Node()
    {
        Argument<string> name = new("node") { Description = "The node." };
        Argument<string[]> values = new("values") { Description = "dimension=value, one for each. They replace what was assigned before.", Arity = ArgumentArity.ZeroOrMore };
        Command list = options.Run(options.WithAt(new Command("list", "Print all nodes and what is assigned to them.")), async (client, parsed, cancellationToken) =>
        {
            var all = new V1.NodesResponse();
            V1.NodesResponse page;
            do
            {
                page = await client.Configuration.NodesAsync(new V1.NodesRequest { Space = options.Space(parsed), At = options.At(parsed), After = all.Nodes.Count > 0 ? all.Nodes[^1].Node : "" }, cancellationToken).ConfigureAwait(false);
                all.Nodes.AddRange(page.Nodes);
                (all.Release, all.Total, all.Dimensions) = (page.Release, page.Total, page.Dimensions);
            }
            while (page.Nodes.Count == PageNodes);
            options.Print(parsed, all, () => Rows.Write(options.Terminal, ["node", "assigned"], all.Nodes.Select(n => (string[])[n.Node, Assigned(n)])));
            return ExitCode.Done;
        });
        Command show = options.Run(options.WithAt(new Command("show", "Print what is assigned to a node, and what it reports. Exit code 1 when there is no such node.") { name }), async (client, parsed, cancellationToken) =>
        {
            V1.NodesResponse answer = await client.Configuration.NodesAsync(new V1.NodesRequest { Space = options.Space(parsed), Node = parsed.GetRequiredValue(name), At = options.At(parsed) }, cancellationToken).ConfigureAwait(false);
            options.Print(parsed, answer, () =>
            {
                V1.NodeInfo node = answer.Nodes[0];
                options.Terminal.Out.WriteLine($"{node.Node}  {Assigned(node)}");
                foreach ((string fact, string value) in node.Facts.OrderBy(f => f.Key, StringComparer.Ordinal)) options.Terminal.Out.WriteLine($"  fact {fact} = {value}");
            });
            return ExitCode.Done;
        });
        Command set = options.Run(options.WithChange(new Command("set", "Add a node, or say anew what it is.") { name, values }), (client, parsed, cancellationToken) =>
        {
            var edit = new V1.NodeEdit { Node = parsed.GetRequiredValue(name) };
            edit.Assigned.AddRange((parsed.GetValue(values) ?? []).Select(ConfigOptions.PairOf));
            return options.ChangeAsync(client, parsed, new V1.Change { Nodes = { edit } }, cancellationToken);
        });
        Command remove = options.Run(options.WithYes(options.WithChange(new Command("rm", "Remove a node.") { name })), async (client, parsed, cancellationToken) =>
        {
            ImmutableArray<Edit> removal = [new NodeEdit(parsed.GetRequiredValue(name), null)];
            Consent consent = await ConfigPlans.ConfirmAsync(options, client, parsed, removal, new Look(0, "Nothing was changed. Look again: conclave node rm shows what it would do now."), cancellationToken).ConfigureAwait(false);
            return consent.Refusal ?? await ConfigFiles.PublishAsync(options, client, parsed, removal, cancellationToken, consent.Look).ConfigureAwait(false);
        });
        return new Command("node", "The nodes that get configuration.") { list, show, set, remove };
    }

    public Command Dimensions()
    {
        Argument<string[]> names = new("dimensions") { Description = "From the least specific to the most; a * behind a name lets a node have several values of it.", Arity = ArgumentArity.OneOrMore };
        Option<string?> own = new("--node") { Description = "The dimension that is the node's own name. [default: the last]", HelpName = "dimension" };
        Command show = options.Run(options.WithAt(new Command("show", "Print the dimensions, from the least specific to the most.")), async (client, parsed, cancellationToken) =>
        {
            V1.NodesResponse answer = await client.Configuration.NodesAsync(new V1.NodesRequest { Space = options.Space(parsed), Limit = 1, At = options.At(parsed) }, cancellationToken).ConfigureAwait(false);
            options.Print(parsed, answer.Dimensions, () => options.Terminal.Out.WriteLine($"{string.Join(" < ", answer.Dimensions.Dimensions.Select(d => d.Name + (d.MultiValued ? "*" : "")))}  (a node's name is its {answer.Dimensions.NodeDimension})"));
            return ExitCode.Done;
        });
        Command set = options.Run(options.WithChange(new Command("set", "Say in which ways nodes differ.") { names, own }), (client, parsed, cancellationToken) =>
        {
            string[] given = parsed.GetRequiredValue(names);
            var edit = new V1.DimensionsEdit { NodeDimension = parsed.GetValue(own) ?? given[^1] };
            edit.Dimensions.AddRange(given.Select(n => new V1.Dimension { Name = n.TrimEnd('*'), MultiValued = n.EndsWith('*') }));
            return options.ChangeAsync(client, parsed, new V1.Change { Dimensions = edit }, cancellationToken);
        });
        Argument<string> value = new("value") { Description = "dimension=value" };
        Argument<int> heavy = new("weight") { Description = "Of two values that a node has, the heavier wins. 0 is none." };
        Command weight = options.Run(options.WithChange(new Command("weight", "Order the values of a dimension that nodes may have several of.") { value, heavy }), (client, parsed, cancellationToken) =>
        {
            V1.Pair pair = ConfigOptions.PairOf(parsed.GetRequiredValue(value));
            return options.ChangeAsync(client, parsed, new V1.Change { Weights = { new V1.WeightEdit { Dimension = pair.Dimension, Value = pair.Value, Weight = parsed.GetRequiredValue(heavy) } } }, cancellationToken);
        });
        return new Command("dims", "The ways in which nodes differ.") { show, set, weight };
    }

    public Command Schema()
    {
        Argument<string> document = new("document") { Description = "The document." }, key = new("key") { Description = "The key." };
        Argument<FileInfo> file = new("file") { Description = "What oslo-config-generator --format json printed." };
        Command import = options.Run(options.WithChange(new Command("import", "Take types, bounds and choices over from oslo.config.") { document, file }), async (client, parsed, cancellationToken) =>
        {
            string text = await ConfigFiles.ReadAsync(parsed.GetRequiredValue(file), cancellationToken).ConfigureAwait(false);
            bool isRead = OsloSchema.TryParse(text, out OsloSchema? schema, out var problems);
            foreach (ConfigProblem problem in problems) options.Terminal.Fail(problem.ToString());
            if (!isRead || schema is null) return ExitCode.Validation;
            return await ConfigFiles.PublishAsync(options, client, parsed, [.. schema.Edits(parsed.GetRequiredValue(document))], cancellationToken).ConfigureAwait(false);
        });
        Argument<string> json = new("schema") { Description = "A JSON object, such as {\"type\":\"integer\",\"minimum\":1,\"apply\":\"live\"}" };
        Command set = options.Run(options.WithChange(new Command("set", "Say what a key's values must be.") { document, key, json }), (client, parsed, cancellationToken) =>
            options.ChangeAsync(client, parsed, Change(parsed.GetRequiredValue(document), parsed.GetRequiredValue(key), parsed.GetRequiredValue(json)), cancellationToken));
        Command remove = options.Run(options.WithChange(new Command("rm", "Forget what a key's values must be.") { document, key }), (client, parsed, cancellationToken) =>
            options.ChangeAsync(client, parsed, Change(parsed.GetRequiredValue(document), parsed.GetRequiredValue(key), ""), cancellationToken));
        Command show = options.Run(options.WithAt(new Command("show", "Print the schemas of a document. Exit code 1 when it has none.") { document }), async (client, parsed, cancellationToken) =>
        {
            var all = new V1.Change();
            await foreach (V1.ExportPart part in client.Configuration.ExportAsync(new V1.ExportRequest { Space = options.Space(parsed), At = options.At(parsed), Documents = { parsed.GetRequiredValue(document) } }, cancellationToken).ConfigureAwait(false))
                all.Schemas.AddRange(part.Change.Schemas);
            options.Print(parsed, all, () => Rows.Write(options.Terminal, ["key", "schema"], all.Schemas.Select(s => (string[])[s.Key, s.Schema])));
            if (all.Schemas.Count == 0) options.Terminal.Fail($"No key of {parsed.GetRequiredValue(document)} has a schema.");
            return all.Schemas.Count > 0 ? ExitCode.Done : ExitCode.No;
        });
        return new Command("schema", "What is known of keys: types, bounds, whether they are secret, how they merge.") { import, set, show, remove };
    }

    private static V1.Change Change(string document, string key, string schema) => new() { Schemas = { new V1.SchemaEdit { Document = document, Key = key, Schema = schema } } };

    private static string Assigned(V1.NodeInfo node) => string.Join(' ', node.Assigned.Select(p => $"{p.Dimension}={p.Value}"));
}
