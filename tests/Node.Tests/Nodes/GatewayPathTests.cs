using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Conclave.Node.Tests.Nodes;

/// <summary>Every path of the contract but those of users and roles, under every prefix that clients use.</summary>
public sealed class GatewayPathTests
{
    // A path and a body that is answered at once.
    private static readonly (string Path, string Body)[] Paths =
    [
        ("kv/range", """{"key":"YQ=="}"""), ("kv/put", """{"key":"YQ=="}"""), ("kv/deleterange", """{"key":"YQ=="}"""), ("kv/txn", "{}"), ("kv/compaction", """{"revision":"1000"}"""),
        ("watch", """{"create_request":{"key":"YQ=="}}"""), ("lease/grant", """{"TTL":60}"""), ("lease/revoke", """{"ID":"1"}"""), ("kv/lease/revoke", """{"ID":"1"}"""),
        ("lease/keepalive", """{"ID":"1"}"""), ("lease/timetolive", """{"ID":"1"}"""), ("kv/lease/timetolive", """{"ID":"1"}"""), ("lease/leases", "{}"), ("kv/lease/leases", ""),
        ("cluster/member/add", """{"peerURLs":["nonsense"]}"""), ("cluster/member/remove", """{"ID":"1"}"""), ("cluster/member/update", """{"ID":"1","peerURLs":["http://127.0.0.1:1"]}"""),
        ("cluster/member/list", "{}"), ("cluster/member/promote", """{"ID":"1"}"""), ("maintenance/alarm", "{}"), ("maintenance/status", "{}"), ("maintenance/defragment", "{}"),
        ("maintenance/hash", "{}"), ("maintenance/hashkv", "{}"), ("maintenance/snapshot", "{}"), ("maintenance/transfer-leadership", """{"targetID":"1"}"""),
        ("maintenance/downgrade", """{"version":"3.5"}"""), ("lock/lock", """{"name":"bA=="}"""), ("lock/unlock", """{"key":"bC8x"}"""), ("election/proclaim", "{}"),
        ("election/leader", """{"name":"ZQ=="}"""), ("election/resign", "{}"),
    ];

    [Theory]
    [InlineData("/v3/")]
    [InlineData("/v3beta/")]
    [InlineData("/v3alpha/")]
    public async Task Every_path_is_served(string prefix)
    {
        using var directory = new TemporaryDirectory();
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(directory));
        await node.PutAsync("started", "yes");
        using var http = new HttpClient { BaseAddress = node.Options.ListenClientUrls[0] };
        foreach ((string path, string body) in Paths)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, prefix + path) { Content = new StringContent(body) };
            using HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
            // What is not found but a path has an error of its own.
            string first = path is "watch" ? "" : await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            Assert.False(response.StatusCode == HttpStatusCode.NotFound && first.Contains("\"Not Found\"", StringComparison.Ordinal), $"{prefix}{path}: {first}");
            Assert.NotEqual(HttpStatusCode.NotImplemented, response.StatusCode);
        }

        // These two wait: for a lock that the call above has taken, and for a leader.
        foreach ((string path, string name) in ((string, string)[])[("election/campaign", "l"), ("election/observe", "nobody")])
        {
            using var hangUp = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await http.PostAsJsonAsync(prefix + path, new { name = TestNode.Base64(name) }, hangUp.Token));
        }

        Assert.Equal(HttpStatusCode.NotFound, (await http.PostAsync(prefix + "kv/nothere", null, TestContext.Current.CancellationToken)).StatusCode);
    }

    [Fact]
    public async Task A_downgrade_has_nowhere_to_go()
    {
        using var directory = new TemporaryDirectory();
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(directory));
        Assert.Equal("etcdserver: invalid downgrade target version", await DowngradeAsync(new { action = "VALIDATE", version = "3.5" }));
        Assert.Equal("etcdserver: invalid downgrade target version", await DowngradeAsync(new { action = "ENABLE", version = "3.5.0" }));
        Assert.Equal("etcdserver: wrong downgrade target version format", await DowngradeAsync(new { action = "VALIDATE", version = "yesterday" }));
        Assert.Equal("etcdserver: no inflight downgrade job", await DowngradeAsync(new { action = "CANCEL" }));
        (_, JsonElement status) = await node.PostAsync("/v3/maintenance/status", new { });
        Assert.Equal("{}", status.GetProperty("downgradeInfo").GetRawText());

        async Task<string> DowngradeAsync(object request) => MemberCluster.MessageOf((await node.PostAsync("/v3/maintenance/downgrade", request)).Body);
    }
}
