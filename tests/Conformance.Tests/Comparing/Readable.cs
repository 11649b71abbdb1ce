using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Conclave.Processes.Servers;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf.Reflection;

namespace Conclave.Conformance.Tests.Comparing;

/// <summary>Takes out of an answer what rightly differs from run to run, and shows bytes as text. Nothing else is changed: a number where a string belongs stays visible.</summary>
/// <param name="first">Revision that becomes r+0.</param>
/// <param name="prefix">Of the case's keys; becomes '~'.</param>
/// <param name="members">Their addresses become names.</param>
internal sealed partial class Readable(long first, string prefix, IReadOnlyList<ServerProcess> members)
{
    /// <summary>Ids that servers choose are above those that cases choose.</summary>
    private const long ChosenIdsBelow = 1L << 32;

    /// <summary>How many seconds a lease may have aged since it was granted.</summary>
    private const long AgeSecondsMax = 5;

    /// <summary>An answer whose type is known.</summary>
    public JsonNode? Message(JsonNode? node, MessageDescriptor type)
    {
        if (node is not JsonObject members)
            return Plain(node);
        if (type == ResponseHeader.Descriptor)
            return Header(members);
        var shown = new JsonObject();
        foreach ((string name, JsonNode? value) in members)
            shown[name] = type.FindFieldByName(name) is { } field ? Field(field, value) : new JsonObject { ["unknown field"] = Plain(value) };
        if (type == LeaseTimeToLiveResponse.Descriptor && Number(members["TTL"]) is >= 0 and var left && Number(members["grantedTTL"]) - left is >= 0 and <= AgeSecondsMax)
            shown["TTL"] = "nearly all";
        return shown;
    }

    /// <summary>JSON of no known type.</summary>
    public JsonNode? Plain(JsonNode? node) => node switch
    {
        JsonObject members => new JsonObject(members.Select(member => KeyValuePair.Create(member.Key, Plain(member.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Plain)]),
        JsonValue value when value.GetValueKind() == JsonValueKind.String => Text(value.GetValue<string>()),
        _ => node?.DeepClone(),
    };

    public string Text(string text)
    {
        foreach (ServerProcess member in members)
            text = text.Replace($"127.0.0.1:{member.ClientPort}", $"<{member.Name} client>", StringComparison.Ordinal).Replace($"127.0.0.1:{member.PeerPort}", $"<{member.Name} peer>", StringComparison.Ordinal);
        return IdInWords().Replace(ChosenIdInKey().Replace(text.Replace(prefix, "~", StringComparison.Ordinal), "/<id>"), "<id>");
    }

    private JsonNode? Field(FieldDescriptor field, JsonNode? value)
    {
        if (field.IsRepeated && value is JsonArray items)
        {
            IEnumerable<JsonNode?> shown = items.Select(item => Single(field, item));
            return new JsonArray([.. field.FieldType == FieldType.Message && field.MessageType == Member.Descriptor ? shown.OrderBy(MemberOrder, StringComparer.Ordinal) : shown]);
        }
        return Single(field, value);
    }

    /// <summary>The order of a member list is nobody's promise.</summary>
    private static string MemberOrder(JsonNode? member) => $"{member?["name"]} {member?["peerURLs"]?.ToJsonString()}";

    private JsonNode? Single(FieldDescriptor field, JsonNode? value) => field.FieldType switch
    {
        FieldType.Message => Message(value, field.MessageType),
        FieldType.Bytes => Bytes(field.Name, value),
        FieldType.Int64 or FieldType.UInt64 or FieldType.UInt32 => Known(field.Name, value),
        FieldType.String when field.Name == "token" => Plain(value) is JsonValue { } token && token.GetValueKind() == JsonValueKind.String ? "<token>" : Plain(value),
        FieldType.String when field.Name == "version" && value is not null && VersionText().IsMatch(value.ToString()) => "<version>",
        _ => Plain(value),
    };

    /// <summary>cluster_id, member_id and raft_term have to be there; then the header is told by its revision.</summary>
    private JsonNode Header(JsonObject header)
    {
        var shown = new JsonObject(header.Select(member => KeyValuePair.Create(member.Key, Known(member.Key, member.Value))));
        if (shown["cluster_id"]?.ToString() != "<id>" || shown["member_id"]?.ToString() != "<id>" || shown["raft_term"]?.ToString() != "<n>")
            return shown;
        foreach (string name in (string[])["cluster_id", "member_id", "raft_term"])
            shown.Remove(name);
        return shown.Count == 0 ? "no revision" : shown.Count == 1 && shown["revision"] is { } revision ? revision.DeepClone() : shown;
    }

    private JsonNode? Known(string name, JsonNode? value)
    {
        if (Number(value) is not { } number || number == 0)
            return Plain(value);
        string bare = value!.GetValueKind() == JsonValueKind.Number && name != "hash" ? " (bare number)" : "";   // not null: it is a number
        return name switch
        {
            "revision" or "mod_revision" or "create_revision" or "compact_revision" or "hash_revision" or "rev" => string.Create(CultureInfo.InvariantCulture, $"r{number - first:+0;-0;+0}{bare}"),
            "cluster_id" or "member_id" or "leader" or "memberID" => "<id>" + bare,
            "ID" or "lease" when number is >= ChosenIdsBelow or <= -ChosenIdsBelow => "<id>" + bare,
            "raft_term" or "raftTerm" or "raftIndex" or "raftAppliedIndex" or "dbSize" or "dbSizeInUse" or "dbSizeQuota" or "hash" or "remaining_bytes" => "<n>" + bare,
            _ => Plain(value),
        };
    }

    private JsonNode? Bytes(string name, JsonNode? value)
    {
        if (value is not JsonValue leaf || leaf.GetValueKind() != JsonValueKind.String)
            return Plain(value);
        byte[] bytes;
        try
        {
            bytes = Convert.FromBase64String(leaf.GetValue<string>());
        }
        catch (FormatException)
        {
            return new JsonObject { ["not base64"] = value.DeepClone() };
        }
        if (name == "blob")
            return "<bytes>";
        var text = new StringBuilder();
        foreach (byte one in bytes.AsSpan(0, Math.Min(bytes.Length, 200)))
            text.Append(one is >= 0x20 and < 0x7f ? ((char)one).ToString() : $"\\x{one:x2}");
        return Text(bytes.Length > 200 ? $"{text}... {bytes.Length} bytes" : text.ToString());
    }

    /// <summary>Ids of 64 bits are exact; those above the signed range come out negative, which no rule here minds.</summary>
    private static long? Number(JsonNode? value)
    {
        if (value is not JsonValue leaf || leaf.GetValueKind() is not (JsonValueKind.String or JsonValueKind.Number))
            return null;
        string text = leaf.GetValueKind() == JsonValueKind.Number ? leaf.ToJsonString() : leaf.GetValue<string>();
        return long.TryParse(text, CultureInfo.InvariantCulture, out long number) ? number
            : ulong.TryParse(text, CultureInfo.InvariantCulture, out ulong unsigned) ? unchecked((long)unsigned) : null;
    }

    [GeneratedRegex(@"^\d+\.\d+\.\d+$")]
    private static partial Regex VersionText();

    /// <summary>As in the errors of a status.</summary>
    [GeneratedRegex("(?<=memberID:)[0-9]{10,20}")]
    private static partial Regex IdInWords();

    /// <summary>Keys of locks and elections end in the id of their lease, and the server chose it when it has more digits than a case's.</summary>
    [GeneratedRegex("/[0-9a-f]{9,16}$")]
    private static partial Regex ChosenIdInKey();
}
