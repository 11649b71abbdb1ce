using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Conclave.Processes.Servers;

namespace Conclave.Compatibility.Tests.Support;

/// <summary>What etcd answered to a script, kept in Recorded/ for machines without etcd. <c>CONCLAVE_COMPAT_RECORD=1</c> writes it anew.</summary>
internal static class Recording
{
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static bool IsWanted => Environment.GetEnvironmentVariable("CONCLAVE_COMPAT_RECORD") == "1";

    public static void Write(string script, IEnumerable<(string Name, JsonNode? Seen)> lines)
    {
        string root = ServerBinary.RepositoryRoot() ?? throw new InvalidOperationException("Recordings are written in a checkout only.");
        // This file is compiled into each project that has recordings; its assembly is named after the project.
        string project = typeof(Recording).Assembly.GetName().Name!["Conclave.".Length..];
        File.WriteAllLines(Path.Combine(root, "tests", project, "Recorded", script + ".jsonl"),
            lines.Select(line => new JsonObject { ["name"] = line.Name, ["seen"] = line.Seen?.DeepClone() }.ToJsonString(Readable)));
    }

    public static List<(string Name, JsonNode? Seen)> Read(string script) =>
        [.. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Recorded", script + ".jsonl"))
            .Select(line => JsonNode.Parse(line)!).Select(line => (line["name"]!.GetValue<string>(), line["seen"]))];
}
