using System.Text.Json;
using V1 = Conclave.Wire.V1;

namespace Conclave.Agent;

/// <summary>What an agent is doing, for people and scripts on its machine: status.json in the state directory. No values are in it.</summary>
public static class AgentStatus
{
    internal static byte[] Write(AgentOptions options, AgentCore core, string? trouble)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("node", options.Node);
            json.WriteNumber("pid", Environment.ProcessId);
            json.WriteString("updated", DateTimeOffset.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture));
            json.WriteBoolean("connected", trouble is null);
            json.WriteString("trouble", trouble ?? "");
            json.WriteStartArray("documents");
            foreach (V1.DocumentState state in core.States)
            {
                json.WriteStartObject();
                json.WriteString("document", state.Document);
                json.WriteNumber("release", state.Release);
                json.WriteString("state", state.State);
                json.WriteString("message", state.Message);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartArray("groups");
            foreach ((string group, string phase) in core.Phases)
            {
                json.WriteStartObject();
                json.WriteString("group", group);
                json.WriteString("phase", phase);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    /// <summary>Whether an agent runs on a state directory now.</summary>
    public static bool IsRunning(string stateDirectory)
    {
        string path = Path.Combine(stateDirectory, "LOCK");
        if (!File.Exists(path)) return false;
        using IDisposable? free = PosixFiles.Lock(path);
        return free is null;
    }
}
