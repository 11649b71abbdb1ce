using System.Globalization;
using System.Text.Json.Nodes;

namespace Conclave.Compatibility.Tests.Support;

/// <summary>Runs one of the scripts in Python/, which prints a JSON line <c>{"name": ..., ...}</c> for everything it sees.</summary>
internal static class PythonScript
{
    public static async Task RunAsync(Target target, string file)
    {
        string script = Path.Combine(AppContext.BaseDirectory, "Python", file);
        string port = target.Cluster.Members[0].ClientPort.ToString(CultureInfo.InvariantCulture);
        // The packaged protobuf code is older than the packaged runtime; its pure Python form takes both.
        var environment = new Dictionary<string, string> { ["PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"] = "python", ["GRPC_VERBOSITY"] = "NONE", ["PYTHONUNBUFFERED"] = "1" };
        Programs.Ended ended = await Programs.RunAsync(Requires.Python, [script, "127.0.0.1", port, target.Prefix], null, environment, target.Cancellation);
        foreach (string line in ended.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            JsonObject seen = JsonNode.Parse(line)!.AsObject();
            string name = seen["name"]!.GetValue<string>();
            seen.Remove("name");
            target.Seen.Add(name, seen);
        }
        if (ended.ExitCode != 0)
            throw target.Cluster.Failure($"{file} ended with {ended.ExitCode} after {target.Seen.Lines.LastOrDefault().Name}:\n{ended.Error}");
    }
}
