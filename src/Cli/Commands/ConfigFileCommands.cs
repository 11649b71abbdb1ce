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
            if (!options.IsJson(parsed))
                options.Terminal.Out.WriteLine($"r{release}: {ConfigOptions.Count(all.Entries.Count, "entry")} and {ConfigOptions.Count(all.Nodes.Count, "node")} in {ConfigOptions.Count(files, "file")}");
            else
                MessageText.Write(options.Terminal, options.Format(parsed), json =>
                {
                    foreach ((string name, long count) in (ReadOnlySpan<(string, long)>)[("release", release), ("entries", all.Entries.Count), ("nodes", all.Nodes.Count), ("files", files)]) json.WriteNumber(name, count);
                });
            if (ConfigDirectory.Left(parsed.GetRequiredValue(directory), all) is { Length: > 0 } left)
                options.Terminal.Fail($"Left there, and not of this release: {string.Join(", ", left)}.", "apply would publish what is in them. Remove them if their documents are gone.");
            return ExitCode.Done;
        });
    }

    public Command Apply()
    {
        Option<DirectoryInfo> directory = new("--file", "-f") { Description = "A directory as export writes it.", Required = true, HelpName = "directory" };
        Option<bool> dry = new("--dry-run") { Description = "Only print what would be published. Exit code 0 when nothing would, 1 when something would, 3 when it cannot be." };
        Option<bool> prune = new("--prune") { Description = "Empty documents that have no file, too." };
        return options.Run(options.WithYes(options.WithChange(new Command("apply", "Make the documents of a directory what its files say: what is not there is removed, secrets excepted.") { directory, dry, prune })), async (client, parsed, cancellationToken) =>
        {
            (V1.Change content, string[] documents) = ConfigDirectory.Read(parsed.GetRequiredValue(directory));
            (V1.Change there, long release) = await ReadAllAsync(client, new V1.ExportRequest { Space = options.Space(parsed) }, cancellationToken).ConfigureAwait(false);
            var problems = new List<ConfigProblem>();
            if (ChangeMessages.Read(there, problems).OfType<DimensionsEdit>().FirstOrDefault() is not { } known) throw new InvalidOperationException("An export has no dimensions. This is a bug: report it.");
            var dimensions = Dimensions.Create(known.List, known.NodeDimension);
            V1.Change wanted = ConfigDirectory.Canonical(content, dimensions, problems);
            foreach (ConfigProblem problem in problems) options.Terminal.Fail($"{problem.Code} {problem.Message}");
            if (problems.Count > 0) return ExitCode.Validation;
            string[] others = [.. there.Entries.Select(e => e.Document).Concat(there.Schemas.Select(s => s.Document)).Distinct().Except(documents).Order(StringComparer.Ordinal)];
            if (parsed.GetValue(prune)) documents = [.. documents, .. others];
            else if (others.Length > 0 && !options.IsJson(parsed)) options.Terminal.Out.WriteLine($"without a file, and left alone: {string.Join(", ", others)} (--prune empties them)");

            V1.Change change = ConfigDirectory.Difference(ConfigDirectory.Canonical(there, dimensions, problems), wanted, documents);
            ImmutableArray<Edit> edits = ChangeMessages.Read(change, problems);
            var look = new Look(release, $"conclave diff r{release} shows what came since. Take it into the files (conclave export) or not, and apply again.");
            if (parsed.GetValue(dry)) return await TryAsync(client, parsed, edits, look, cancellationToken).ConfigureAwait(false);
            bool takesAway = change.Entries.Any(e => e.Op.Length == 0) || change.Nodes.Any(n => n.Delete) || change.Schemas.Any(s => s.Schema.Length == 0);
            Consent consent = takesAway ? await ConfigPlans.ConfirmAsync(options, client, parsed, edits, look, cancellationToken).ConfigureAwait(false) : new Consent(null, look);
            return consent.Refusal ?? await ConfigFiles.PublishAsync(options, client, parsed, edits, cancellationToken, consent.Look).ConfigureAwait(false);
        });
    }

    /// <summary>By a plan, since only the server knows what changes nothing: secrets are not in an export.</summary>
    private async Task<int> TryAsync(ConclaveClient client, ParseResult parsed, ImmutableArray<Edit> edits, Look look, CancellationToken cancellationToken)
    {
        V1.PlanResponse plan = await ConfigPlans.AskAsync(options, client, parsed, edits, look.Release, cancellationToken).ConfigureAwait(false);
        int count = ConfigPlans.CountOf(plan.Change);
        options.Print(parsed, plan, () =>
        {
            if (count > 0) ConfigPlans.Write(options, plan);
            options.Terminal.Out.WriteLine(count == 0 ? $"nothing to publish: it is so already at r{plan.Base}" : $"{ConfigOptions.Count(count, "edit")} {(ConfigPlans.CodeOf(plan) == ExitCode.Done ? "to publish" : "that cannot be published")}");
        });
        return ConfigPlans.Refuse(options, plan, look.Remedy) ?? (count == 0 ? ExitCode.Done : ExitCode.No);
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
            if (!Scope.TryParse(ConfigOptions.ScopeOf(parsed.GetRequiredValue(scope)), out Scope? to, out string problem)) throw new ArgumentException(problem);
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
            return Complain(found) ? ExitCode.Validation : await ConfigFiles.PublishAsync(options, client, parsed, edits, cancellationToken).ConfigureAwait(false);
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
            return await ConfigFiles.PublishAsync(options, client, parsed, result.Edits, cancellationToken).ConfigureAwait(false);
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
