using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Conclave.Compatibility.Tests.Support;
using Conclave.Processes.Servers;

namespace Conclave.Clients.Tests.Support;

/// <summary>
/// Runs one of the programs in Programs/, which prints a JSON line <c>{"name": ..., ...}</c> for everything it sees. A line <c>{"ask": ...}</c> wants
/// something done to the cluster; the program goes on when a line comes back on its standard input.
/// </summary>
internal static class ClientScript
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <param name="target">Cluster and transcript.</param>
    /// <param name="program">Interpreter and script with further arguments. A follower's port, the ports of all members joined by commas, and the prefix of the keys are added.</param>
    /// <param name="environment">Further variables.</param>
    public static async Task RunAsync(Target target, IReadOnlyList<string> program, IReadOnlyDictionary<string, string> environment)
    {
        ProcessCluster cluster = target.Cluster;
        await PlainHttp.WaitUntilAllAreHealthyAsync(cluster, Patience, target.Cancellation);
        int leader = await PlainHttp.FindLeaderAsync(cluster, Patience, target.Cancellation);
        // Clients that know one address only must live through the death of the leader, so theirs is a follower's.
        string follower = Port(cluster.Members[(leader + 1) % cluster.Members.Count]), all = string.Join(',', cluster.Members.Select(Port));
        using Process process = Programs.Start(program[0], [.. program.Skip(1), follower, all, target.Prefix], environment);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(target.Cancellation);
        patience.CancelAfter(TimeSpan.FromMinutes(2));
        Task<string> error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            while (await process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
                await UnderstandAsync(target, process, line, patience.Token);
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException) when (!target.Cancellation.IsCancellationRequested)
        {
            process.Kill(entireProcessTree: true);
            throw cluster.Failure($"{string.Join(' ', program)} did not end in time; the last it said was '{target.Seen.Lines.LastOrDefault().Name}'.\n{await error}");
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
            await HealAsync(cluster, target.Cancellation);
        }
        if (process.ExitCode != 0)
            throw cluster.Failure($"{string.Join(' ', program)} ended with {process.ExitCode} after '{target.Seen.Lines.LastOrDefault().Name}':\n{await error}");
    }

    private static async Task UnderstandAsync(Target target, Process process, string line, CancellationToken cancellationToken)
    {
        JsonObject seen = JsonNode.Parse(line)!.AsObject();
        if (seen["ask"] is { } wish)
        {
            await GrantAsync(target.Cluster, wish.GetValue<string>(), cancellationToken);
            await process.StandardInput.WriteLineAsync("done".AsMemory(), cancellationToken);
            await process.StandardInput.FlushAsync(cancellationToken);
            return;
        }
        string name = seen["name"]!.GetValue<string>();
        seen.Remove("name");
        target.Seen.Add(name, seen);
    }

    private static async Task GrantAsync(ProcessCluster cluster, string wish, CancellationToken cancellationToken)
    {
        switch (wish)
        {
            case "kill the leader":
                cluster.Members[await PlainHttp.FindLeaderAsync(cluster, Patience, cancellationToken)].Kill();
                break;
            case "start it again":
                await HealAsync(cluster, cancellationToken);
                break;
            default:
                throw new InvalidOperationException($"The program asks for \"{wish}\", which nobody knows how to do.");
        }
    }

    private static async Task HealAsync(ProcessCluster cluster, CancellationToken cancellationToken)
    {
        cluster.StartAll();
        await PlainHttp.WaitUntilAllAreHealthyAsync(cluster, Patience, cancellationToken);
    }

    private static string Port(ServerProcess member) => member.ClientPort.ToString(CultureInfo.InvariantCulture);
}
