using System.Diagnostics;
using System.Text.Json.Nodes;
using Conclave.Processes.Servers;

namespace Conclave.Compatibility.Tests.Support;

/// <summary>etcdctl against a cluster.</summary>
internal sealed class Etcdctl(Target target)
{
    private static readonly Dictionary<string, string> Environment = new() { ["ETCDCTL_API"] = "3" };
    private static readonly string[] Patience = ["--dial-timeout=10s", "--command-timeout=20s"];
    private readonly string _program = Requires.Etcdctl();

    /// <summary>Runs a command on the first member and notes exit code, output and the error's last line.</summary>
    public async Task<string> RunAsync(string name, params string[] arguments) => await RunAsync(name, null, arguments);

    /// <summary>The same with something on standard input.</summary>
    public async Task<string> RunAsync(string name, string? input, string[] arguments)
    {
        Programs.Ended ended = await ExecuteAsync(target.Cluster.Members[0], input, target.Cancellation, arguments);
        target.Seen.Add(name, new JsonObject { ["exit"] = ended.ExitCode, ["output"] = Understood(ended.Output), ["error"] = LastLine(ended.Error) });
        return ended.Output;
    }

    /// <summary>Runs without noting anything.</summary>
    public Task<Programs.Ended> ExecuteAsync(ServerProcess member, string? input, CancellationToken cancellationToken, params string[] arguments) =>
        OnAsync($"127.0.0.1:{member.ClientPort}", input, arguments, cancellationToken);

    /// <summary>On any endpoints. A further <c>--endpoints</c> among the arguments would only add to them.</summary>
    public Task<Programs.Ended> OnAsync(string endpoints, string? input, string[] arguments, CancellationToken cancellationToken) =>
        Programs.RunAsync(_program, ["--endpoints", endpoints, .. Patience, .. arguments], input, Environment, cancellationToken);

    /// <summary>Starts a command that goes on until it is killed, such as watch.</summary>
    public Process Start(ServerProcess member, params string[] arguments) =>
        Programs.Start(_program, ["--endpoints", $"127.0.0.1:{member.ClientPort}", .. Patience, .. arguments], Environment);

    /// <summary>JSON stays JSON (one document per line), everything else is text.</summary>
    private static JsonNode Understood(string output)
    {
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return lines.Length > 0 && lines.All(line => line.StartsWith('{') || line.StartsWith('['))
            ? new JsonArray([.. lines.Select(line => JsonNode.Parse(line))])
            : JsonValue.Create(output);
    }

    /// <summary>Around it the client's own log, in JSON, says how often it tried, which is no answer of the server.</summary>
    private static string LastLine(string error) =>
        error.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault(line => !line.StartsWith("{\"level\":", StringComparison.Ordinal)) ?? "";
}
