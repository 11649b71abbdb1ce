using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Conclave.Processes.Servers;

namespace Conclave.Compatibility.Tests.Support;

/// <summary>Takes out of an answer what rightly differs from run to run: ids, addresses, sizes, and the revision at which the script began.</summary>
internal sealed partial class Normalizer(ProcessCluster cluster, long firstRevision)
{
    /// <summary>Ids that servers choose are far above those that scripts choose.</summary>
    private const long ChosenIdsBelow = 1L << 32;

    public JsonNode? Apply(JsonNode? node) => node switch
    {
        JsonObject members => new JsonObject(members.Select(member => KeyValuePair.Create(member.Key, Member(member.Key, member.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Apply)]),
        JsonValue value when value.GetValueKind() == JsonValueKind.String => JsonValue.Create(Text(value.GetValue<string>())),
        _ => node?.DeepClone(),
    };

    private JsonNode? Member(string name, JsonNode? value)
    {
        if (value is not JsonValue leaf || leaf.GetValueKind() is not (JsonValueKind.String or JsonValueKind.Number))
            return Apply(value);
        // A number in quotes and a bare one are different answers, so the kind stays visible.
        string kind = leaf.GetValueKind() == JsonValueKind.Number ? " number" : "";
        string text = leaf.GetValueKind() == JsonValueKind.Number ? leaf.ToJsonString() : leaf.GetValue<string>();
        bool isNumber = decimal.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out decimal number) && number != 0;
        return name switch
        {
            "revision" or "mod_revision" or "create_revision" or "compact_revision" or "hash_revision" or "rev" when isNumber =>
                string.Create(CultureInfo.InvariantCulture, $"r{(long)number - firstRevision:+0;-0;+0}{kind}"),
            "cluster_id" or "member_id" or "leader" or "memberID" or "ID" or "lease" or "id" when isNumber && Math.Abs(number) >= ChosenIdsBelow => $"<id>{kind}",
            "raft_term" or "raftTerm" or "raftIndex" or "raftAppliedIndex" or "dbSize" or "dbSizeInUse" or "hash" or "totalSize" or "totalKey" when isNumber => $"<n>{kind}",
            "version" or "etcdserver" or "etcdcluster" when VersionText().IsMatch(text) => "<version>",
            _ => Apply(value),
        };
    }

    private string Text(string text)
    {
        foreach (ServerProcess member in cluster.Members)
            text = text.Replace($"127.0.0.1:{member.ClientPort}", $"<{member.Name} client>", StringComparison.Ordinal)
                .Replace($"127.0.0.1:{member.PeerPort}", $"<{member.Name} peer>", StringComparison.Ordinal);
        text = CompactedText().Replace(text, match => $"compacted revision r{long.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) - firstRevision:+0;-0;+0}");
        return PaddedId().Replace(HexId().Replace(text, "<id>"), " <id>");
    }

    [GeneratedRegex(@"^\d+\.\d+\.\d+$")]
    private static partial Regex VersionText();

    /// <summary>What etcdctl says after a compaction.</summary>
    [GeneratedRegex(@"compacted revision (\d+)")]
    private static partial Regex CompactedText();

    /// <summary>Ids as etcdctl prints them.</summary>
    [GeneratedRegex(@"\b(?=[0-9a-f]*[0-9])[0-9a-f]{12,16}\b")]
    private static partial Regex HexId();

    /// <summary>etcdctl fills an id of fewer than 16 digits up with spaces.</summary>
    [GeneratedRegex(" +<id>")]
    private static partial Regex PaddedId();
}
