using System.Text;
using System.Text.Json.Nodes;
using Conclave.Processes.Servers;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Compatibility.Tests.Support;

/// <summary>One cluster as a script sees it, and what the script has seen so far.</summary>
internal sealed class Target
{
    private Target(ProcessCluster cluster, string prefix, long firstRevision, CancellationToken cancellationToken)
    {
        (Cluster, Prefix, FirstRevision, Cancellation) = (cluster, prefix, firstRevision, cancellationToken);
        Gateway = new Gateway(cluster.Members[0].ClientUrl, Seen, cancellationToken);
    }

    public ProcessCluster Cluster { get; }

    /// <summary>All keys of the script begin with it; never the same as another script's.</summary>
    public string Prefix { get; }

    /// <summary>Revision of the store when the script began; transcripts count from it.</summary>
    public long FirstRevision { get; }

    public CancellationToken Cancellation { get; }

    public Transcript Seen { get; } = new();

    /// <summary>JSON over HTTP/1.1 to the first member.</summary>
    public Gateway Gateway { get; }

    public static async Task<Target> BeginAsync(ProcessCluster cluster, string prefix, CancellationToken cancellationToken)
    {
        var read = await cluster.Clients[0].RangeAsync(new RangeRequest { Key = ByteString.CopyFromUtf8("x") }, TimeSpan.FromSeconds(30), cancellationToken);
        return new Target(cluster, prefix, read.Required.Header.Revision, cancellationToken);
    }

    /// <summary>The key as it goes into JSON.</summary>
    public string Key(string name) => Gateway.Base64(Prefix + name);

    /// <summary>End of the range of all keys that begin with the script's prefix and <paramref name="name"/>.</summary>
    public string End(string name)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(Prefix + name);
        bytes[^1]++;
        return Convert.ToBase64String(bytes);
    }

    /// <summary>JSON over HTTP/1.1 to the member that leads now.</summary>
    public async Task<Gateway> LeaderGatewayAsync() =>
        new(Cluster.Members[await Cluster.WaitForLeaderAsync(TimeSpan.FromSeconds(30), Cancellation)].ClientUrl, Seen, Cancellation);

    /// <summary>The order of a member list is nobody's promise.</summary>
    public static void SortMembersByName(JsonNode answer) =>
        answer["members"] = new JsonArray([.. answer["members"]!.AsArray().Select(member => member!.DeepClone()).OrderBy(member => member["name"]!.GetValue<string>(), StringComparer.Ordinal)]);

    /// <summary>Everything seen, with what differs from run to run taken out.</summary>
    public List<(string Name, JsonNode? Seen)> Normalized()
    {
        var normalizer = new Normalizer(Cluster, FirstRevision);
        return [.. Seen.Lines.Select(line => (line.Name, normalizer.Apply(line.Seen)))];
    }
}
