using System.Text.Json.Nodes;
using Conclave.Clients.Tests.Support;
using Conclave.Compatibility.Tests.Support;


namespace Conclave.Clients.Tests.Scripts;

/// <summary>What etcdctl reads from its input, keeps open or hands to a program: txn -i, watch, watch -i, watch with a command, lease keep-alive.</summary>
internal static class EtcdctlInteractiveScript
{
    public static async Task RunAsync(Target t)
    {
        var ctl = new Etcdctl(t);
        await TransactionsAsync(t, ctl);
        await WatchAsync(t, ctl);
        await WatchRunsACommandAsync(t, ctl);
        await WatchInteractivelyAsync(t, ctl);
        await KeepAliveAsync(t, ctl);
        await FormatsAsync(t, ctl);
    }

    private static async Task TransactionsAsync(Target t, Etcdctl ctl)
    {
        string p = t.Prefix;
        await ctl.RunAsync("txn -i into the void", $"value(\"{p}a\") = \"x\"\n\nput {p}a never\n\nput {p}a 1\nput {p}b 2\n\n", ["txn", "-i"]);
        await ctl.RunAsync("txn -i with every kind of compare",
            $"value(\"{p}a\") = \"1\"\nversion(\"{p}a\") = \"1\"\ncreate(\"{p}a\") > \"0\"\nmod(\"{p}a\") > \"0\"\nlease(\"{p}a\") = \"0\"\n\nget {p} --prefix\ndel {p}b --prev-kv\nput {p}c \"two words\"\n\nget {p}a\n\n", ["txn", "-i"]);
        await ctl.RunAsync("txn -i with an order", $"mod(\"{p}a\") < \"1\"\n\n\nget {p} --prefix --order=DESCEND\n\n", ["txn", "-i"]);
        await ctl.RunAsync("txn -i, one key twice", $"\nput {p}a 1\nput {p}a 2\n\n\n", ["txn", "-i"]);
        await ctl.RunAsync("txn of nothing", "\n\n\n", ["txn"]);
    }

    /// <summary>A watch that was seen to stand: events that came before are asked for by revision.</summary>
    private static async Task WatchAsync(Target t, Etcdctl ctl)
    {
        string key = t.Prefix + "w";
        await using var watch = new Running(ctl.Start(t.Cluster.Members[0], "watch", key, "--prefix", "--prev-kv", $"--rev={t.FirstRevision + 1}"));
        await PutAsync(t, ctl, key + "/1", "1");
        await PutAsync(t, ctl, key + "/1", "2");
        List<string> seen = [.. await watch.LinesAsync(8, t.Cancellation)];   // PUT, the pair before, the pair: the pair before is missing at first
        await ctl.ExecuteAsync(t.Cluster.Members[0], null, t.Cancellation, "del", key + "/1");
        seen.AddRange(await watch.LinesAsync(5, t.Cancellation));
        t.Seen.Add("watch goes on", new JsonArray([.. seen.Select(line => JsonValue.Create(line))]));
        t.Seen.Add("watch ends by Ctrl-C", await watch.InterruptAsync(t.Cancellation));
    }

    private static async Task WatchRunsACommandAsync(Target t, Etcdctl ctl)
    {
        string key = t.Prefix + "e";
        long first = await RevisionAsync(t);
        await PutAsync(t, ctl, key, "1");
        await ctl.ExecuteAsync(t.Cluster.Members[0], null, t.Cancellation, "del", key);
        await using var watch = new Running(ctl.Start(t.Cluster.Members[0], "watch", key, $"--rev={first + 1}", "--", "sh", "-c", "echo \"$ETCD_WATCH_EVENT_TYPE $ETCD_WATCH_KEY=$ETCD_WATCH_VALUE at $ETCD_WATCH_REVISION\""));
        // Three lines tell the event, then the command runs. It is told the revision of the message, which depends on when that was sent.
        List<string> seen = [.. (await watch.LinesAsync(8, t.Cancellation)).Select(line => line.Split(" at ")[0])];
        t.Seen.Add("watch runs a command", new JsonArray([.. seen.Select(line => JsonValue.Create(line))]));
    }

    private static async Task WatchInteractivelyAsync(Target t, Etcdctl ctl)
    {
        string key = t.Prefix + "i";
        long first = await RevisionAsync(t);
        await PutAsync(t, ctl, key + "1", "1");
        await PutAsync(t, ctl, key + "2", "2");
        await using var watch = new Running(ctl.Start(t.Cluster.Members[0], "watch", "-i"));
        await watch.Input.WriteLineAsync($"watch {key}1 --rev={first + 1}");
        await watch.Input.FlushAsync(t.Cancellation);
        List<string> seen = [.. await watch.LinesAsync(3, t.Cancellation)];
        await watch.Input.WriteLineAsync($"watch {key}2 --rev={first + 1} -- echo an event");
        await watch.Input.FlushAsync(t.Cancellation);
        seen.AddRange(await watch.LinesAsync(4, t.Cancellation));
        await PutAsync(t, ctl, key + "1", "3");
        seen.AddRange(await watch.LinesAsync(3, t.Cancellation));
        t.Seen.Add("watch -i", new JsonArray([.. seen.Select(line => JsonValue.Create(line))]));
    }

    private static async Task KeepAliveAsync(Target t, Etcdctl ctl)
    {
        string id = (await ctl.RunAsync("lease grant", "lease", "grant", "3")).Split(' ')[1];
        await PutAsync(t, ctl, t.Prefix + "leased", "1", $"--lease={id}");
        await using (var keeper = new Running(ctl.Start(t.Cluster.Members[0], "lease", "keep-alive", id)))
        {
            List<string> renewed = await keeper.LinesAsync(4, t.Cancellation);   // one a second: longer than the lease would live
            t.Seen.Add("lease keep-alive", new JsonArray([.. renewed.Select(line => JsonValue.Create(line))]));
            await ctl.RunAsync("the key is kept alive with it", "get", t.Prefix + "leased");
            await ctl.RunAsync("lease revoke", "lease", "revoke", id);
            t.Seen.Add("lease keep-alive ends with the lease", new JsonArray(await keeper.LineAsync(t.Cancellation), await keeper.EndAsync(t.Cancellation)));
        }
    }

    private static async Task FormatsAsync(Target t, Etcdctl ctl)
    {
        foreach (string format in (string[])["json", "simple"])
            await ctl.RunAsync($"get -w {format}", "get", t.Prefix + "a", "-w", format);
        Programs.Ended fields = await ctl.ExecuteAsync(t.Cluster.Members[0], null, t.Cancellation, "get", t.Prefix + "a", "-w", "fields");
        t.Seen.Add("names of -w fields", new JsonArray([.. fields.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonValue.Create(line.Split(" : ")[0]))]));
        Programs.Ended binary = await ctl.ExecuteAsync(t.Cluster.Members[0], null, t.Cancellation, "get", t.Prefix + "a", "-w", "protobuf");
        t.Seen.Add("get -w protobuf", new JsonObject { ["exit"] = binary.ExitCode, ["has bytes"] = binary.Output.Length > 10 });
        await ctl.RunAsync("put from standard input", "line one\nline two\n", ["put", t.Prefix + "text"]);
        await ctl.RunAsync("get what came from standard input", "get", t.Prefix + "text", "--print-value-only");
        Programs.Ended other = await ctl.OnAsync($"127.0.0.1:1,127.0.0.1:{t.Cluster.Members[1].ClientPort}", null, ["get", t.Prefix + "a"], t.Cancellation);
        t.Seen.Add("get with an endpoint that nobody serves", other.Output);
    }

    private static async Task PutAsync(Target t, Etcdctl ctl, string key, string value, params string[] flags)
    {
        Programs.Ended put = await ctl.ExecuteAsync(t.Cluster.Members[0], null, t.Cancellation, ["put", key, value, .. flags]);
        Assert.True(put.ExitCode == 0, put.Error);
    }

    private static async Task<long> RevisionAsync(Target t) =>
        (await t.Cluster.Clients[0].RangeAsync(new() { Key = Google.Protobuf.ByteString.CopyFromUtf8(t.Prefix) }, TimeSpan.FromSeconds(30), t.Cancellation)).Required.Header.Revision;
}
