using System.CommandLine;
using System.ComponentModel;
using Conclave.Cli.Output;
using Conclave.Cli.Up;
using Conclave.Client;

namespace Conclave.Cli.Commands;

/// <summary><c>conclave up</c>: a whole cluster on this machine, for as long as the command runs.</summary>
internal sealed class UpCommand : Command
{
    private const int NodesDefault = 3, LogLinesShown = 5;
    private static readonly TimeSpan Refresh = TimeSpan.FromMilliseconds(250);
    private readonly Option<int?> _nodes = new("--nodes") { Description = "How many: 1, 3 or 5. [default: 3]", HelpName = "n" };

    private readonly Option<string> _dataDir = new("--data-dir")
    {
        Description = "Where nodes keep their data and logs; kept when they stop.",
        DefaultValueFactory = _ => ".conclave",
        HelpName = "directory",
    };

    private readonly Option<int?> _port = new("--port")
    {
        Description = "First of a block of ports: clients at p, p+2, p+4..., peers one above each. Without it clients at 2379, 22379, 32379...",
        HelpName = "p",
    };

    private readonly Option<bool> _restart = new("--restart") { Description = "Start nodes again that end by themselves." };

    private readonly Option<bool> _autoTls = new("--auto-tls")
    {
        Description = "TLS with certificates that each node makes for itself; connect with --insecure-skip-tls-verify, or --cacert node1/fixtures/client/cert.pem.",
    };

    private readonly Argument<string[]> _further = new("node-options")
    {
        Description = "After --: further options for every node.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    /// <summary>The node's flag, from the environment.</summary>
    private const string KeyFileVariable = "CONCLAVE_SECRETS_KEY_FILE";

    public UpCommand() : base("up", "Start a cluster on this machine, show it, and stop it with ctrl-c.")
    {
        foreach (Option option in (Option[])[_nodes, _dataDir, _port, _restart, _autoTls]) Add(option);
        Add(_further);
        Validators.Add(result =>
        {
            int nodes = result.GetValue(_nodes) ?? NodesDefault;
            if (nodes is not (1 or 3 or 5)) result.AddError("--nodes must be 1, 3 or 5: an even number survives no more failures than one less.");
            else if (PortPlan.Problem(nodes, result.GetValue(_port)) is { } problem) result.AddError(problem);
        });
    }

    public UpCommand Run(Terminal terminal, ClusterOptions cluster)
    {
        SetAction(async (parsed, cancellationToken) =>
        {
            string[] further = parsed.GetValue(_further) ?? [];
            string directory = Path.GetFullPath(parsed.GetValue(_dataDir) ?? ""), keys = Path.Combine(directory, KeyFile.Name);
            bool hasKeys = terminal.Environment(KeyFileVariable) is { Length: > 0 } || further.Any(o => o.TrimStart('-').StartsWith("secrets-key-file", StringComparison.Ordinal));
            ClusterPlan plan = ClusterPlan.Of(parsed.GetValue(_nodes) ?? NodesDefault, parsed.GetValue(_port), directory, further, parsed.GetValue(_autoTls));
            (string? binary, Obstacle? obstacle) = Preflight.FindBinary(terminal, AppContext.BaseDirectory);
            obstacle ??= Preflight.Check(plan);
            if (binary is null || obstacle is not null)
            {
                terminal.Fail(obstacle?.Cause ?? "", obstacle?.Remedy);
                return obstacle?.ExitCode ?? ExitCode.Unexpected;
            }

            if (!hasKeys)
            {
                KeyFile.MakeIfMissing(keys);
                Environment.SetEnvironmentVariable(KeyFileVariable, keys);   // nodes inherit it; as a flag it would stop an etcd, which may be what is run here
            }

            return await RunAsync(terminal, plan, binary, cluster.Credentials(parsed, terminal), parsed.GetValue(_restart), cancellationToken).ConfigureAwait(false);
        });
        return this;
    }

    private static async Task<int> RunAsync(Terminal terminal, ClusterPlan plan, string binary, Credentials? credentials, bool restart, CancellationToken stop)
    {
        await using UpSession session = new(plan, binary, credentials);
        try
        {
            await session.StartDownAsync().ConfigureAwait(false);
            bool allEnded = false;
            await UpPresenter.For(terminal, restart).RunAsync(async show =>
                allEnded = await FollowAsync(session, terminal, restart, show, stop).ConfigureAwait(false)).ConfigureAwait(false);
            if (allEnded) return AllEnded(terminal, plan);
        }
        catch (Win32Exception e)
        {
            terminal.Fail($"{binary} cannot be started: {e.Message}", $"Check the file, or let {NodeBinary.Variable} name another.");
            return ExitCode.Usage;
        }

        await terminal.Out.WriteLineAsync("stopping").ConfigureAwait(false);
        await terminal.Out.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        await session.StopAsync().ConfigureAwait(false);
        await terminal.Out.WriteLineAsync("stopped").ConfigureAwait(false);
        return ExitCode.Done;
    }

    /// <summary>Watches until asked to stop; true when instead all nodes ended and nobody will start them again.</summary>
    private static async Task<bool> FollowAsync(UpSession session, Terminal terminal, bool restart, Action<ClusterView> show, CancellationToken stop)
    {
        bool canAsk = terminal.IsInteractive && terminal.IsInputInteractive, wasReady = false;
        using PeriodicTimer timer = new(Refresh);
        try
        {
            while (true)
            {
                NodeState[] nodes = await session.ObserveAsync(stop).ConfigureAwait(false);
                ClusterView view = ClusterView.Of(nodes, wasReady);
                wasReady |= view.IsReady;
                show(view);
                if (restart) await session.StartDueAsync().ConfigureAwait(false);
                else if (canAsk && PressedRestart()) await session.StartDownAsync().ConfigureAwait(false);
                else if (!canAsk && nodes.All(node => node.ProcessId is null)) return true;
                await timer.WaitForNextTickAsync(stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return false;
        }
    }

    private static bool PressedRestart()
    {
        bool pressed = false;
        while (Console.KeyAvailable) pressed |= Console.ReadKey(intercept: true).Key == ConsoleKey.R;
        return pressed;
    }

    private static int AllEnded(Terminal terminal, ClusterPlan plan)
    {
        string log = plan.Nodes[0].LogFile;
        terminal.Fail("All members have stopped by themselves.", $"The last lines of {log}:");
        foreach (string line in File.ReadLines(log).TakeLast(LogLinesShown)) terminal.Error.WriteLine($"    {line}");
        return ExitCode.Unavailable;
    }
}
