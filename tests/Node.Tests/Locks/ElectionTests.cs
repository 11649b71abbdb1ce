using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Conclave.Node.Tests.Nodes;

namespace Conclave.Node.Tests.Locks;

public sealed class ElectionTests
{
    [Fact]
    public async Task The_first_candidate_leads_and_its_key_carries_the_value()
    {
        using var directory = new TemporaryDirectory();
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(directory));
        await node.GrantAsync(1, 60);
        Assert.Equal("election: no leader", MemberCluster.MessageOf((await node.PostAsync("/v3/election/leader", new { name = TestNode.Base64("e") })).Body));
        Assert.Equal("e/1", await node.CampaignAsync("e", 1, "one"));
        Assert.Equal(("e/1", "one"), await LeaderAsync(node));
        Assert.Equal("e/1", await node.CampaignAsync("e", 1, "two"));
        Assert.Equal(("e/1", "two"), await LeaderAsync(node));
    }

    [Fact]
    public async Task Only_the_leader_proclaims_and_resigns()
    {
        using var directory = new TemporaryDirectory();
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(directory));
        await node.GrantAsync(1, 60);
        (_, JsonElement campaign) = await node.PostAsync("/v3/election/campaign", new { name = TestNode.Base64("e"), lease = "1", value = TestNode.Base64("one") });
        JsonElement leader = campaign.GetProperty("leader");
        var other = new { name = TestNode.Base64("e"), key = TestNode.Base64("e/1"), rev = "1", lease = "1" };

        Assert.Equal("election: not leader", MemberCluster.MessageOf((await node.PostAsync("/v3/election/proclaim", new { leader = other, value = TestNode.Base64("no") })).Body));
        Assert.Equal(HttpStatusCode.OK, (await node.PostAsync("/v3/election/proclaim", new { leader, value = TestNode.Base64("yes") })).Status);
        Assert.Equal(("e/1", "yes"), await LeaderAsync(node));

        Assert.Equal(HttpStatusCode.OK, (await node.PostAsync("/v3/election/resign", new { leader = other })).Status);
        Assert.Equal(("e/1", "yes"), await LeaderAsync(node));
        Assert.Equal(HttpStatusCode.OK, (await node.PostAsync("/v3/election/resign", new { leader })).Status);
        Assert.Empty(await node.QueueAsync("e"));
        foreach (string call in (string[])["proclaim", "resign"])
            Assert.Equal("\"leader\" field must be provided", MemberCluster.MessageOf((await node.PostAsync($"/v3/election/{call}", new { })).Body));
    }

    [Fact]
    public async Task An_observer_is_told_of_each_leader_and_each_value()
    {
        using var directory = new TemporaryDirectory();
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(directory));
        foreach (long lease in (long[])[1, 2]) await node.GrantAsync(lease, 60);
        using var http = new HttpClient { BaseAddress = node.Options.ListenClientUrls[0] };
        await node.CampaignAsync("e", 1, "one");
        Task<string> second = node.CampaignAsync("e", 2, "two");
        await node.QueuesAsync("e", "e/1", "e/2");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v3/election/observe") { Content = JsonContent.Create(new { name = TestNode.Base64("e") }) };
        using HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));

        Assert.Equal(("e/1", "one"), await NextAsync(lines));
        await node.CampaignAsync("e", 1, "uno");   // a change of value that is newer than the next leader's key
        Assert.Equal(("e/1", "uno"), await NextAsync(lines));
        await node.RevokeAsync(1);
        Assert.Equal(("e/2", "two"), await NextAsync(lines));
        Assert.Equal("e/2", await second);
        await node.RevokeAsync(2);
        await node.GrantAsync(3, 60);
        await node.CampaignAsync("e", 3, "three");
        Assert.Equal(("e/3", "three"), await NextAsync(lines));
    }

    private static async Task<(string Key, string Value)> LeaderAsync(TestNode node)
    {
        (HttpStatusCode status, JsonElement body) = await node.PostAsync("/v3/election/leader", new { name = TestNode.Base64("e") });
        Assert.Equal(HttpStatusCode.OK, status);
        return Read(body);
    }

    private static async Task<(string Key, string Value)> NextAsync(StreamReader lines)
    {
        string? line = await lines.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        return Read(JsonDocument.Parse(line!).RootElement.GetProperty("result"));
    }

    private static (string Key, string Value) Read(JsonElement answer) => (LockCalls.Text(answer.GetProperty("kv").GetProperty("key")), LockCalls.Text(answer.GetProperty("kv").GetProperty("value")));
}
