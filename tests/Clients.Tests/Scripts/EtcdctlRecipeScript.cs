using System.Text.Json.Nodes;
using Conclave.Clients.Tests.Support;
using Conclave.Compatibility.Tests.Support;

namespace Conclave.Clients.Tests.Scripts;

/// <summary>etcdctl lock and elect: recipes of the client over leases, transactions, ranges and watches.</summary>
internal static class EtcdctlRecipeScript
{
    public static async Task RunAsync(Target t)
    {
        var ctl = new Etcdctl(t);
        await LockAsync(t, ctl);
        await CommandUnderLockAsync(t, ctl);
        await ElectAsync(t, ctl);
    }

    private static async Task LockAsync(Target t, Etcdctl ctl)
    {
        string name = t.Prefix + "lock";
        await using Running holder = new(ctl.Start(t.Cluster.Members[0], "lock", name, "--ttl=10"));
        t.Seen.Add("the holder prints its key", await holder.LineAsync(t.Cancellation));
        await using Running second = new(ctl.Start(t.Cluster.Members[1], "lock", name));
        await WaitForKeysAsync(t, ctl, name + "/", 2);
        await using Running third = new(ctl.Start(t.Cluster.Members[2], "lock", name));
        await WaitForKeysAsync(t, ctl, name + "/", 3);
        t.Seen.Add("the holder ends by Ctrl-C", await holder.InterruptAsync(t.Cancellation));
        t.Seen.Add("the second holds now", await second.LineAsync(t.Cancellation));
        t.Seen.Add("and two keys are left", await KeysAsync(t, ctl, name + "/"));
        t.Seen.Add("the second ends", await second.InterruptAsync(t.Cancellation));
        t.Seen.Add("the third holds now", await third.LineAsync(t.Cancellation));
        t.Seen.Add("the third ends", await third.InterruptAsync(t.Cancellation));
        t.Seen.Add("no key is left", await KeysAsync(t, ctl, name + "/"));
    }

    private static async Task CommandUnderLockAsync(Target t, Etcdctl ctl)
    {
        string name = t.Prefix + "command";
        await ctl.RunAsync("lock runs a command", "lock", name, "--", "sh", "-c", "echo \"key ${ETCD_LOCK_KEY%/*} rev ${ETCD_LOCK_REV:+set}\"");
        await ctl.RunAsync("lock passes on that the command failed", "lock", name, "--", "sh", "-c", "exit 3");
        t.Seen.Add("no key is left behind a command", await KeysAsync(t, ctl, name + "/"));
    }

    private static async Task ElectAsync(Target t, Etcdctl ctl)
    {
        string name = t.Prefix + "election";
        await using Running observer = new(ctl.Start(t.Cluster.Members[2], "elect", "-l", name));
        await using Running first = new(ctl.Start(t.Cluster.Members[0], "elect", name, "one"));
        t.Seen.Add("the first leads", Lines(await first.LinesAsync(2, t.Cancellation)));
        t.Seen.Add("it is observed", Lines(await observer.LinesAsync(2, t.Cancellation)));
        await using Running second = new(ctl.Start(t.Cluster.Members[1], "elect", name, "two"));
        await WaitForKeysAsync(t, ctl, name + "/", 2);
        t.Seen.Add("the first resigns by Ctrl-C", await first.InterruptAsync(t.Cancellation));
        t.Seen.Add("the second leads", Lines(await second.LinesAsync(2, t.Cancellation)));
        t.Seen.Add("that is observed too", Lines(await observer.LinesAsync(2, t.Cancellation)));
        t.Seen.Add("the second resigns", await second.InterruptAsync(t.Cancellation));
        t.Seen.Add("nobody is left", await KeysAsync(t, ctl, name + "/"));
    }

    private static JsonArray Lines(List<string> lines) => new([.. lines.Select(line => JsonValue.Create(line))]);

    private static async Task<int> KeysAsync(Target t, Etcdctl ctl, string prefix) =>
        (await ctl.ExecuteAsync(t.Cluster.Members[0], null, t.Cancellation, "get", prefix, "--prefix", "--keys-only")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;

    /// <summary>Whoever waits for a lock says nothing, but its key shows that it waits.</summary>
    private static async Task WaitForKeysAsync(Target t, Etcdctl ctl, string prefix, int count)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(t.Cancellation);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        while (await KeysAsync(t, ctl, prefix) < count)
            await Task.Delay(50, patience.Token);
    }
}
