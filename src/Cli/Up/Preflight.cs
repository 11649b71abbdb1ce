using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Conclave.Cli.Output;

namespace Conclave.Cli.Up;

/// <summary>Why nothing was started: the cause, the remedy, and the exit code.</summary>
internal sealed record Obstacle(string Cause, string Remedy, int ExitCode);

/// <summary>Looks for everything that would make a start fail, before anything is started.</summary>
internal static class Preflight
{
    private const string LayoutFile = "cluster.txt", ProbeFile = ".probe";

    /// <summary>The program to start, or what is in the way.</summary>
    public static (string? Binary, Obstacle? Obstacle) FindBinary(Terminal terminal, string ownDirectory)
    {
        ImmutableArray<string> candidates = NodeBinary.Candidates(terminal.Environment(NodeBinary.Variable), ownDirectory);
        string? binary = candidates.FirstOrDefault(File.Exists);
        if (binary is null)
        {
            return (null, new Obstacle($"The node's program is not at {string.Join(" nor at ", candidates)}.",
                $"Build it with: dotnet build -c Release src/Node, or let {NodeBinary.Variable} name it.", ExitCode.Usage));
        }

        const UnixFileMode AnyExecute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        return OperatingSystem.IsWindows() || (File.GetUnixFileMode(binary) & AnyExecute) != 0
            ? (binary, null)
            : (null, new Obstacle($"{binary} may not be executed.", $"Run: chmod +x {binary}", ExitCode.Usage));
    }

    /// <summary>What keeps the plan from being carried out, or null. Makes the directory.</summary>
    public static Obstacle? Check(ClusterPlan plan)
    {
        foreach (NodePlan node in plan.Nodes)
        {
            foreach (int port in (int[])[node.Ports.Client, node.Ports.Peer])
            {
                if (WhyNotFree(port) is { } reason)
                {
                    return new Obstacle($"{node.Name} cannot listen on 127.0.0.1:{port}: {reason}.",
                        "Stop what uses it (is another `conclave up` running?), or choose other ports with --port.", ExitCode.Unavailable);
                }
            }
        }

        return WhyNotWritable(plan.Directory) is { } why
            ? new Obstacle($"The data directory {plan.Directory} cannot be written: {why}",
                "Choose another one with --data-dir, or change its owner or mode.", ExitCode.Usage)
            : WhyNotSameLayout(plan);
    }

    private static string? WhyNotFree(int port)
    {
        try
        {
            using TcpListener probe = new(IPAddress.Loopback, port);
            probe.Start();
            return null;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode == SocketError.AddressAlreadyInUse ? "the port is taken" : e.Message;
        }
    }

    private static string? WhyNotWritable(string directory)
    {
        try
        {
            Directory.CreateDirectory(directory);
            string probe = Path.Combine(directory, ProbeFile);
            File.WriteAllText(probe, "");
            File.Delete(probe);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    // Nodes keep the addresses of their first start, so the same data with other ports or another number of nodes would never
    // come up; a file beside the data remembers what it was made with.
    private static Obstacle? WhyNotSameLayout(ClusterPlan plan)
    {
        string file = Path.Combine(plan.Directory, LayoutFile);
        string wanted = string.Create(CultureInfo.InvariantCulture, $"nodes {plan.Nodes.Length}, first client port {plan.Nodes[0].Ports.Client}{(plan.IsTls ? ", TLS" : "")}");
        string? existing = File.Exists(file) ? File.ReadAllText(file).Trim() : null;
        if (existing is null) File.WriteAllText(file, wanted + "\n");
        return existing is null || existing == wanted
            ? null
            : new Obstacle($"{plan.Directory} holds a cluster made with: {existing}. This start asks for: {wanted}.",
                "Use the same --nodes, --port and --auto-tls, another --data-dir, or delete that directory if its data may go.", ExitCode.Usage);
    }
}
