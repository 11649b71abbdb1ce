using System.Net;
using System.Text.Json;
using Conclave.Node.Tests.Nodes;

namespace Conclave.Node.Tests.Configuration;

/// <summary>Rollouts in few words.</summary>
internal static class RolloutCalls
{
    /// <summary>Long enough that only what a test waits for can happen.</summary>
    public const int Never = 86_400_000;

    public static async Task<long> RollOutAsync(this TestNode node, string stages, object change, int silenceMs = Never, bool allowShrink = false)
    {
        (HttpStatusCode status, JsonElement body) = await node.TryRollOutAsync(stages, change, silenceMs, allowShrink);
        Assert.True(status == HttpStatusCode.OK, body.GetRawText());
        Assert.True(body.GetProperty("rollout").GetBoolean());
        return ConfigCalls.Number(body, "release");
    }

    public static Task<(HttpStatusCode Status, JsonElement Body)> TryRollOutAsync(this TestNode node, string stages, object change, int silenceMs = Never, bool allowShrink = false) =>
        node.PostAsync("/v1/config/publish", new { change, reason = "test", author = "tester", allow_shrink = allowShrink, strategy = new { preset = stages, silence_ms = silenceMs } });

    public static async Task<JsonElement> RolloutAsync(this TestNode node, long release) => ConfigCalls.List(await node.AskAsync("rollouts", new { release }), "rollouts").Single();

    public static async Task<string> StateAsync(this TestNode node, long release) => (await node.RolloutAsync(release)).GetProperty("state").GetString()!;

    public static Task<(HttpStatusCode Status, JsonElement Body)> TrySteerAsync(this TestNode node, long release, string action) =>
        node.PostAsync("/v1/config/steerrollout", new { release, action, reason = "the test says so", author = "tester" });

    public static async Task<JsonElement> SteerAsync(this TestNode node, long release, string action)
    {
        (HttpStatusCode status, JsonElement body) = await node.TrySteerAsync(release, action);
        Assert.True(status == HttpStatusCode.OK, body.GetRawText());
        return body.GetProperty("rollout");
    }

    /// <summary>Waits until the rollout is in a state.</summary>
    public static async Task<JsonElement> BecomesAsync(this TestNode node, long release, string state)
    {
        JsonElement rollout = default;
        await TestNode.EventuallyAsync($"r{release} is {state}", async () =>
        {
            (HttpStatusCode status, JsonElement body) = await node.PostAsync("/v1/config/rollouts", new { release });
            if (status != HttpStatusCode.OK) return false;
            rollout = ConfigCalls.List(body, "rollouts").Single();
            return rollout.GetProperty("state").GetString() == state;
        });
        return rollout;
    }

    public static async Task<string[]> ValuesAsync(this TestNode node, IEnumerable<string> of, string document, string key)
    {
        var values = new List<string>();
        foreach (string name in of) values.Add(await node.ValueAsync(name, document, key) ?? "");
        return [.. values];
    }

    public static object Sets(string document, string key, object value, string scope = "*") => new { entries = new[] { ConfigCalls.Set(document, key, value, scope) } };
}
