using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Conclave.Cli.Commands;
using Conclave.Client;

namespace Conclave.Cli.Txn;

/// <summary>Reads a transaction from JSON. Unknown members are errors, so that a misspelt one is not silently left out.</summary>
/// <example><code>
/// { "compare": [ { "target": "mod", "key": "a", "result": "=", "value": 7 } ],
///   "success": [ { "op": "put", "key": "a", "value": "1", "lease": "694d81417acd4759" } ],
///   "failure": [ { "op": "get", "key": "jobs/", "prefix": true, "limit": 10 }, { "op": "del", "key_base64": "/w==" } ] }
/// </code></example>
internal static class TxnJsonParser
{
    /// <exception cref="TxnSyntaxException">The text cannot be read; the path of the fault is in the message.</exception>
    public static TxnScript Parse(ReadOnlyMemory<byte> utf8)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(utf8);
            JsonElement root = document.RootElement;
            Check(root, "the transaction", "compare", "success", "failure");
            return new TxnScript(
                List(root, "compare", Compare), List(root, "success", Step), List(root, "failure", Step));
        }
        catch (JsonException e)
        {
            throw new TxnSyntaxException($"This is not JSON: {e.Message}");
        }
        catch (InvalidOperationException e) when (e.InnerException is DecoderFallbackException || e.Message.Contains("UTF", StringComparison.Ordinal))
        {
            throw new TxnSyntaxException($"A string is not text: {e.Message} Give other bytes as key_base64 or value_base64.");
        }
    }

    private static ImmutableArray<T> List<T>(JsonElement root, string name, Func<JsonElement, string, T> read)
    {
        if (!root.TryGetProperty(name, out JsonElement list)) return [];
        if (list.ValueKind != JsonValueKind.Array) throw new TxnSyntaxException($"{name} must be a list.");
        return [.. list.EnumerateArray().Select((element, index) => read(element, string.Create(CultureInfo.InvariantCulture, $"{name}[{index}]")))];
    }

    private static TxnCompare Compare(JsonElement compare, string where)
    {
        Check(compare, where, "target", "key", "key_base64", "result", "value", "value_base64");
        TxnTarget target = TxnCompare.ParseTarget(Text(compare, "target", where))
            ?? throw new TxnSyntaxException($"{where}.target must be version, create, mod, value or lease.");
        Relation relation = TxnCompare.ParseRelation(Text(compare, "result", where))
            ?? throw new TxnSyntaxException($"{where}.result must be =, !=, < or >.");
        Bytes key = Key(compare, where);
        return target switch
        {
            TxnTarget.Value => new TxnCompare(target, key, relation, 0, Bytes(compare, "value", where)),
            TxnTarget.Lease => new TxnCompare(target, key, relation, Lease(compare, "value", where), default),
            _ when Number(compare, "value", where) is { } number => new TxnCompare(target, key, relation, number, default),
            _ => throw new TxnSyntaxException($"{where}.value is missing."),
        };
    }

    private static TxnStep Step(JsonElement step, string where)
    {
        string op = step.ValueKind == JsonValueKind.Object ? Text(step, "op", where) : "";
        switch (op)
        {
            case "put":
                Check(step, where, "op", "key", "key_base64", "value", "value_base64", "lease", "prev_kv", "ignore_value", "ignore_lease");
                bool keepValue = Flag(step, "ignore_value", where);
                return new PutStep(Key(step, where), keepValue ? default : Bytes(step, "value", where), new PutOptions
                {
                    LeaseId = step.TryGetProperty("lease", out _) ? Lease(step, "lease", where) : 0,
                    ReturnPrevious = Flag(step, "prev_kv", where),
                    KeepValue = keepValue,
                    KeepLease = Flag(step, "ignore_lease", where),
                });
            case "get":
                Check(step, where, "op", "key", "key_base64", "range_end", "range_end_base64", "prefix", "from_key", "limit", "rev", "keys_only",
                    "count_only");
                return new GetStep(Range(step, where), new ReadOptions
                {
                    Limit = Number(step, "limit", where) ?? 0,
                    Revision = Number(step, "rev", where) ?? 0,
                    KeysOnly = Flag(step, "keys_only", where),
                    CountOnly = Flag(step, "count_only", where),
                });
            case "del":
                Check(step, where, "op", "key", "key_base64", "range_end", "range_end_base64", "prefix", "from_key", "prev_kv");
                return new DelStep(Range(step, where), new DeleteOptions { ReturnPrevious = Flag(step, "prev_kv", where) });
            default:
                throw new TxnSyntaxException($"{where}.op must be get, put or del.");
        }
    }

    private static KeyRange Range(JsonElement step, string where)
    {
        bool hasEnd = step.TryGetProperty("range_end", out _) || step.TryGetProperty("range_end_base64", out _);
        return (Flag(step, "prefix", where), Flag(step, "from_key", where), hasEnd) switch
        {
            (true, false, false) => KeyRange.Prefix(Bytes(step, "key", where)),
            (false, true, false) => KeyRange.From(Bytes(step, "key", where)),
            (false, false, true) => KeyRange.Between(Bytes(step, "key", where), Bytes(step, "range_end", where)),
            (false, false, false) => KeyRange.Single(Key(step, where)),
            _ => throw new TxnSyntaxException($"{where}: prefix, from_key and range_end exclude each other."),
        };
    }

    private static Bytes Key(JsonElement element, string where)
    {
        Bytes key = Bytes(element, "key", where);
        return key.IsEmpty ? throw new TxnSyntaxException($"{where}.key is empty.") : key;
    }

    private static Bytes Bytes(JsonElement element, string name, string where)
    {
        bool hasText = element.TryGetProperty(name, out JsonElement text), hasBytes = element.TryGetProperty(name + "_base64", out JsonElement encoded);
        if (hasText && hasBytes) throw new TxnSyntaxException($"{where} has both {name} and {name}_base64.");
        if (hasText && text.ValueKind == JsonValueKind.String) return text.GetString() ?? "";
        if (hasBytes && encoded.ValueKind == JsonValueKind.String && encoded.TryGetBytesFromBase64(out byte[]? bytes)) return bytes;
        throw new TxnSyntaxException(hasBytes ? $"{where}.{name}_base64 must be base64." : $"{where}.{name} must be a string.");
    }

    private static string Text(JsonElement element, string name, string where) =>
        element.TryGetProperty(name, out JsonElement text) && text.ValueKind == JsonValueKind.String
            ? text.GetString() ?? ""
            : throw new TxnSyntaxException($"{where}.{name} must be a string.");

    private static long? Number(JsonElement element, string name, string where)
    {
        if (!element.TryGetProperty(name, out JsonElement value)) return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number)) return number;
        throw new TxnSyntaxException($"{where}.{name} must be a whole number.");
    }

    private static long Lease(JsonElement element, string name, string where) =>
        LeaseId.TryParse(Text(element, name, where), out long id) ? id : throw new TxnSyntaxException($"{where}.{name} must be a lease id in hexadecimal.");

    private static bool Flag(JsonElement element, string name, string where)
    {
        if (!element.TryGetProperty(name, out JsonElement value)) return false;
        return value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw new TxnSyntaxException($"{where}.{name} must be true or false."),
        };
    }

    private static void Check(JsonElement element, string where, params ReadOnlySpan<string> known)
    {
        if (element.ValueKind != JsonValueKind.Object) throw new TxnSyntaxException($"{where} must be an object.");
        foreach (JsonProperty member in element.EnumerateObject())
        {
            if (!known.Contains(member.Name))
                throw new TxnSyntaxException($"{where} has no member \"{member.Name}\"; it takes {string.Join(", ", known.ToArray())}.");
        }
    }
}
