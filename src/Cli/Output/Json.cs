using System.Text.Encodings.Web;
using System.Text.Json;
using Conclave.Client;

namespace Conclave.Cli.Output;

/// <summary>The JSON shapes of all commands. Field names and kinds are a contract with scripts: add, never change.</summary>
/// <remarks>
/// Keys and values are strings where they are UTF-8, and otherwise base64 under the name with <c>_base64</c> added. Ids of
/// members, clusters and leases are strings in hexadecimal; revisions, terms and counts are numbers.
/// </remarks>
internal static class Json
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes one object on one line.</summary>
    public static void WriteLine(Terminal terminal, Action<Utf8JsonWriter> members)
    {
        using MemoryStream line = new();
        using (Utf8JsonWriter writer = new(line, Options))
        {
            writer.WriteStartObject();
            members(writer);
            writer.WriteEndObject();
        }

        line.WriteByte((byte)'\n');
        terminal.WriteBytes(line.GetBuffer().AsSpan(0, (int)line.Length));
    }

    public static void Header(Utf8JsonWriter json, ResponseHeader header)
    {
        json.WriteStartObject("header");
        json.WriteString("cluster_id", Display.Id(header.ClusterId));
        json.WriteString("member_id", Display.Id(header.MemberId));
        json.WriteNumber("revision", header.Revision);
        json.WriteNumber("raft_term", header.RaftTerm);
        json.WriteEndObject();
    }

    public static void Text(Utf8JsonWriter json, string name, Bytes bytes)
    {
        if (bytes.TryGetText(out string text)) json.WriteString(name, text);
        else json.WriteBase64String(name + "_base64", bytes.Span);
    }

    /// <summary>A list of texts under a name.</summary>
    public static void Strings(Utf8JsonWriter json, string name, IEnumerable<string> items)
    {
        json.WriteStartArray(name);
        foreach (string item in items) json.WriteStringValue(item);
        json.WriteEndArray();
    }

    /// <summary>A list of keys under a name.</summary>
    public static void KeyValues(Utf8JsonWriter json, string name, IEnumerable<KeyValue> items, bool withValues = true)
    {
        json.WriteStartArray(name);
        foreach (KeyValue item in items) KeyValue(json, null, item, withValues);
        json.WriteEndArray();
    }

    /// <summary>One key, as a member with a name or as an element of a list.</summary>
    public static void KeyValue(Utf8JsonWriter json, string? name, KeyValue item, bool withValue = true)
    {
        if (name is null) json.WriteStartObject();
        else json.WriteStartObject(name);
        Text(json, "key", item.Key);
        if (withValue) Text(json, "value", item.Value);
        json.WriteNumber("create_revision", item.CreateRevision);
        json.WriteNumber("mod_revision", item.ModRevision);
        json.WriteNumber("version", item.Version);
        if (item.LeaseId != 0) json.WriteString("lease", Display.Lease(item.LeaseId));
        json.WriteEndObject();
    }

    /// <summary>The members of the object for one operation's result, without its header.</summary>
    public static void Result(Utf8JsonWriter json, OperationResult result, bool keysOnly = false)
    {
        switch (result)
        {
            case RangeResult range:
                json.WriteNumber("count", range.Count);
                json.WriteBoolean("more", range.More);
                KeyValues(json, "kvs", range.Items, withValues: !keysOnly);
                break;
            case PutResult put:
                if (put.Previous is { } previous) KeyValue(json, "prev_kv", previous);
                break;
            case DeleteResult delete:
                json.WriteNumber("deleted", delete.Deleted);
                if (!delete.Previous.IsEmpty) KeyValues(json, "prev_kvs", delete.Previous);
                break;
            case TxnResult txn:
                json.WriteBoolean("succeeded", txn.Succeeded);
                json.WriteStartArray("responses");
                foreach (OperationResult inner in txn.Results)
                {
                    json.WriteStartObject();
                    json.WriteString("op", inner switch { RangeResult => "get", PutResult => "put", DeleteResult => "del", _ => "txn" });
                    Result(json, inner);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                break;
        }
    }
}
