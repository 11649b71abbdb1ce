using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using Conclave.Cli.Commands;
using Conclave.Cli.Output;

namespace Conclave.Cli;

/// <summary>The whole command line: from arguments to an exit code.</summary>
internal static class CommandLine
{
    /// <param name="arguments">What the user wrote after the program's name.</param>
    /// <param name="terminal">Where to read and write.</param>
    /// <param name="stop">Cancelled when the user asks the program to stop.</param>
    public static async Task<int> RunAsync(string[] arguments, Terminal terminal, CancellationToken stop)
    {
        if (arguments is ["--version"])
        {
            // Before the command tree is built: scripts ask this often.
            await terminal.Out.WriteLineAsync($"conclave {VersionCommand.Text}").ConfigureAwait(false);
            await terminal.Out.FlushAsync(CancellationToken.None).ConfigureAwait(false);
            return ExitCode.Done;
        }

        if (Array.FindIndex(arguments, a => a.Contains('\uFFFD', StringComparison.Ordinal) && !IsAsTyped(a)) is >= 0 and int damaged)
        {
            // The runtime has put U+FFFD in the place of bytes that it could not read: what would be written is not what was meant.
            terminal.Fail($"Word {damaged + 1} of the command line has bytes that are no UTF-8.", "Write it in UTF-8. Bytes for a plain key come from standard input: conclave put KEY < FILE. A configuration value is text; encode bytes, as in base64.");
            return ExitCode.Usage;
        }

        try
        {
            ParseResult parsed = Build(terminal).Parse(arguments.Length > 0 ? arguments : ["--help"]);
            string? stray = StrayOption.In(parsed);
            if ((parsed.Errors.Count > 0 || stray is not null) && !AsksForHelp(parsed)) return Complain(parsed, stray, terminal);
            InvocationConfiguration configuration = new()
            {
                Output = terminal.Out,
                Error = terminal.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,   // signals are ours, so that `up` has the time it needs to stop its nodes
            };
            int code = await parsed.InvokeAsync(configuration, stop).ConfigureAwait(false);
            return arguments.Length > 0 ? code : ExitCode.Usage;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }
        catch (IOException e) when (e.HResult == BrokenPipe)
        {
            return ExitCode.Done;   // The reader of the output has seen enough, as in: conclave watch | head
        }
        finally
        {
            await FlushAsync(terminal).ConfigureAwait(false);
        }
    }

    /// <summary>U+FFFD is a character like any other where somebody typed it, as to find and remove what an earlier slip has left.</summary>
    private static bool IsAsTyped(string word)
    {
        const string Words = "/proc/self/cmdline";
        return File.Exists(Words) && File.ReadAllBytes(Words).AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(word + '\0')) >= 0;
    }

    private const int BrokenPipe = 32;   // EPIPE

    private static RootCommand Build(Terminal terminal)
    {
        ClusterOptions cluster = new();
        RootCommand root = new("Conclave: replicated configuration for clusters.")
        {
            new GetCommand().Run(terminal, cluster),
            new PutCommand().Run(terminal, cluster),
            new DelCommand().Run(terminal, cluster),
            new TxnCommand().Run(terminal, cluster),
            new WatchCommand().Run(terminal, cluster),
            new LeaseCommand(terminal, cluster),
            new LockCommand().Run(terminal, cluster),
            new SemaphoreCommand().Run(terminal, cluster),
            new ElectCommand().Run(terminal, cluster),
            new StatusCommand().Run(terminal, cluster),
            new MemberCommand(terminal, cluster),
            MemberCommand.MoveLeader(terminal, cluster),
            new BackupCommand().Run(terminal, cluster),
            new RestoreCommand().Run(terminal),
            new AlarmCommand(terminal, cluster),
            MaintenanceCommands.Compact(terminal, cluster),
            MaintenanceCommands.Defragment(terminal, cluster),
            MaintenanceCommands.HashKv(terminal, cluster),
            new AuthCommand(terminal, cluster),
            new UserCommand(terminal, cluster),
            new RoleCommand(terminal, cluster),
            new UpCommand().Run(terminal, cluster),
            new AgentCommand(terminal, cluster).Run(),
            new DebugCommand(terminal),
            new VersionCommand(terminal, cluster),
        };
        foreach (Command command in ConfigCommands.All(terminal, cluster)) root.Add(command);
        foreach (Option option in cluster.All) root.Add(option);
        return root;
    }

    private static int Complain(ParseResult parsed, string? stray, Terminal terminal)
    {
        List<string> path = [];
        for (SymbolResult? at = parsed.CommandResult; at is CommandResult command; at = at.Parent) path.Insert(0, command.Command.Name);
        path[0] = "conclave";
        string? word = stray ?? (parsed.UnmatchedTokens.Count > 0 ? parsed.UnmatchedTokens[0] : null);
        string what = word is not null ? Unknown(word, parsed.CommandResult.Command) : WrongArgument.Text(parsed);
        string remedy = $"See: {string.Join(' ', path)} --help";
        terminal.Fail(what, stray is null ? remedy : $"{remedy}. A key or value that begins with - comes after a lone --");
        return ExitCode.Usage;
    }

    private static string Unknown(string word, Command command)
    {
        IEnumerable<string> known = word.StartsWith('-')
            ? command.Options.Concat(command.Parents.OfType<Command>().SelectMany(parent => parent.Options)).Select(option => option.Name)
            : command.Subcommands.Select(subcommand => subcommand.Name);
        string kind = word.StartsWith('-') ? "an option of this command" : command.Subcommands.Count > 0 ? "a command" : "expected here";
        return Nearest.Of(word, known) is { } nearest ? $"\"{word}\" is not {kind}. Did you mean {nearest}?" : $"\"{word}\" is not {kind}.";
    }

    private static bool AsksForHelp(ParseResult parsed) => parsed.Action is HelpAction or TxnCommand.FormHelp;

    private static async ValueTask FlushAsync(Terminal terminal)
    {
        try
        {
            await terminal.Out.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (IOException)
        {
            // Nobody reads any more; there is nowhere left to say so.
        }
    }
}
