using System.Text.Json.Nodes;
using Conclave.Clients.Tests.Support;
using Conclave.Compatibility.Tests.Support;

namespace Conclave.Clients.Tests.Scripts;

/// <summary>What etcdctl holds and watches while the leader dies. It knows all members.</summary>
internal static class EtcdctlFailoverScript
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static async Task RunAsync(Target t)
    {
        try
        {
            await FailOverAsync(t);
        }
        finally
        {
            t.Cluster.StartAll();   // other tests use the cluster too
        }
    }

    private static async Task FailOverAsync(Target t)
    {
        var ctl = new Etcdctl(t);
        string p = t.Prefix, all = $"--endpoints={t.Cluster.Endpoints}";
        await ctl.RunAsync("put", "put", p + "w", "before");
        await using Running watch = new(ctl.Start(t.Cluster.Members[0], "watch", p + "w", $"--rev={t.FirstRevision + 1}", all)), holder = new(ctl.Start(t.Cluster.Members[0], "lock", p + "lock", "--ttl=5", all)),
            elected = new(ctl.Start(t.Cluster.Members[0], "elect", p + "election", "one", all));
        t.Seen.Add("watched", Lines(await watch.LinesAsync(3, t.Cancellation)));
        t.Seen.Add("holds", await holder.LineAsync(t.Cancellation));
        t.Seen.Add("leads", Lines(await elected.LinesAsync(2, t.Cancellation)));

        t.Cluster.Members[await PlainHttp.FindLeaderAsync(t.Cluster, Patience, t.Cancellation)].Kill();
        t.Seen.Add("put while nobody leads", await PutUntilDoneAsync(t, ctl, p + "w", "after"));
        t.Seen.Add("watched after", Lines(await WatchedAfterAsync(t, ctl, watch, p + "w", all)));
        await Task.Delay(TimeSpan.FromSeconds(6), t.Cancellation);   // longer than the lock lives that nobody renews
        Programs.Ended keys = await ctl.OnAsync(t.Cluster.Endpoints, null, ["get", p, "--prefix", "--keys-only", "--sort-by=KEY"], t.Cancellation);
        t.Seen.Add("what is held is still held", keys.Output);
        t.Cluster.StartAll();
        await PlainHttp.WaitUntilAllAreHealthyAsync(t.Cluster, Patience, t.Cancellation);
        t.Seen.Add("the lock is given back", await holder.InterruptAsync(t.Cancellation));
        t.Seen.Add("the election too", await elected.InterruptAsync(t.Cancellation));
        await ctl.RunAsync("what is left", "get", p, "--prefix", "--keys-only");
    }

    /// <summary>
    /// Etcdctl's watches ask for members with a leader, and end where they open a stream while there is none, or where there is none for long. On a busy machine either may happen;
    /// then whoever watches goes on from the revision that was seen last.
    /// </summary>
    private static async Task<List<string>> WatchedAfterAsync(Target t, Etcdctl ctl, Running watch, string key, string all)
    {
        try
        {
            return await watch.LinesAsync(3, t.Cancellation);
        }
        catch (InvalidOperationException ended) when (ended.Message.Contains("etcdserver: no leader", StringComparison.Ordinal))
        {
            await using Running again = new(ctl.Start(t.Cluster.Members[0], "watch", key, $"--rev={t.FirstRevision + 2}", all));
            return await again.LinesAsync(3, t.Cancellation);
        }
    }

    /// <summary>A command may be refused while there is no leader; whoever gave it gives it again.</summary>
    private static async Task<int> PutUntilDoneAsync(Target t, Etcdctl ctl, string key, string value)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(t.Cancellation);
        patience.CancelAfter(Patience);
        // The value is compared, so that a command that was refused and done all the same is not done twice.
        while (true)
        {
            Programs.Ended put = await ctl.OnAsync(t.Cluster.Endpoints, $"value(\"{key}\") = \"{value}\"\n\nget {key}\n\nput {key} {value}\n\n", ["txn"], patience.Token);
            if (put.ExitCode == 0)
                return put.ExitCode;
        }
    }

    private static JsonArray Lines(List<string> lines) => new([.. lines.Select(line => JsonValue.Create(line))]);
}
