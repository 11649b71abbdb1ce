using System.Text.Json.Nodes;
using Conclave.Clients.Tests.Support;
using Conclave.Compatibility.Tests.Support;

namespace Conclave.Clients.Tests.Scripts;

/// <summary>etcdctl's own locks and elections beside those that the server's Lock and Election services make: they use the same keys, so they exclude each other.</summary>
internal static class LockServiceScript
{
    public static async Task RunAsync(Target t)
    {
        var ctl = new Etcdctl(t);
        await LockAsync(t, ctl);
        await ElectAsync(t, ctl);
    }

    private static async Task LockAsync(Target t, Etcdctl ctl)
    {
        string name = t.Prefix + "lock";
        await t.Gateway.PostAsync("grant", "/v3/lease/grant", """{"TTL":60,"ID":76235}""");
        await using Running holder = new(ctl.Start(t.Cluster.Members[0], "lock", name));
        t.Seen.Add("etcdctl holds", await holder.LineAsync(t.Cancellation));
        Task<JsonNode?> service = t.Gateway.PostAsync("the service holds after it", "/v3/lock/lock", $$"""{"name":"{{t.Key("lock")}}","lease":76235}""");
        await WaitForKeysAsync(t, ctl, name + "/", 2);
        await using Running third = new(ctl.Start(t.Cluster.Members[1], "lock", name));
        await WaitForKeysAsync(t, ctl, name + "/", 3);
        Assert.False(service.IsCompleted);
        await holder.InterruptAsync(t.Cancellation);
        JsonNode held = (await service)!;
        await t.Gateway.PostAsync("unlock", "/v3/lock/unlock", $$"""{"key":"{{held["key"]}}"}""");
        t.Seen.Add("etcdctl holds after the service", await third.LineAsync(t.Cancellation));
        await third.InterruptAsync(t.Cancellation);
        t.Seen.Add("no key is left", await KeysAsync(t, ctl, name + "/"));
    }

    private static async Task ElectAsync(Target t, Etcdctl ctl)
    {
        string name = t.Prefix + "election";
        await using Running observer = new(ctl.Start(t.Cluster.Members[2], "elect", "-l", name)), leader = new(ctl.Start(t.Cluster.Members[0], "elect", name, "by etcdctl"));
        t.Seen.Add("etcdctl leads", Lines(await leader.LinesAsync(2, t.Cancellation)));
        t.Seen.Add("and is observed", Lines(await observer.LinesAsync(2, t.Cancellation)));
        JsonNode seen = (await t.Gateway.PostAsync("the service is asked who leads", "/v3/election/leader", $$"""{"name":"{{t.Key("election")}}"}"""))!;
        JsonNode kv = t.Seen.Lines[^1].Seen!["body"]!["kv"]!;   // not null: otherwise somebody else has answered
        kv["key"] = Decoded(seen["kv"]!["key"]!);                // readable, because a server's lease id is in it
        Task<JsonNode?> campaign = t.Gateway.PostAsync("the service leads after it", "/v3/election/campaign", $$"""{"name":"{{t.Key("election")}}","lease":76235,"value":"{{Gateway.Base64("by service")}}"}""");
        await WaitForKeysAsync(t, ctl, name + "/", 2);
        await leader.InterruptAsync(t.Cancellation);
        JsonNode won = (await campaign)!["leader"]!;
        t.Seen.Add("that is observed too", Lines(await observer.LinesAsync(2, t.Cancellation)));
        await t.Gateway.PostAsync("proclaim", "/v3/election/proclaim", $$"""{"leader":{{won.ToJsonString()}},"value":"{{Gateway.Base64("once more")}}"}""");
        t.Seen.Add("the proclamation is observed", Lines(await observer.LinesAsync(2, t.Cancellation)));
        await t.Gateway.PostAsync("resign", "/v3/election/resign", $$"""{"leader":{{won.ToJsonString()}}}""");
        t.Seen.Add("nobody is left", await KeysAsync(t, ctl, name + "/"));
        await t.Gateway.PostAsync("revoke", "/v3/lease/revoke", """{"ID":76235}""");
    }

    private static string Decoded(JsonNode base64) => System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(base64.GetValue<string>()));

    private static JsonArray Lines(List<string> lines) => new([.. lines.Select(line => JsonValue.Create(line))]);

    private static async Task<int> KeysAsync(Target t, Etcdctl ctl, string prefix) =>
        (await ctl.ExecuteAsync(t.Cluster.Members[0], null, t.Cancellation, "get", prefix, "--prefix", "--keys-only")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;

    /// <summary>Whoever waits says nothing, but its key shows that it waits.</summary>
    private static async Task WaitForKeysAsync(Target t, Etcdctl ctl, string prefix, int count)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(t.Cancellation);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        while (await KeysAsync(t, ctl, prefix) < count)
            await Task.Delay(50, patience.Token);
    }
}
