using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Conclave.Compatibility.Tests.Support;
using Conclave.Processes.Servers;

namespace Conclave.Compatibility.Tests;

/// <summary>Where Conclave behaves as etcd 3.6 and the packaged 3.4 cannot be the yardstick: the contract's words are.</summary>
public sealed class Version36Tests(Clusters clusters)
{
    private const long LargestExactInJavaScript = 1L << 53;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_hash_of_a_revision_has_its_own_path_and_is_equal_on_all_members()
    {
        Target t = await BeginAsync("hash/");
        await t.Gateway.PostAsync("put", "/v3/kv/put", $$"""{"key":"{{t.Key("k")}}","value":"MQ=="}""");
        HashSet<uint> hashes = [];
        foreach (ServerProcess member in t.Cluster.Members)
        {
            var gateway = new Gateway(member.ClientUrl, t.Seen, Cancellation);
            await gateway.PostAsync($"catch up {member.Name}", "/v3/kv/range", $$"""{"key":"{{t.Key("k")}}"}""");
            JsonNode answer = (await gateway.PostAsync($"hash {member.Name}", "/v3/maintenance/hashkv", $$"""{"revision":{{t.FirstRevision + 1}}}"""))!;
            Assert.Equal(t.FirstRevision + 1, long.Parse(answer["hash_revision"]!.GetValue<string>(), CultureInfo.InvariantCulture));
            Assert.Equal(JsonValueKind.Number, answer["hash"]!.GetValueKind());
            hashes.Add(answer["hash"]!.GetValue<uint>());
        }
        Assert.Single(hashes);
    }

    [Fact]
    public async Task Base64_is_read_in_both_alphabets_and_without_padding()
    {
        Target t = await BeginAsync("base64/");
        byte[] key = [.. "base64/"u8, 0xfb, 0xff, 0xfe];
        string standard = Convert.ToBase64String(key), url = standard.Replace('+', '-').Replace('/', '_').TrimEnd('=');
        Assert.NotEqual(standard, url);
        await t.Gateway.PostAsync("put", "/v3/kv/put", $$"""{"key":"{{url}}","value":"MQ"}""");
        JsonNode read = (await t.Gateway.PostAsync("get", "/v3/kv/range", $$"""{"key":"{{standard}}"}"""))!;
        Assert.Equal(standard, read["kvs"]![0]!["key"]!.GetValue<string>());
        Assert.Equal("MQ==", read["kvs"]![0]!["value"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_watch_from_a_negative_revision_is_refused()
    {
        Target t = await BeginAsync("negative/");
        await t.Gateway.StreamAsync("watch", "/v3/watch", $$$"""{"create_request":{"key":"{{{t.Key("k")}}}","start_revision":-1}}""", 1);
        JsonNode result = t.Seen.Lines[^1].Seen!["messages"]![0]!["result"]!;
        Assert.True(result["created"]!.GetValue<bool>());
        Assert.True(result["canceled"]!.GetValue<bool>());
        Assert.Equal("-1", result["watch_id"]!.GetValue<string>());
        Assert.Equal("etcdserver: mvcc: required revision has been compacted", result["cancel_reason"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_large_message_is_sent_in_fragments_only_when_asked_for()
    {
        Target t = await BeginAsync("fragments/");
        string value = Convert.ToBase64String(new byte[1_000_000]);
        for (int i = 0; i < 4; i++)
            await t.Gateway.PostAsync($"put {i}", "/v3/kv/put", $$"""{"key":"{{t.Key($"{i}")}}","value":"{{value}}"}""");
        // One revision with four deletions and what was there before: no smaller unit than that may be cut without asking.
        string all = $$""" "key":"{{t.Key("")}}","range_end":"{{t.End("")}}" """;
        await t.Gateway.PostAsync("delete", "/v3/kv/deleterange", $"{{{all}}}");
        string create = $$"""{{all}},"start_revision":{{t.FirstRevision + 5}},"prev_kv":true""";

        await t.Gateway.StreamAsync("whole", "/v3/watch", $$$"""{"create_request":{{{{create}}}}}""", 2);
        JsonNode whole = t.Seen.Lines[^1].Seen!["messages"]![1]!["result"]!;
        Assert.Null(whole["fragment"]);
        Assert.Equal(4, whole["events"]!.AsArray().Count);

        await t.Gateway.StreamAsync("in fragments", "/v3/watch", $$$"""{"create_request":{{{{create}}},"fragment":true}}""", 3);
        JsonNode[] parts = [.. t.Seen.Lines[^1].Seen!["messages"]!.AsArray().Skip(1).Select(message => message!["result"]!)];
        Assert.True(parts[0]["fragment"]?.GetValue<bool>(), "The first part does not say that more follows.");
        Assert.NotNull(parts[1]["events"]);
    }

    [Fact]
    public async Task Lease_ids_that_the_server_chooses_are_exact_in_any_JSON_reader()
    {
        Target t = await BeginAsync("lease-ids/");
        for (int i = 0; i < 20; i++)
        {
            string id = (await t.Gateway.PostAsync($"grant {i}", "/v3/lease/grant", """{"TTL":60}"""))!["ID"]!.GetValue<string>();
            await t.Gateway.PostAsync($"revoke {i}", "/v3/lease/revoke", $$"""{"ID":"{{id}}"}""");
            Assert.InRange(long.Parse(id, CultureInfo.InvariantCulture), 1, LargestExactInJavaScript - 1);
        }
    }

    [Fact]
    public async Task Status_and_version_are_those_of_3_6_and_plain_numbers()
    {
        Target t = await BeginAsync("status/");
        JsonNode status = (await t.Gateway.PostAsync("status", "/v3/maintenance/status", "{}"))!;
        Assert.Matches(@"^3\.6\.\d+$", status["version"]!.GetValue<string>());
        Assert.Matches(@"^3\.6\.\d+$", status["storageVersion"]!.GetValue<string>());
        JsonNode version = (await t.Gateway.SendAsync("version", HttpMethod.Get, "/version", null, null))!;
        Assert.Equal(status["version"]!.GetValue<string>(), version["etcdserver"]!.GetValue<string>());
        Assert.Equal("3.6.0", version["etcdcluster"]!.GetValue<string>());
        Assert.NotNull((await t.Gateway.PostAsync("alarms", "/v3/maintenance/alarm", "{}"))!["header"]);
    }

    [Theory]
    [InlineData("/livez")]
    [InlineData("/readyz")]
    public async Task Probes_say_ok(string path)
    {
        Target t = await BeginAsync("probes/");
        using var http = new HttpClient { BaseAddress = t.Cluster.Members[1].ClientUrl };
        Assert.Equal("ok\n", await http.GetStringAsync(path, Cancellation));
        Assert.Contains("[+]", await http.GetStringAsync(path + "?verbose", Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metrics_that_alerts_read_are_there()
    {
        Target t = await BeginAsync("metrics/");
        using var http = new HttpClient { BaseAddress = t.Cluster.Members[0].ClientUrl };
        string[] lines = (await http.GetStringAsync("/metrics", Cancellation)).Split('\n');
        Assert.Contains("etcd_server_has_leader 1", lines);
        foreach (string name in (string[])["etcd_server_is_leader", "etcd_server_leader_changes_seen_total", "etcd_server_proposals_failed_total", "etcd_mvcc_db_total_size_in_bytes",
            "etcd_disk_wal_fsync_duration_seconds_bucket", "grpc_server_handled_total", "process_resident_memory_bytes"])
        {
            Assert.True(lines.Any(line => line.StartsWith(name, StringComparison.Ordinal)), $"/metrics has no {name}.");
        }
    }

    [Fact]
    public async Task Gateway_answers_carry_the_headers_that_browsers_and_proxies_look_for()
    {
        Target t = await BeginAsync("headers/");
        using var http = new HttpClient { BaseAddress = t.Cluster.Members[0].ClientUrl };
        using HttpResponseMessage answer = await http.PostAsync("/v3/kv/range", new StringContent("""{"key":"YQ=="}"""), Cancellation);
        Assert.Equal("application/json", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal("application/grpc", Assert.Single(answer.Headers.GetValues("Grpc-Metadata-Content-Type")));
        Assert.Equal("*", Assert.Single(answer.Headers.GetValues("Access-Control-Allow-Origin")));
    }

    private async Task<Target> BeginAsync(string prefix)
    {
        Assert.SkipWhen(Clusters.SubjectKind == ServerKind.Etcd, "The packaged etcd is older.");
        return await Target.BeginAsync(await clusters.SubjectAsync(), prefix, Cancellation);
    }
}
