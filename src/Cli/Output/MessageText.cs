using System.Text.Json;
using System.Text.RegularExpressions;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Cli.Output;

/// <summary>Answers of the configuration service as YAML and as INI: the content of the JSON, in the same order and under the same names.</summary>
internal static partial class MessageText
{
    /// <summary>An answer that is no message of the API: as JSON, YAML or INI.</summary>
    /// <param name="terminal">Where to.</param>
    /// <param name="format">json, yaml or ini.</param>
    /// <param name="members">Writes the members of the object.</param>
    public static void Write(Terminal terminal, string format, Action<Utf8JsonWriter> members)
    {
        if (format == "json")
        {
            Json.WriteLine(terminal, members);
            return;
        }

        using MemoryStream text = new();
        using (Utf8JsonWriter json = new(text, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        using JsonDocument document = JsonDocument.Parse(text.ToArray());
        if (format == "ini")
        {
            Ini(terminal.Out, document.RootElement, "DEFAULT", "");
            return;
        }

        terminal.Out.WriteLine("---");
        Yaml(terminal.Out, document.RootElement, indent: 0);
    }

    /// <summary>One YAML document. Texts are quoted as in JSON, which YAML reads alike, so that none of them turns into something else.</summary>
    public static void WriteYaml(Terminal terminal, IMessage message)
    {
        using JsonDocument json = MessageJson.Document(message);
        terminal.Out.WriteLine("---");
        Yaml(terminal.Out, json.RootElement, indent: 0);
    }

    /// <summary>A node's document as the sections and options that it has; anything else as a section for each object, named by the way to it.</summary>
    public static void WriteIni(Terminal terminal, IMessage message)
    {
        if (message is V1.GetResponse document)
        {
            IEnumerable<(string Section, string Line)> lines = document.Items.Select(i => (i.Key.LastIndexOf('/') is > 0 and int slash)
                ? (i.Key[..slash], Line(i.Key[(slash + 1)..], i.Value)) : ("DEFAULT", Line(i.Key, i.Value)));
            foreach (IGrouping<string, (string Section, string Line)> section in lines.GroupBy(l => l.Section))
            {
                terminal.Out.WriteLine($"[{section.Key}]");
                foreach ((_, string line) in section) terminal.Out.WriteLine(line);
            }

            return;
        }

        using JsonDocument json = MessageJson.Document(message);
        Ini(terminal.Out, json.RootElement, "DEFAULT", "");

        static string Line(string name, string value)
        {
            using JsonDocument json = JsonDocument.Parse(value);
            return $"{name} = {Text(json.RootElement)}";
        }
    }

    private static void Yaml(TextWriter text, JsonElement value, int indent)
    {
        string start = new(' ', indent);
        if (value.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty member in value.EnumerateObject())
                Child($"{start}{(PlainName().IsMatch(member.Name) ? member.Name : JsonSerializer.Serialize(member.Name))}:", member.Value, indent + 2);
        }
        else
        {
            foreach (JsonElement element in value.EnumerateArray()) Child($"{start}-", element, indent + 2);
        }

        void Child(string head, JsonElement child, int below)
        {
            if (child.ValueKind == JsonValueKind.Object && child.EnumerateObject().Any() || child.ValueKind == JsonValueKind.Array && child.GetArrayLength() > 0)
            {
                text.WriteLine(head);
                Yaml(text, child, below);
            }
            else
            {
                text.WriteLine($"{head} {child.GetRawText()}");
            }
        }
    }

    private static void Ini(TextWriter text, JsonElement value, string section, string path)
    {
        (string Name, JsonElement Value)[] members = value.ValueKind == JsonValueKind.Object
            ? [.. value.EnumerateObject().Select(m => (m.Name, m.Value))] : [.. value.EnumerateArray().Select((e, i) => ($"{i}", e))];
        bool IsNested(JsonElement of) => of.ValueKind is JsonValueKind.Object || (of.ValueKind is JsonValueKind.Array && of.EnumerateArray().Any(e => e.ValueKind == JsonValueKind.Object));
        if (members.Any(m => !IsNested(m.Value)))
        {
            text.WriteLine($"[{section}]");
            foreach ((string name, JsonElement scalar) in members.Where(m => !IsNested(m.Value))) text.WriteLine($"{name} = {Text(scalar)}");
        }

        foreach ((string name, JsonElement nested) in members.Where(m => IsNested(m.Value))) Ini(text, nested, path + name, $"{path}{name}.");
    }

    /// <summary>A text as it is where it fits on a line, else as JSON.</summary>
    private static string Text(JsonElement value) => value.ValueKind == JsonValueKind.String && value.GetString() is { } text && !text.Any(char.IsControl) && text.Trim() == text ? text : value.GetRawText();

    [GeneratedRegex("^[A-Za-z_][A-Za-z0-9_]*$")]
    private static partial Regex PlainName();
}
