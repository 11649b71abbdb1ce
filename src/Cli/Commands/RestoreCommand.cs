using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using Conclave.Cli.Output;
using Conclave.Cli.Up;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave restore</c>: hands the work to <c>conclave-node restore</c>, which knows what data directories are made of.</summary>
internal sealed class RestoreCommand
{
    private const int NodeUsage = 64, NodeData = 65;

    private readonly Argument<string> _file = new("file") { Description = "What conclave backup or etcdctl snapshot save wrote." };
    private readonly Option<bool> _check = new("--check") { Description = "Only read the file, and say what is in it." };

    private readonly Option<string?>[] _flags =
    [
        new("--data-dir") { Description = "Data directory to make, empty or not there yet.", HelpName = "directory" },
        new("--name") { Description = "Name of the member that it is for.", HelpName = "name" },
        new("--initial-cluster") { Description = "All members of the new cluster.", HelpName = "name=url,..." },
        new("--initial-cluster-token") { Description = "As the members will be started with.", HelpName = "text" },
        new("--initial-advertise-peer-urls") { Description = "As the member will be started with. [default: from --initial-cluster]", HelpName = "url,..." },
    ];

    public Command Run(Terminal terminal)
    {
        Command command = new("restore",
            "Make the data directory of one member of a new cluster from a backup; on this machine, while no node runs on it. Do it for each member with the same file, then start them all.")
        {
            _file, _check,
        };
        foreach (Option<string?> flag in _flags) command.Add(flag);
        command.SetAction((parsed, stop) => StartAsync(terminal, ArgumentsOf(parsed), stop));
        return command;
    }

    private List<string> ArgumentsOf(ParseResult parsed)
    {
        List<string> arguments = ["restore", parsed.GetRequiredValue(_file)];
        if (parsed.GetValue(_check)) arguments.Add(_check.Name);
        foreach (Option<string?> flag in _flags)
        {
            if (parsed.GetValue(flag) is { } value) arguments.AddRange([flag.Name, value]);
        }

        return arguments;
    }

    private static async Task<int> StartAsync(Terminal terminal, List<string> arguments, CancellationToken stop)
    {
        var candidates = NodeBinary.Candidates(terminal.Environment(NodeBinary.Variable), AppContext.BaseDirectory);
        if (candidates.FirstOrDefault(File.Exists) is not { } binary)
        {
            terminal.Fail($"{NodeBinary.FileName} was not found; looked for {string.Join(" and ", candidates)}.", $"Install it beside this program, or name it in {NodeBinary.Variable}.");
            return ExitCode.Unavailable;
        }

        using Process node = new() { StartInfo = new ProcessStartInfo(binary, arguments) { RedirectStandardOutput = true, RedirectStandardError = true } };
        try
        {
            node.Start();
        }
        catch (Win32Exception problem)
        {
            terminal.Fail($"{binary} cannot be started: {problem.Message}");
            return ExitCode.Unavailable;
        }

        Task<string> output = node.StandardOutput.ReadToEndAsync(CancellationToken.None), error = node.StandardError.ReadToEndAsync(CancellationToken.None);
        await using (stop.Register(() => node.Kill()))   // what it was building bears another name: nothing half is left under the right one
            await node.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        stop.ThrowIfCancellationRequested();
        await terminal.Out.WriteAsync(await output.ConfigureAwait(false)).ConfigureAwait(false);
        await terminal.Out.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        await terminal.Error.WriteAsync((await error.ConfigureAwait(false)).Replace($"{NodeBinary.FileName}: ", "conclave: ", StringComparison.Ordinal)).ConfigureAwait(false);
        return node.ExitCode switch { 0 => ExitCode.Done, NodeUsage => ExitCode.Usage, NodeData => ExitCode.Validation, _ => ExitCode.Unexpected };
    }
}
