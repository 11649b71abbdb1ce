using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Conclave.Node.Tests.Nodes;

namespace Conclave.Node.Tests.Configuration;

/// <summary>What is too large for one entry of the log is refused by a text that says what to do, and what that says fits does.</summary>
public partial class ConfigSizeTests
{
    private static async Task<(MemberCluster Cluster, TestNode Node)> StartAsync()
    {
        MemberCluster cluster = await MemberCluster.StartAsync(1, (o, _) => o with { MaxRequestBytes = 256 << 10 });
        await cluster.Any().AddNodesAsync(("c1", "compute"));
        return (cluster, cluster.Any());
    }

    private static object Entries(int count, int bytes, string prefix = "k") =>
        new { entries = Enumerable.Range(0, count).Select(i => ConfigCalls.Set("nova", $"{prefix}{i}", $"{i} ".PadRight(bytes, 'x'))) };

    private static async Task<string> RefusedAsync(Task<(HttpStatusCode Status, JsonElement Body)> call)
    {
        (HttpStatusCode status, JsonElement body) = await call;
        Assert.True(status == HttpStatusCode.BadRequest, body.GetRawText());
        return ConfigCalls.MessageOf(body);
    }

    private static int FitOf(string refused) => int.Parse(Fit().Match(refused).Groups[1].Value, NumberStyles.AllowThousands, CultureInfo.InvariantCulture);

    [Fact]
    public async Task Of_a_release_that_is_too_large_nothing_is_published_and_as_much_as_it_says_fits()
    {
        (MemberCluster cluster, TestNode node) = await StartAsync();
        await using var _ = cluster;
        string refused = await RefusedAsync(node.TryPublishAsync(Entries(400, 1000)));
        Assert.Matches("^conclave: the release has [0-9,]+ bytes in 400 edits, and 196,[0-9]+ bytes are allowed; about [0-9]+ such edits fit, so publish it in several parts$", refused);
        Assert.Equal(1, ConfigCalls.Number(await node.AskAsync("releases", new { }), "head"));
        await node.PublishAsync(Entries(FitOf(refused), 1000));
        await RefusedAsync(node.TryPublishAsync(Entries(FitOf(refused) + 20, 1000, "l")));
    }

    [Fact]
    public async Task Secrets_that_a_release_makes_count()
    {
        (MemberCluster cluster, TestNode node) = await StartAsync();
        await using var _ = cluster;
        await node.PublishAsync(new { schemas = Enumerable.Range(0, 900).Select(i => new { document = "nova", key = $"k{i}", schema = "{\"secret\":true}" }) });
        string refused = await RefusedAsync(node.TryPublishAsync(Entries(900, 20)));
        Assert.Matches("^conclave: the release has [0-9,]+ bytes with 900 edits and 900 new secrets, and 262,[0-9]+ bytes are allowed; about [0-9]+ such edits fit, so publish it in several parts$", refused);
        Assert.Empty(ConfigCalls.List(await node.AskAsync("secrets", new { prefix = "entry/" }), "secrets"));
        await node.PublishAsync(Entries(FitOf(refused), 20));
    }

    [Fact]
    public async Task A_draft_that_would_be_too_large_is_as_it_was()
    {
        (MemberCluster cluster, TestNode node) = await StartAsync();
        await using var _ = cluster;
        await node.AskAsync("putdraft", new { name = "big", change = Entries(150, 1000), merge = true });
        string refused = await RefusedAsync(node.PostAsync("/v1/config/putdraft", new { name = "big", change = Entries(150, 1000, "l"), merge = true }));
        Assert.Matches("^conclave: draft big would have [0-9,]+ bytes with 300 edits and 0 new secrets, and 262,[0-9]+ bytes are allowed; it is as it was. Publish what it has first, or use several drafts$", refused);
        Assert.Equal(150, ConfigCalls.Number(ConfigCalls.List(await node.AskAsync("drafts", new { name = "big" }), "drafts")[0], "edits"));
        await node.PublishAsync(new { }, draft: "big");
    }

    [Fact]
    public async Task A_rollback_that_is_too_large_names_the_way_in_parts()
    {
        (MemberCluster cluster, TestNode node) = await StartAsync();
        await using var _ = cluster;
        await node.PublishAsync(Entries(150, 1000, "a"));
        long full = await node.PublishAsync(Entries(150, 1000, "b"));
        await node.PublishAsync(new { entries = Enumerable.Range(0, 300).Select(i => new { document = "nova", scope = "*", key = $"{(i < 150 ? "a" : "b")}{i % 150}" }) });
        string refused = await RefusedAsync(node.PostAsync("/v1/config/rollback", new { to = full, reason = "back" }));
        Assert.EndsWith($"such edits fit, so go back in several parts: conclave export DIRECTORY --at r{full}, and then conclave apply --prune -f DIRECTORY", refused, StringComparison.Ordinal);
    }

    [GeneratedRegex("about ([0-9,]+) such edits fit")]
    private static partial Regex Fit();
}
