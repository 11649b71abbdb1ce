using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Conclave.Agent;
using Conclave.Cli.Output;
using Conclave.Client;
using Conclave.Client.Rpc;
using V1 = Conclave.Wire.V1;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave agent</c>: keeps this machine's files as the cluster says.</summary>
internal sealed class AgentCommand(Terminal terminal, ClusterOptions cluster)
{
    private static readonly TimeSpan FirstAnswer = TimeSpan.FromSeconds(20), LongestPass = TimeSpan.FromMinutes(15);

    private readonly Option<FileInfo> _config = new("--config")
    {
        Description = $"The agent's configuration. [env: CONCLAVE_AGENT_CONFIG; default: {AgentConfigFile.DefaultPath}]",
        DefaultValueFactory = _ => new FileInfo(terminal.Environment("CONCLAVE_AGENT_CONFIG") ?? AgentConfigFile.DefaultPath),
        Recursive = true,
        HelpName = "file",
    };

    public Command Run()
    {
        Command command = new("agent", "Keep this machine's configuration files as the cluster says: receive, render, check, write, reload or restart, verify, report.") { Once(), Status(), RestartedByHand(), _config };
        command.SetAction((parsed, stop) => WithAsync(parsed, async (options, client) =>
        {
            await new AgentHost(options, client, Log).RunAsync(stop).ConfigureAwait(false);
            return ExitCode.Done;
        }));
        return command;
    }

    private Command Once()
    {
        Option<bool> dry = new("--dry-run") { Description = "Write nothing: print what would change, with secrets masked. Exit code 1 when something would." };
        Option<TimeSpan?> timeout = new("--timeout")
        {
            Description = "Longest time for all of it, waits for a slot included; then exit code 1, or 6 when no member was reached. The first answer is waited for at most 20s. [default: 15m]",
            CustomParser = Duration.Parse,
            HelpName = "time",
        };
        Command command = new("once", "One pass, then end. Exit code 1 when a document could not be applied.") { dry, timeout };
        command.SetAction((parsed, stop) => WithAsync(parsed, async (options, client) =>
        {
            TimeSpan longest = parsed.GetValue(timeout) ?? LongestPass;
            if (parsed.GetValue(dry)) return await DryRun.RunAsync(options, client, terminal.Out.WriteLine, longest < FirstAnswer ? longest : FirstAnswer, stop).ConfigureAwait(false) ? ExitCode.No : ExitCode.Done;
            OncePass pass = await new AgentHost(options, client, Log).OnceAsync(FirstAnswer, longest, stop).ConfigureAwait(false);
            foreach (V1.DocumentState state in pass.States) terminal.Out.WriteLine(Line(state.Document, state.Release, state.State, state.Message));
            if (!pass.WasReached)
            {
                if (pass.IsUnknownNode)
                {
                    terminal.Fail($"There is no node {options.Node}, so nothing was received.", $"Add it with: conclave node set {options.Node} ..., or correct node in [agent].");
                    return ExitCode.No;
                }

                terminal.Fail("No member sent anything in time, so nothing was received.", "Check endpoints in [agent], and look at: conclave status");
                return ExitCode.Unavailable;
            }

            if (pass.Unfinished.IsEmpty) return pass.States.All(s => s.State == "applied") && pass.States.Length == options.Documents.Count() ? ExitCode.Done : ExitCode.No;
            terminal.Fail($"Not done within {longest.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture)} s: {string.Join(", ", pass.Unfinished.Select(u => $"{u.Group} is {u.Phase}"))}.", "The next run goes on from there; --timeout gives it longer.");
            return ExitCode.No;
        }));
        return command;
    }

    private Command Status()
    {
        Command command = new("status", "What the agent of this machine is doing, by its state directory. Exit code 1 when it does not run, or not everything is applied.");
        command.SetAction(parsed =>
        {
            if (Read(parsed) is not { } options) return ExitCode.Usage;
            string path = Path.Combine(options.StateDirectory, "status.json");
            if (!File.Exists(path))
            {
                terminal.Fail($"There is no {path}: no agent has run with this configuration, or not as this user.");
                return ExitCode.No;
            }

            bool isRunning = AgentStatus.IsRunning(options.StateDirectory);
            using JsonDocument status = JsonDocument.Parse(File.ReadAllBytes(path));
            JsonElement root = status.RootElement;
            JsonElement[] documents = [.. root.GetProperty("documents").EnumerateArray()];
            if (cluster.Format(parsed) is "json" or "yaml" or "ini")
            {
                MessageText.Write(terminal, cluster.Format(parsed), json =>
                {
                    json.WriteBoolean("running", isRunning);
                    foreach (JsonProperty property in root.EnumerateObject()) property.WriteTo(json);
                });
            }
            else
            {
                string link = root.GetProperty("connected").GetBoolean() ? "connected" : $"not connected: {root.GetProperty("trouble").GetString()}";
                terminal.Out.WriteLine($"node {root.GetProperty("node").GetString()}  {(isRunning ? $"running, process {root.GetProperty("pid").GetInt32().ToString(CultureInfo.InvariantCulture)}  {link}" : $"not running since {root.GetProperty("updated").GetString()} or later, and then {link}")}");
                foreach (JsonElement document in documents) terminal.Out.WriteLine(Line(Text(document, "document"), document.GetProperty("release").GetInt64(), Text(document, "state"), Text(document, "message")));
                foreach (JsonElement group in root.GetProperty("groups").EnumerateArray().Where(g => Text(g, "phase") != "idle")) terminal.Out.WriteLine($"group {Text(group, "group")}  {Text(group, "phase")}");
            }

            return isRunning && documents.Length == options.Documents.Count() && documents.All(d => Text(d, "state") == "applied") ? ExitCode.Done : ExitCode.No;
        });
        return command;
    }

    private Command RestartedByHand()
    {
        Argument<string> group = new("group") { Description = "The group whose program was restarted." };
        Command command = new("restarted", "Tell the agent that a program that it may not restart was restarted: pending-restart becomes applied.") { group };
        command.SetAction(parsed =>
        {
            if (Read(parsed) is not { } options) return ExitCode.Usage;
            string name = parsed.GetRequiredValue(group);
            if (options.Groups.All(g => g.Name != name))
            {
                terminal.Fail($"There is no group {name}; there are {string.Join(", ", options.Groups.Select(g => g.Name))}.");
                return ExitCode.Usage;
            }

            try
            {
                new StateDirectory(new PosixFiles(), options.StateDirectory).MarkRestarted(name);
                return ExitCode.Done;
            }
            catch (FileFailure failure)
            {
                terminal.Fail(failure.Message);
                return ExitCode.Denied;
            }
        });
        return command;
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString() ?? "";

    private static string Line(string document, long release, string state, string message) => $"{document}  r{release}  {state}{(message.Length > 0 ? "  " + message : "")}";

    private void Log(bool isWarning, string text)
    {
        lock (terminal)
        {
            terminal.Error.WriteLine($"{DateTime.UtcNow.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)}Z {(isWarning ? "warning" : "info")} {text}");
            terminal.Error.Flush();
        }
    }

    /// <returns>Null when it cannot be used; that was said.</returns>
    private AgentOptions? Read(ParseResult parsed)
    {
        FileInfo file = parsed.GetRequiredValue(_config);
        try
        {
            AgentOptions options = AgentConfigFile.Parse(File.ReadAllText(file.FullName), File.ReadAllText, out ImmutableArray<string> problems);
            foreach (string problem in problems) terminal.Fail($"{file.FullName}: {problem}");
            return problems.IsEmpty ? options with { ConfigFile = file.FullName } : null;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            terminal.Fail($"The agent's configuration cannot be read: {unreadable.Message}", "Name it with --config. What is in it: docs/agent.md");
            return null;
        }
    }

    private async Task<int> WithAsync(ParseResult parsed, Func<AgentOptions, ConclaveClient, Task<int>> run)
    {
        if (Read(parsed) is not { } options) return ExitCode.Usage;
        try
        {
            await using ConclaveClient client = new(ClientOptions(options));
            return await run(options, client).ConfigureAwait(false);
        }
        catch (Exception unusable) when (unusable is ArgumentException or CryptographicException or IOException or UnauthorizedAccessException)
        {
            terminal.Fail(ClusterOptions.TextOf(unusable));
            return ExitCode.Usage;
        }
        catch (Exception refused) when (refused is AgentRunsException or FileFailure)
        {
            terminal.Fail(refused.Message);
            return refused is AgentRunsException ? ExitCode.Conflict : ExitCode.Denied;
        }
        catch (ConclaveException failure)
        {
            terminal.Fail(failure.Message, ExitCode.Remedy(failure));
            return ExitCode.Of(failure);
        }
    }

    private ConclaveClientOptions ClientOptions(AgentOptions options)
    {
        bool hasTls = options.TlsAuthorities is not null || options.TlsCertificate is not null || options.SkipTlsVerification || options.Endpoints.Any(e => e.StartsWith("https:", StringComparison.Ordinal));
        RpcChannelOptions channel = new();
        if (hasTls) channel = channel with { Tls = ClientTls.FromFiles(options.TlsAuthorities, options.TlsCertificate, options.TlsKey, options.SkipTlsVerification) };
        return new ConclaveClientOptions
        {
            Endpoints = [.. options.Endpoints.Select(e => e.Contains("://", StringComparison.Ordinal) || !hasTls ? e : "https://" + e)],
            Credentials = options.User is null ? null : new Credentials(options.User, Password(options)),
            Channel = channel,
        };
    }

    private string Password(AgentOptions options) =>
        options.PasswordFile is { } file ? File.ReadAllText(file).TrimEnd('\r', '\n')
        : terminal.Environment("CONCLAVE_PASSWORD") ?? throw new ArgumentException($"There is no password for user {options.User}. Give password_file in [agent], or set CONCLAVE_PASSWORD.");
}
