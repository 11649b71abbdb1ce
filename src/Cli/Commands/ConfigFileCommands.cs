using System.Collections.Immutable;
using System.CommandLine;
using Conclave.Cli.Output;
using Conclave.Client;
using Conclave.Layers;
using Conclave.Layers.Import;
using Conclave.Layers.Oslo;
using Conclave.Layers.Wire;
using V1 = Conclave.Wire.V1;

namespace Conclave.Cli.Commands;

/// <summary>Configuration from and to files: other tools' formats, and a directory that can be kept under version control.</summary>
internal sealed class ConfigFileCommands(ConfigOptions options)
{
    private const int FactsAtOnce = 32;

    public Command Import() => new("import", "Take configuration over from another tool.") { OsloConfig(), Hiera(), new ConfigEtcdImport(options).Command() };

    public Command Export()
    {
        Argument<DirectoryInfo> directory = new("directory") { Description = "Where to write conclave.json and one file for each document." };
        Option<bool> reveal = new("--reveal") { Description = "Secrets too; without it they are left out. This is audited." };
        return options.Run(options.WithAt(new Command("export", "Write everything of a release to files that apply reads.") { directory, reveal }), async (client, parsed, cancellationToken) =>
        {
            var request = new V1.ExportRequest { Space = options.Space(parsed), At = options.At(parsed), Reveal = parsed.GetValue(reveal) };
            (V1.Change all, long release) = await ReadAllAsync(client, request, cancellationToken).ConfigureAwait(false);
            int files = ConfigDirectory.Write(parsed.GetRequiredValue(directory), all);
            options.Terminal.Out.WriteLine($"r{release}: {all.Entries.Count:N0} entries and {ConfigOptions.Count(all.Nodes.Count, "node")} in {ConfigOptions.Count(files, "file")}");
            return ExitCode.Done;
        });
    }

    public Command Apply()
    {
        Option<DirectoryInfo> directory = new("--file", "-f") { Description = "A directory as export writes it.", Required = true, HelpName = "directory" };
        Option<bool> dry = new("--dry-run") { Description = "Only print what would be published. Exit code 1 when something would." };
        return options.Run(options.WithYes(options.WithChange(new Command("apply", "Make the documents of a directory what its files say: what is not there is removed, secrets excepted.") { directory, dry })), async (client, parsed, cancellationToken) =>
        {
            V1.Change wanted = ConfigDirectory.Read(parsed.GetRequiredValue(directory));
            string[] documents = [.. wanted.Entries.Select(e => e.Document).Concat(wanted.Schemas.Select(s => s.Document)).Distinct()];
            (V1.Change there, _) = await ReadAllAsync(client, new V1.ExportRequest { Space = options.Space(parsed) }, cancellationToken).ConfigureAwait(false);
            V1.Change change = ConfigDirectory.Difference(there, wanted, documents);
            var problems = new List<ConfigProblem>();
            ImmutableArray<Edit> edits = ChangeMessages.Read(change, problems);
            foreach (ConfigProblem problem in problems) options.Terminal.Fail(problem.ToString());
            if (problems.Count > 0) return ExitCode.Validation;
            if (parsed.GetValue(dry))
            {
                options.Print(parsed, change, () => options.Terminal.Out.WriteLine($"{ConfigOptions.Count(edits.Length, "edit")} to publish"));
                return edits.IsEmpty ? ExitCode.Done : ExitCode.No;
            }

            bool takesAway = change.Entries.Any(e => e.Op.Length == 0) || change.Nodes.Any(n => n.Delete) || change.Schemas.Any(s => s.Schema.Length == 0);
            if (takesAway && !await options.ConfirmAsync(client, parsed, change, cancellationToken).ConfigureAwait(false)) return ExitCode.No;
            return await ConfigFiles.PublishAsync(options, client, parsed, edits, Layers.Dimensions.Initial, cancellationToken).ConfigureAwait(false);
        });
    }

    private Command OsloConfig()
    {
        Argument<FileInfo> file = new("file") { Description = "A file as oslo.config reads it, such as nova.conf." };
        Option<string> document = new("--document") { Description = "The document that it becomes.", Required = true, HelpName = "name" };
        Option<string> scope = new("--scope") { Description = "For which nodes.", DefaultValueFactory = _ => "*", HelpName = "scope" };
        Option<FileInfo?> schemaFile = new("--schema") { Description = "What oslo-config-generator --format json printed. Else the schema that the document has is used.", HelpName = "file" };
        return options.Run(options.WithChange(new Command("oslo-config", "A file of an OpenStack service.") { file, document, scope, schemaFile }), async (client, parsed, cancellationToken) =>
        {
            string name = parsed.GetRequiredValue(document);
            if (!Scope.TryParse(parsed.GetRequiredValue(scope), out Scope? to, out string problem)) throw new ArgumentException(problem);
            var schemas = new Dictionary<string, KeySchema>(StringComparer.Ordinal);
            IReadOnlyDictionary<string, string>? renamed = null;
            if (parsed.GetValue(schemaFile) is { } given)
            {
                if (!OsloSchema.TryParse(await ConfigFiles.ReadAsync(given, cancellationToken).ConfigureAwait(false), out OsloSchema? schema, out _)) throw new ArgumentException($"{given.FullName} is not what oslo-config-generator prints.");
                foreach ((string key, KeySchema of) in schema.Keys) schemas[key] = of;
                renamed = schema.Renamed;
            }
            else
            {
                var problems = new List<ConfigProblem>();
                (V1.Change there, _) = await ReadAllAsync(client, new V1.ExportRequest { Space = options.Space(parsed), Documents = { name } }, cancellationToken).ConfigureAwait(false);
                there.Entries.Clear();
                foreach (SchemaEdit known in ChangeMessages.Read(there, problems).OfType<SchemaEdit>()) schemas[known.Key] = known.Schema!;   // an export deletes none
            }

            string text = await ConfigFiles.ReadAsync(parsed.GetRequiredValue(file), cancellationToken).ConfigureAwait(false);
            (ImmutableArray<Edit> edits, ImmutableArray<ConfigProblem> found) = OsloImport.Run(text, name, to, schemas.GetValueOrDefault, renamed);
            return Complain(found) ? ExitCode.Validation : await ConfigFiles.PublishAsync(options, client, parsed, edits, Layers.Dimensions.Initial, cancellationToken).ConfigureAwait(false);
        });
    }

    private Command Hiera()
    {
        Option<FileInfo> hierarchy = new("--hierarchy") { Description = "The levels, highest first (YAML).", Required = true, HelpName = "file" };
        Option<FileInfo> nodes = new("--nodes") { Description = "The nodes, tab-separated with a header.", Required = true, HelpName = "file" };
        Option<DirectoryInfo> data = new("--data") { Description = "The directory of the data.", Required = true, HelpName = "directory" };
        Option<string> document = new("--document") { Description = "The document that the keys become.", DefaultValueFactory = _ => "puppet", HelpName = "name" };
        return options.Run(options.WithChange(new Command("hiera", "Puppet's data: levels become scopes, lookup_options become schemas.") { hierarchy, nodes, data, document }), async (client, parsed, cancellationToken) =>
        {
            string root = parsed.GetRequiredValue(data).FullName;
            var files = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (string path in Directory.Exists(root) ? Directory.EnumerateFiles(root, "*.yaml", SearchOption.AllDirectories) : throw new ArgumentException($"There is no directory {root}."))
                files[Path.GetRelativePath(root, path)] = await ConfigFiles.ReadAsync(new FileInfo(path), cancellationToken).ConfigureAwait(false);
            var source = new HieraSource(await ConfigFiles.ReadAsync(parsed.GetRequiredValue(hierarchy), cancellationToken).ConfigureAwait(false),
                await ConfigFiles.ReadAsync(parsed.GetRequiredValue(nodes), cancellationToken).ConfigureAwait(false), files);
            ImportResult result = HieraImport.Run(source, parsed.GetRequiredValue(document));
            if (Complain(result.Problems)) return ExitCode.Validation;
            int code = await ConfigFiles.PublishAsync(options, client, parsed, result.Edits, Layers.Dimensions.Initial, cancellationToken).ConfigureAwait(false);
            if (code != ExitCode.Done || options.IsDraft(parsed)) return code;
            await Parallel.ForEachAsync(result.Facts, new ParallelOptions { MaxDegreeOfParallelism = FactsAtOnce, CancellationToken = cancellationToken }, async (node, stop) =>
            {
                var report = new V1.AcknowledgeRequest { Space = options.Space(parsed), Node = node.Key, HasFacts = true };
                foreach ((string fact, Value value) in node.Value) report.Facts[fact] = value.ToString();
                await client.Configuration.AcknowledgeAsync(report, stop).ConfigureAwait(false);
            }).ConfigureAwait(false);
            if (!options.IsJson(parsed)) options.Terminal.Out.WriteLine($"facts of {ConfigOptions.Count(result.Facts.Count, "node")} taken over");
            return ExitCode.Done;
        });
    }

    /// <returns>True with errors.</returns>
    private bool Complain(ImmutableArray<ConfigProblem> problems)
    {
        foreach (ConfigProblem problem in problems) options.Terminal.Error.WriteLine(problem.ToString());
        return problems.Any(p => p.IsError);
    }

    internal static async Task<(V1.Change All, long Release)> ReadAllAsync(ConclaveClient client, V1.ExportRequest request, CancellationToken cancellationToken)
    {
        var all = new V1.Change();
        long release = 0;
        await foreach (V1.ExportPart part in client.Configuration.ExportAsync(request, cancellationToken).ConfigureAwait(false))
        {
            release = part.Release;
            all.Entries.AddRange(part.Change.Entries);
            all.Schemas.AddRange(part.Change.Schemas);
            all.Nodes.AddRange(part.Change.Nodes);
            all.Weights.AddRange(part.Change.Weights);
            all.Dimensions ??= part.Change.Dimensions;
        }

        return (all, release);
    }
}
