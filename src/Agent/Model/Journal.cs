using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace Conclave.Agent;

/// <summary>What has to be gone on with after a crash.</summary>
public enum JournalStep
{
    /// <summary>The files are those of the good version.</summary>
    Idle,

    /// <summary>The files are becoming, or are, those of the next version; the action and the look after it are not known to have ended well.</summary>
    Commit,

    /// <summary>The files are becoming, or are, those of the good version again.</summary>
    Restore,
}

/// <summary>What a change needs, from least to most.</summary>
public enum ActionKind
{
    None,
    Live,
    Restart,
}

/// <summary>The record of a group in the state directory, written before each step that changes something. No values are in it.</summary>
public sealed record Journal
{
    public static readonly Journal Empty = new();

    public JournalStep Step { get; init; }

    /// <summary>What the step needs done once the files are there.</summary>
    public ActionKind Action { get; init; }

    /// <summary>The version that <see cref="JournalStep.Commit"/> is about, or whose failure is being restored from.</summary>
    public string Target { get; init; } = "";

    /// <summary>The version that failed or was rejected; it is not tried again.</summary>
    public string Refused { get; init; } = "";

    /// <summary>The state of what was refused: failed or rejected.</summary>
    public string RefusedState { get; init; } = "";

    /// <summary>Why, with secrets taken out.</summary>
    public string RefusedMessage { get; init; } = "";

    /// <summary>Document, release and hash of what was refused, as they are acknowledged.</summary>
    public ImmutableArray<DocumentRef> RefusedDocuments { get; init => field = value.IsDefault ? [] : value; } = [];

    /// <summary>The program still runs with what was before: nobody but the operator restarts it.</summary>
    public bool IsRestartPending { get; init; }

    public byte[] ToBytes()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("step", Step.ToString());
            json.WriteString("action", Action.ToString());
            json.WriteString("target", Target);
            json.WriteString("refused", Refused);
            json.WriteString("refused_state", RefusedState);
            json.WriteString("refused_message", RefusedMessage);
            json.WriteStartArray("refused_documents");
            foreach (DocumentRef document in RefusedDocuments)
            {
                json.WriteStartObject();
                json.WriteString("document", document.Name);
                json.WriteNumber("release", document.Release);
                json.WriteString("hash", document.Hash);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteBoolean("restart_pending", IsRestartPending);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    /// <returns>Null when it is damaged.</returns>
    public static Journal? FromBytes(byte[] bytes)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(bytes);
            JsonElement root = json.RootElement;
            return new Journal
            {
                Step = Enum.Parse<JournalStep>(root.GetProperty("step").GetString() ?? ""),
                Action = Enum.Parse<ActionKind>(root.GetProperty("action").GetString() ?? ""),
                Target = root.GetProperty("target").GetString() ?? "",
                Refused = root.GetProperty("refused").GetString() ?? "",
                RefusedState = root.GetProperty("refused_state").GetString() ?? "",
                RefusedMessage = root.GetProperty("refused_message").GetString() ?? "",
                RefusedDocuments = [.. root.GetProperty("refused_documents").EnumerateArray().Select(d =>
                    new DocumentRef(d.GetProperty("document").GetString() ?? "", d.GetProperty("release").GetInt64(), d.GetProperty("hash").GetString() ?? ""))],
                IsRestartPending = root.GetProperty("restart_pending").GetBoolean(),
            };
        }
        catch (Exception damaged) when (damaged is JsonException or KeyNotFoundException or InvalidOperationException or ArgumentException or FormatException)
        {
            return null;
        }
    }

    public override string ToString() => Encoding.UTF8.GetString(ToBytes());
}

/// <summary>Which version of a document.</summary>
/// <param name="Name">The document.</param>
/// <param name="Release">Newest release in it.</param>
/// <param name="Hash">In hexadecimal.</param>
public sealed record DocumentRef(string Name, long Release, string Hash)
{
    public static DocumentRef Of(AgentDocument document) => new(document.Name, document.Release, Convert.ToHexStringLower(document.Hash.Span));
}
