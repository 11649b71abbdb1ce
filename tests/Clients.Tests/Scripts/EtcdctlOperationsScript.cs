using System.Text.Json.Nodes;
using Conclave.Compatibility.Tests.Support;

namespace Conclave.Clients.Tests.Scripts;

/// <summary>etcdctl as an operator uses it, on all members at once: endpoint, defrag, alarm, compaction, check datascale.</summary>
internal static class EtcdctlOperationsScript
{
    public static async Task RunAsync(Target t)
    {
        var ctl = new Etcdctl(t);
        string first = $"127.0.0.1:{t.Cluster.Members[0].ClientPort}", all = t.Cluster.Endpoints;
        await ctl.RunAsync("put", "put", t.Prefix + "a", "1");
        await CountAsync(t, ctl, "endpoint health", all, "is healthy", "endpoint", "health");
        await CountAsync(t, ctl, "endpoint health --cluster", first, "is healthy", "endpoint", "health", "--cluster");
        await CountAsync(t, ctl, "endpoint health of somebody who is not there", "127.0.0.1:1", "is unhealthy", "endpoint", "health", "--command-timeout=1s");
        await CountAsync(t, ctl, "endpoint status --cluster -w table", first, " true ", "endpoint", "status", "--cluster", "-w", "table");
        await SameHashAsync(t, ctl);
        await CountAsync(t, ctl, "defrag", all, "Finished defragmenting", "defrag");
        await CountAsync(t, ctl, "defrag --cluster", first, "Finished defragmenting", "defrag", "--cluster");
        await AlarmAsync(t, ctl);
        await ctl.RunAsync("compaction --physical", "compaction", $"{t.FirstRevision + 1}", "--physical");
        await ctl.RunAsync("compaction of the future", "compaction", $"{t.FirstRevision + 100_000}");
        await CountAsync(t, ctl, "move-leader by a follower", await FollowerAsync(t), "no leader endpoint given", "move-leader", "4d");
        await CountAsync(t, ctl, "move-leader to somebody unknown", all, "bad leader transferee", "move-leader", "4d");
        await CountAsync(t, ctl, "member list -w table", first, "started", "member", "list", "-w", "table");
        await CountAsync(t, ctl, "check datascale", "http://" + first, "PASS: Approximate system memory used", "check", "datascale", "--load=s", "--auto-compact", "--auto-defrag");
    }

    /// <summary>One alarm on one member, as a full disk raises it: no member takes writes any more, until somebody disarms it.</summary>
    private static async Task AlarmAsync(Target t, Etcdctl ctl)
    {
        string all = t.Cluster.Endpoints;
        await CountAsync(t, ctl, "alarm list without alarms", all, "alarm:", "alarm", "list");
        ulong member = (await t.Cluster.Clients[0].StatusAsync(TimeSpan.FromSeconds(30), t.Cancellation)).Required.Header.MemberId;
        await t.Gateway.PostAsync("raise", "/v3/maintenance/alarm", $$"""{"action":"ACTIVATE","memberID":"{{member}}","alarm":"NOSPACE"}""");
        await CountAsync(t, ctl, "alarm list", all, "alarm:NOSPACE", "alarm", "list");
        await ctl.RunAsync("put under the alarm", "put", t.Prefix + "a", "2");
        await ctl.RunAsync("get under the alarm", "get", t.Prefix + "a");
        await CountAsync(t, ctl, "endpoint status under the alarm", all, "alarm:NOSPACE", "endpoint", "status");
        await ctl.RunAsync("del under the alarm", "del", t.Prefix + "a");
        await CountAsync(t, ctl, "alarm disarm", all, "alarm:NOSPACE", "alarm", "disarm");
        await CountAsync(t, ctl, "alarm disarm again", all, "alarm:", "alarm", "disarm");
        await ctl.RunAsync("put after the alarm", "put", t.Prefix + "a", "3");
    }

    /// <summary>What differs from member to member and run to run is left out: only how often it is said counts.</summary>
    private static async Task CountAsync(Target t, Etcdctl ctl, string name, string endpoints, string text, params string[] arguments)
    {
        Programs.Ended ended = await ctl.OnAsync(endpoints, null, arguments, t.Cancellation);
        t.Seen.Add(name, new JsonObject { ["exit"] = ended.ExitCode, ["said"] = (ended.Output + ended.Error).Split(text).Length - 1 });
    }

    private static async Task SameHashAsync(Target t, Etcdctl ctl)
    {
        await t.Cluster.WaitUntilAllServeAsync(TimeSpan.FromSeconds(30), t.Cancellation);   // a member that lags does not know the revision yet
        Programs.Ended hashes = await ctl.ExecuteAsync(t.Cluster.Members[0], null, t.Cancellation, "endpoint", "hashkv", "--cluster", $"--rev={t.FirstRevision + 1}");
        string[] lines = hashes.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        t.Seen.Add("endpoint hashkv --cluster", new JsonObject { ["members"] = lines.Length, ["different"] = lines.Select(line => line.Split(", ")[1]).Distinct().Count() });
    }

    private static async Task<string> FollowerAsync(Target t)
    {
        int leader = await t.Cluster.WaitForLeaderAsync(TimeSpan.FromSeconds(30), t.Cancellation);
        return $"127.0.0.1:{t.Cluster.Members[(leader + 1) % t.Cluster.Members.Count].ClientPort}";
    }
}
