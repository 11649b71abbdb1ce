using System.Globalization;
using System.Text.Json.Nodes;
using Conclave.Compatibility.Tests.Support;

namespace Conclave.Compatibility.Tests.Scripts;

/// <summary>etcdctl member add, promote, update and remove, and move-leader. Leaves the members as they were.</summary>
internal static class EtcdctlMemberScript
{
    /// <summary>Nobody listens there, so the learner stays one that lags.</summary>
    private const string LearnerUrl = "http://127.0.0.1:1", MovedUrl = "http://127.0.0.1:2";

    public static async Task RunAsync(Target t)
    {
        var ctl = new Etcdctl(t);
        await LearnerAsync(t, ctl);
        await RefusalsAsync(t, ctl);
        await MoveLeaderAsync(t, ctl);
    }

    private static async Task RefusalsAsync(Target t, Etcdctl ctl)
    {
        await ctl.RunAsync("add without a port", "member", "add", "x", "--peer-urls=http://127.0.0.1");
        await ctl.RunAsync("add with an address in use", "member", "add", "x", $"--peer-urls=http://127.0.0.1:{t.Cluster.Members[1].PeerPort}");
        await ctl.RunAsync("remove somebody unknown", "member", "remove", "4d");
        await ctl.RunAsync("update somebody unknown", "member", "update", "4d", $"--peer-urls={LearnerUrl}");
        await ctl.RunAsync("promote somebody unknown", "member", "promote", "4d");
        await ctl.RunAsync("promote a voter", "member", "promote", await IdOfAsync(t, ctl, index: 0));
    }

    private static async Task LearnerAsync(Target t, Etcdctl ctl)
    {
        JsonNode answer = JsonNode.Parse(await AddAsync(t, ctl))!;
        string id = Hex(answer["member"]!["ID"]!);
        t.Seen.Add("add a learner", new JsonObject { ["member"] = answer["member"]!.DeepClone(), ["members"] = answer["members"]!.AsArray().Count });
        await ctl.RunAsync("add a second learner", "member", "add", "another", "--learner", $"--peer-urls={MovedUrl}");
        await ctl.RunAsync("promote a learner that lags", "member", "promote", id);
        t.Seen.Add("the learner in the list", (await ListedAsync(t, ctl, id)).DeepClone());
        await ctl.RunAsync("update the learner", "member", "update", id, $"--peer-urls={MovedUrl}");
        // Not the whole: etcd 3.4 forgets on an update that the member is a learner.
        t.Seen.Add("where the learner listens now", (await ListedAsync(t, ctl, id))["peerURLs"]!.DeepClone());
        await ctl.RunAsync("remove the learner", "member", "remove", id);
        await ctl.RunAsync("remove the learner again", "member", "remove", id);
    }

    /// <summary>etcd refuses changes of a cluster whose members have been connected for less than 5 s.</summary>
    private static async Task<string> AddAsync(Target t, Etcdctl ctl)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(t.Cancellation);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        while (true)
        {
            Programs.Ended added = await ctl.ExecuteAsync(t.Cluster.Members[0], null, patience.Token, "member", "add", "joiner", "--learner", $"--peer-urls={LearnerUrl}", "-w", "json");
            if (added.ExitCode == 0) return added.Output;
            await Task.Delay(500, patience.Token);
        }
    }

    private static async Task MoveLeaderAsync(Target t, Etcdctl ctl)
    {
        string all = $"--endpoints={string.Join(',', t.Cluster.Members.Select(m => $"127.0.0.1:{m.ClientPort}"))}";
        await ctl.RunAsync("move-leader to somebody unknown", "move-leader", "4d", all);
        Programs.Ended status = await ctl.ExecuteAsync(t.Cluster.Members[0], null, t.Cancellation, "endpoint", "status", "-w", "json");
        string leader = Hex(JsonNode.Parse(status.Output)![0]!["Status"]!["leader"]!), target = "";
        for (int i = 0; target.Length == 0 || target == leader; i++) target = await IdOfAsync(t, ctl, i);
        await ctl.RunAsync("move-leader", "move-leader", target, all);
        status = await ctl.ExecuteAsync(t.Cluster.Members[0], null, t.Cancellation, "endpoint", "status", "-w", "json");
        t.Seen.Add("the new leader is the one asked for", Hex(JsonNode.Parse(status.Output)![0]!["Status"]!["leader"]!) == target);
    }

    private static async Task<JsonNode> ListedAsync(Target t, Etcdctl ctl, string id)
    {
        Programs.Ended list = await ctl.ExecuteAsync(t.Cluster.Members[0], null, t.Cancellation, "member", "list", "-w", "json");
        return JsonNode.Parse(list.Output)!["members"]!.AsArray().Single(m => Hex(m!["ID"]!) == id)!;
    }

    private static async Task<string> IdOfAsync(Target t, Etcdctl ctl, int index)
    {
        Programs.Ended list = await ctl.ExecuteAsync(t.Cluster.Members[0], null, t.Cancellation, "member", "list", "-w", "json");
        return Hex(JsonNode.Parse(list.Output)!["members"]![index]!["ID"]!);
    }

    private static string Hex(JsonNode id) => id.GetValue<ulong>().ToString("x", CultureInfo.InvariantCulture);
}
