using System.Collections.Immutable;
using System.CommandLine;
using System.Diagnostics;
using Conclave.Cli.Output;
using Conclave.Layers;
using Conclave.Layers.Wire;
using V1 = Conclave.Wire.V1;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave edit</c>: a document in an editor, and what was changed in it as a release.</summary>
internal sealed class ConfigEditCommand(ConfigOptions options)
{
    public Command Command()
    {
        Argument<string> document = new("document") { Description = "The document." };
        return options.Run(options.WithYes(options.WithChange(new Command("edit", "Open a document's entries and schemas in $VISUAL or $EDITOR, and publish what was changed. Secrets are left out, and stay.") { document })), async (client, parsed, cancellationToken) =>
        {
            string name = parsed.GetRequiredValue(document);
            string editor = options.Terminal.Environment("VISUAL") ?? options.Terminal.Environment("EDITOR") ?? throw new ArgumentException("There is no editor. Set VISUAL or EDITOR, such as EDITOR=vi.");
            if (!options.IsDraft(parsed)) _ = options.Reason(parsed);   // before the work, not after
            if (name.Contains('/', StringComparison.Ordinal)) throw new ArgumentException($"\"{name}\" is no name of a document.");
            (V1.Change there, long release) = await ConfigFileCommands.ReadAllAsync(client, new V1.ExportRequest { Space = options.Space(parsed), Documents = { name } }, cancellationToken).ConfigureAwait(false);
            DirectoryInfo directory = Directory.CreateTempSubdirectory("conclave-edit-");   // mode 0700
            ConfigDirectory.Write(directory, there);
            string file = Path.Combine(directory.FullName, name + ".json");
            if (!File.Exists(file)) await File.WriteAllTextAsync(file, "{\n  \"schemas\": {},\n  \"entries\": {\n    \"*\": {}\n  }\n}\n", cancellationToken).ConfigureAwait(false);
            foreach (FileInfo other in directory.EnumerateFiles().Where(f => f.Name != name + ".json")) other.Delete();

            int code = await RunAsync(editor, file, cancellationToken).ConfigureAwait(false) is var ended and not 0
                ? Refuse($"{editor} ended with code {ended}.", ExitCode.No) : await PublishAsync().ConfigureAwait(false);
            if (code == ExitCode.Done) directory.Delete(recursive: true);
            else options.Terminal.Error.WriteLine($"  What was written is kept: {file}");
            return code;

            async Task<int> PublishAsync()
            {
                V1.Change change;
                var problems = new List<ConfigProblem>();
                try
                {
                    // Compared as both are written by one hand, so that only what the person changed is an edit.
                    change = ConfigDirectory.Difference(ConfigDirectory.Canonical(there, Dimensions.Initial, []), ConfigDirectory.Canonical(ConfigDirectory.Read(directory).Content, Dimensions.Initial, problems), [name]);
                }
                catch (ArgumentException unreadable)
                {
                    return Refuse(unreadable.Message, ExitCode.Validation);
                }

                if (problems.Count > 0) return Refuse(string.Join('\n', problems.Select(p => $"{p.Code} {p.Message}")), ExitCode.Validation);
                ImmutableArray<Edit> edits = ChangeMessages.Read(change, problems);
                var look = new Look(release, $"Nothing was changed. conclave diff r{release} shows what came since; open it again with conclave edit {name}, and bring your changes over.");
                try
                {
                    Consent consent = await ConfigPlans.ConfirmAsync(options, client, parsed, edits, look, cancellationToken).ConfigureAwait(false);
                    return consent.Refusal ?? await ConfigFiles.PublishAsync(options, client, parsed, edits, cancellationToken, consent.Look).ConfigureAwait(false);
                }
                catch (Client.ConclaveException refused)
                {
                    options.Terminal.Fail(refused.Message, ExitCode.Remedy(refused));
                    return ExitCode.Of(refused);
                }
            }
        });
    }

    private int Refuse(string what, int code)
    {
        options.Terminal.Fail(what);
        return code;
    }

    /// <summary>By the shell, because editors are named with their options.</summary>
    private static async Task<int> RunAsync(string editor, string file, CancellationToken cancellationToken)
    {
        using Process process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", $"{editor} \"$1\"", "conclave-edit", file]))
            ?? throw new ArgumentException("/bin/sh cannot be started.");
        await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        return process.ExitCode;
    }
}
