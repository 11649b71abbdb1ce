using System.Collections.Immutable;
using System.Text;
using Conclave.Store;
using Conclave.Wire.Etcd.Mvccpb;

namespace Conclave.Layers.Serving.Live;

/// <summary>Who is alive: ordinary keys <c>conclave-live/SPACE/SERVICE/INSTANCE</c> that end with their leases. Any client of etcd can write them.</summary>
public static class LiveKeys
{
    public const string Root = "conclave-live/";

    /// <summary>Of one service; of those beyond, in order of instances, nothing is known.</summary>
    public const int InstancesMax = 1000;

    /// <summary>Services of one space.</summary>
    public const int ServicesMax = 1000;

    public const int AddressBytesMax = 1024;

    public static string Of(string space, string service, string instance) => $"{Root}{space}/{service}/{instance}";

    /// <summary>Addresses by service, for each space that has any.</summary>
    public static ImmutableDictionary<string, ImmutableSortedDictionary<string, ImmutableArray<string>>> Read(StoreView view)
    {
        var spaces = new Dictionary<string, SortedDictionary<string, SortedDictionary<string, string>>>(StringComparer.Ordinal);
        foreach (KeyValue kv in StoreReads.All(view, Root))
        {
            if (AddressOf(kv.Value.Span) is not { } address || kv.Key.ToStringUtf8()[Root.Length..].Split('/', 3) is not [{ Length: > 0 } space, { Length: > 0 } service, { Length: > 0 } instance]) continue;
            if (!spaces.TryGetValue(space, out SortedDictionary<string, SortedDictionary<string, string>>? services)) spaces[space] = services = new(StringComparer.Ordinal);
            if (!services.TryGetValue(service, out SortedDictionary<string, string>? instances))
            {
                if (services.Count == ServicesMax) continue;
                services[service] = instances = new(StringComparer.Ordinal);
            }

            if (instances.Count < InstancesMax) instances[instance] = address;
        }

        return spaces.ToImmutableDictionary(s => s.Key, s => s.Value.ToImmutableSortedDictionary(v => v.Key,
            v => v.Value.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToImmutableArray(), StringComparer.Ordinal), StringComparer.Ordinal);
    }

    /// <summary>The text itself, or member <c>address</c> of a JSON object.</summary>
    /// <returns>Null for what is no address: empty, longer than <see cref="AddressBytesMax"/>, or with control characters. Anybody may write these keys.</returns>
    public static string? AddressOf(ReadOnlySpan<byte> value)
    {
        string text = value.TrimStart((byte)' ') is [(byte)'{', ..]
            ? ValueJson.TryParse(value, out Value? json, out _) && json.Kind == ValueKind.Map && json.TryGetMember("address", out Value? address) && address.Kind == ValueKind.String ? address.AsString : ""
            : Encoding.UTF8.GetString(value).Trim();
        return text.Length > 0 && Encoding.UTF8.GetByteCount(text) <= AddressBytesMax && !text.Any(c => char.IsControl(c) || c == '\ufffd') ? text : null;
    }

    /// <summary>Equal in services and addresses.</summary>
    public static bool Same(ImmutableSortedDictionary<string, ImmutableArray<string>> a, ImmutableSortedDictionary<string, ImmutableArray<string>> b) =>
        a.Count == b.Count && a.All(s => b.TryGetValue(s.Key, out ImmutableArray<string> other) && s.Value.AsSpan().SequenceEqual(other.AsSpan()));
}
