using System.Diagnostics;
using System.Text.Json.Nodes;
using Conclave.Compatibility.Tests.Support;

namespace Conclave.Compatibility.Tests.Scripts;

/// <summary>etcdctl lease, watch, member, endpoint, alarm, defrag and snapshot.</summary>
internal static class EtcdctlClusterScript
{
    public static async Task RunAsync(Target t)
    {
        var ctl = new Etcdctl(t);
        string p = t.Prefix;
        await LeasesAsync(t, ctl, p);
        await WatchAsync(t, ctl, "watch history", 3, "watch", p + "w", "--prefix", $"--rev={t.FirstRevision + 1}");
        await WatchAsync(t, ctl, "watch -w json with prev-kv", 1, "watch", p + "w", $"--rev={t.FirstRevision + 1}", "--prev-kv", "-w", "json");
        // What follows asks single members for what they have: none may lag behind.
        await t.Cluster.WaitUntilAllServeAsync(TimeSpan.FromSeconds(60), t.Cancellation);
        await MembersAsync(t, ctl);
        await SnapshotAsync(t, ctl);
        await ByUrlAsync(t, ctl);
        await ctl.RunAsync("compact", "compaction", $"{t.FirstRevision + 2}");
        await ctl.RunAsync("watch a compacted revision", "watch", p + "w", $"--rev={t.FirstRevision + 1}");
    }

    private static async Task LeasesAsync(Target t, Etcdctl ctl, string p)
    {
        foreach (string value in (string[])["1", "2"])
            await ctl.RunAsync($"put {value}", "put", p + "w", value);
        await ctl.RunAsync("del", "del", p + "w");
        string granted = await ctl.RunAsync("lease grant", "lease", "grant", "600");
        string id = granted.Split(' ')[1];
        await ctl.RunAsync("put with the lease", "put", p + "leased", "1", $"--lease={id}");
        await ctl.RunAsync("lease keep-alive --once", "lease", "keep-alive", "--once", id);
        Programs.Ended list = await ctl.ExecuteAsync(t.Cluster.Members[0], null, t.Cancellation, "lease", "list");
        t.Seen.Add("lease list", list.Output.Split('\n').Contains(id));
        await ctl.RunAsync("lease revoke", "lease", "revoke", id);
        await ctl.RunAsync("lease revoke again", "lease", "revoke", id);
        await ctl.RunAsync("lease timetolive of a revoked one", "lease", "timetolive", id, "--keys");
        await ctl.RunAsync("lease keep-alive of a revoked one", "lease", "keep-alive", "--once", id);
        await ctl.RunAsync("its key is gone", "get", p + "leased");
    }

    /// <summary>A watch never ends: it is killed when it has printed enough.</summary>
    private static async Task WatchAsync(Target t, Etcdctl ctl, string name, int events, params string[] arguments)
    {
        using Process watch = ctl.Start(t.Cluster.Members[0], arguments);
        try
        {
            bool isJson = arguments.Contains("json");
            var lines = new JsonArray();
            // Text form: type, key and value of each event, one per line.
            while (lines.Count < (isJson ? 1 : 3 * events) && await watch.StandardOutput.ReadLineAsync(t.Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(60)) is { } line)
                lines.Add(isJson ? JsonNode.Parse(line) : JsonValue.Create(line));
            t.Seen.Add(name, lines);
        }
        finally
        {
            watch.Kill();
            await watch.WaitForExitAsync(CancellationToken.None);
        }
    }

    private static async Task MembersAsync(Target t, Etcdctl ctl)
    {
        await ctl.RunAsync("member list", "member", "list", "-w", "json");
        Target.SortMembersByName(t.Seen.Lines[^1].Seen!["output"]![0]!);
        await ctl.RunAsync("endpoint status", "endpoint", "status", "-w", "json");
        Programs.Ended health = await ctl.ExecuteAsync(t.Cluster.Members[0], null, t.Cancellation, "endpoint", "health");
        // "<endpoint> is healthy: successfully committed proposal: took = 2.1ms", on stdout or stderr by version
        t.Seen.Add("endpoint health", new JsonObject { ["exit"] = health.ExitCode, ["healthy"] = (health.Output + health.Error).Contains("is healthy", StringComparison.Ordinal) });
        await HashesAsync(t, ctl);
        await ctl.RunAsync("alarm list", "alarm", "list");
        Programs.Ended defrag = await ctl.ExecuteAsync(t.Cluster.Members[0], null, t.Cancellation, "defrag");
        t.Seen.Add("defrag", defrag.ExitCode);
    }

    /// <summary>Endpoints as URLs: for calls to one endpoint the 3.4 client then sends the whole URL as :authority.</summary>
    private static async Task ByUrlAsync(Target t, Etcdctl ctl)
    {
        string url = $"--endpoints={t.Cluster.Members[1].ClientUrl.OriginalString}";
        await ctl.RunAsync("get by URL", "get", t.Prefix + "w", url);
        await ctl.RunAsync("status by URL", "endpoint", "status", "-w", "json", url);
        foreach (string command in (string[])["health", "hashkv"])
            t.Seen.Add($"{command} by URL", (await ctl.ExecuteAsync(t.Cluster.Members[0], null, t.Cancellation, "endpoint", command, url)).ExitCode);
        t.Seen.Add("defrag by URL", (await ctl.ExecuteAsync(t.Cluster.Members[0], null, t.Cancellation, "defrag", url)).ExitCode);
        t.Seen.Add("status of the cluster", (await ctl.ExecuteAsync(t.Cluster.Members[0], null, t.Cancellation, "endpoint", "status", "--cluster")).ExitCode);
    }

    /// <summary>Every member must have the same hash at the same revision.</summary>
    private static async Task HashesAsync(Target t, Etcdctl ctl)
    {
        Programs.Ended hashes = await ctl.ExecuteAsync(t.Cluster.Members[0], null, t.Cancellation, "endpoint", "hashkv", "--cluster", $"--rev={t.FirstRevision + 2}", "-w", "json");
        JsonArray each = JsonNode.Parse(hashes.Output)!.AsArray();
        t.Seen.Add("endpoint hashkv", new JsonObject { ["members"] = each.Count, ["different"] = each.Select(member => member!["HashKV"]!["hash"]!.ToJsonString()).Distinct().Count() });
    }

    private static async Task SnapshotAsync(Target t, Etcdctl ctl)
    {
        string file = Path.Combine(Path.GetTempPath(), $"conclave-snapshot-{Guid.NewGuid():N}.db");
        try
        {
            Programs.Ended saved = await ctl.ExecuteAsync(t.Cluster.Members[0], null, t.Cancellation, "snapshot", "save", file);
            // A body of whole 512-byte blocks and a SHA-256 behind it is what etcdctl insists on.
            t.Seen.Add("snapshot save", new JsonObject { ["exit"] = saved.ExitCode, ["exists"] = File.Exists(file), ["rest"] = File.Exists(file) ? new FileInfo(file).Length % 512 : -1 });
        }
        finally
        {
            File.Delete(file);
        }
    }
}
