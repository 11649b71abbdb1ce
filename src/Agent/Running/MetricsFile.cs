using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using V1 = Conclave.Wire.V1;

namespace Conclave.Agent;

/// <summary>What the agent is doing in Prometheus text, in a file: for the textfile collector of a node exporter, so that no port has to be open. No values are in it.</summary>
/// <param name="options">Which agent, and where.</param>
/// <param name="files">The file system.</param>
/// <param name="time">For the times in it.</param>
internal sealed class MetricsFile(AgentOptions options, IFiles files, TimeProvider time)
{
    /// <summary>Whoever scrapes tells by the age of the file's own time whether the agent lives.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromSeconds(15);

    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;   // exporters run as somebody else

    private static readonly string[] StateNames = ["applied", "drifted", "failed", "pending-restart", "rejected", "waiting"];

    private readonly SortedDictionary<string, Seen> _seen = new(StringComparer.Ordinal);
    private string _written = "";
    private long _writtenAt;

    /// <summary>Takes in what the documents have come to, and writes the file where something is different or the last time is long ago.</summary>
    /// <exception cref="FileFailure">It cannot be written; the next one may be.</exception>
    public void Update(ImmutableArray<V1.DocumentState> states, bool isConnected)
    {
        if (options.MetricsFile is not { } path) return;
        foreach (V1.DocumentState state in states) Take(state);
        string text = Text(states, isConnected);
        if (text == _written && time.GetElapsedTime(_writtenAt) < Every) return;
        string draft = path + ".new";   // collectors read *.prom only
        files.Write(draft, Encoding.UTF8.GetBytes($"{text}# HELP conclave_agent_written_timestamp_seconds When this was written; at least every {Every.TotalSeconds} s while the agent runs.\n"
            + $"# TYPE conclave_agent_written_timestamp_seconds gauge\nconclave_agent_written_timestamp_seconds{Labels()} {Seconds(Now)}\n"), Mode, default);
        files.Rename(draft, path);
        (_written, _writtenAt) = (text, time.GetTimestamp());
    }

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    private void Take(V1.DocumentState state)
    {
        if (!_seen.TryGetValue(state.Document, out Seen? seen)) _seen[state.Document] = seen = new Seen();
        if (seen.State == state.State && seen.Release == state.Release) return;
        if (state.State == "applied") seen.AppliedUnixMs = Now;
        if (state.State is "failed" or "rejected") seen.Failures++;
        (seen.State, seen.Release) = (state.State, state.Release);
    }

    private string Text(ImmutableArray<V1.DocumentState> states, bool isConnected)
    {
        var text = new StringBuilder();
        Head(text, "connected", "gauge", "Whether a member answers.");
        Line(text, "connected", Labels(), isConnected ? "1" : "0");
        Head(text, "document_release", "gauge", "The release that the state is about; 0 is none.");
        foreach (V1.DocumentState state in states) Line(text, "document_release", Labels(("document", state.Document)), state.Release.ToString(CultureInfo.InvariantCulture));
        Head(text, "document_state", "gauge", "1 for the state that the document is in.");
        foreach (V1.DocumentState state in states)
            foreach (string name in StateNames) Line(text, "document_state", Labels(("document", state.Document), ("state", name)), state.State == name ? "1" : "0");
        Head(text, "document_applied_timestamp_seconds", "gauge", "When the document was last seen to become applied, since the start; not there before.");
        foreach ((string document, Seen seen) in _seen.Where(s => s.Value.AppliedUnixMs > 0)) Line(text, "document_applied_timestamp_seconds", Labels(("document", document)), Seconds(seen.AppliedUnixMs));
        Head(text, "document_failures_total", "counter", "How often the document became failed or rejected, since the start.");
        foreach ((string document, Seen seen) in _seen) Line(text, "document_failures_total", Labels(("document", document)), seen.Failures.ToString(CultureInfo.InvariantCulture));
        return text.ToString();
    }

    private static void Head(StringBuilder text, string name, string type, string help) =>
        text.Append(CultureInfo.InvariantCulture, $"# HELP conclave_agent_{name} {help}\n# TYPE conclave_agent_{name} {type}\n");

    private static void Line(StringBuilder text, string name, string labels, string value) => text.Append(CultureInfo.InvariantCulture, $"conclave_agent_{name}{labels} {value}\n");

    private string Labels(params ReadOnlySpan<(string Name, string Value)> further)
    {
        var text = new StringBuilder($"{{node=\"{Escaped(options.Node)}\",space=\"{Escaped(options.Space.Length > 0 ? options.Space : "default")}\"");
        foreach ((string name, string value) in further) text.Append(CultureInfo.InvariantCulture, $",{name}=\"{Escaped(value)}\"");
        return text.Append('}').ToString();
    }

    private static string Escaped(string value) => value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private static string Seconds(long unixMs) => (unixMs / 1000.0).ToString("0.000", CultureInfo.InvariantCulture);

    private sealed class Seen
    {
        public string State = "";
        public long Release, AppliedUnixMs, Failures;
    }
}
