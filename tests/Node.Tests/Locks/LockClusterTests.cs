using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Conclave.Node.Tests.Nodes;

namespace Conclave.Node.Tests.Locks;

/// <summary>Queues over several members, some of which go away meanwhile.</summary>
public sealed class LockClusterTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Waiters_on_all_members_get_their_turn_after_the_leader_is_gone()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3);
        string leader = await cluster.LeaderAsync();
        TestNode[] others = [.. new[] { "n1", "n2", "n3" }.Where(name => name != leader).Select(cluster.Node)];
        foreach (long lease in (long[])[1, 2, 3]) await others[0].GrantAsync(lease, 600);
        Assert.Equal("l/1", await others[0].LockAsync("l", 1));
        using LockCalls.HangingCall second = others[0].BeginLock("l", 2, requiresLeader: true);
        await others[0].QueuesAsync("l", "l/1", "l/2");
        using LockCalls.HangingCall third = others[1].BeginLock("l", 3);
        await others[0].QueuesAsync("l", "l/1", "l/2", "l/3");

        await cluster.StopAsync(leader);
        await others[0].QueuesAsync("l", "l/1", "l/2", "l/3");
        Assert.False(second.Answer.IsCompleted || third.Answer.IsCompleted);
        await others[1].UnlockAsync("l/1");
        Assert.Equal("l/2", await second.Answer);
        await others[1].UnlockAsync("l/2");
        Assert.Equal("l/3", await third.Answer);
    }

    [Fact]
    public async Task Without_a_majority_nobody_is_told_that_it_holds_and_who_asked_for_a_leader_is_sent_away()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3);
        TestNode node = cluster.Node("n1");
        foreach (long lease in (long[])[1, 2, 3]) await node.GrantAsync(lease, 600);
        await node.LockAsync("l", 1);
        using LockCalls.HangingCall patient = node.BeginLock("l", 2);
        await node.QueuesAsync("l", "l/1", "l/2");
        using LockCalls.HangingCall demanding = node.BeginLock("l", 3, requiresLeader: true);
        await node.QueuesAsync("l", "l/1", "l/2", "l/3");

        await cluster.StopAsync("n2");
        await cluster.StopAsync("n3");
        Assert.Equal("etcdserver: no leader", await demanding.Answer.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
        Assert.False(patient.Answer.IsCompleted);

        await cluster.StartAsync("n2");
        await node.QueuesAsync("l", "l/1", "l/2");   // the key of the other went as soon as it could
        await cluster.Node("n2").UnlockAsync("l/1");
        Assert.Equal("l/2", await patient.Answer.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
    }

    /// <summary>
    /// Contenders whose leases are short and that lose them on purpose now and then, while members come and go. Each holder writes a register,
    /// guarded by its token: a write with a token below one that was written before would show two holders at once that both could do harm.
    /// </summary>
    [Fact]
    public async Task No_two_hold_at_once_while_members_come_and_go()
    {
        const int Contenders = 8;
        await using MemberCluster cluster = await MemberCluster.StartAsync(3);
        using var done = new CancellationTokenSource();
        var written = new ConcurrentQueue<Writing>();
        string[] names = ["n1", "n2", "n3"];
        TestNode[] nodes = [.. names.Select(cluster.Node)];   // replaced under the contenders' hands: they find a node that has gone, as clients do
        Task[] contenders = [.. Enumerable.Range(0, Contenders).Select(i => ContendAsync(nodes, i, written, done.Token))];
        for (int i = 0; i < names.Length; i++)
        {
            int before = written.Count;
            await cluster.StopAsync(names[i]);
            await TestNode.EventuallyAsync("work goes on without one", () => Task.FromResult(written.Count > before + 5 || contenders.Any(c => c.IsFaulted)));
            nodes[i] = await cluster.StartAsync(names[i]);
        }

        await done.CancelAsync();
        await Task.WhenAll(contenders);
        Writing[] all = [.. written.OrderBy(w => w.Revision)];
        output.WriteLine($"{all.Length} writes under {all.Select(w => w.Token).Distinct().Count()} tokens of {all.Select(w => w.Contender).Distinct().Count()} contenders");
        Assert.True(all.Select(w => w.Contender).Distinct().Count() > 1);
        for (int i = 1; i < all.Length; i++)
            Assert.True(all[i].Token >= all[i - 1].Token, $"{all[i]} came after {all[i - 1]}");
        Assert.All(all.GroupBy(w => w.Token), byToken => Assert.Single(byToken.Select(w => w.Contender).Distinct()));
    }

    private sealed record Writing(long Revision, long Token, int Contender);

    private static async Task ContendAsync(TestNode[] nodes, int number, ConcurrentQueue<Writing> written, CancellationToken done)
    {
        var random = new Random(number);
        for (long attempt = 0; !done.IsCancellationRequested; attempt++)
        {
            long lease = (number + 1) * 1_000_000L + attempt;
            try
            {
                TestNode node = nodes[random.Next(nodes.Length)];
                await node.GrantAsync(lease, 2);
                using LockCalls.HangingCall call = node.BeginLock("stress", lease);
                if (random.Next(4) == 0) _ = Task.Delay(random.Next(50), CancellationToken.None).ContinueWith(_ => call.HangUp(), TaskScheduler.Default);
                string key = await call.Answer.WaitAsync(TimeSpan.FromSeconds(20), CancellationToken.None);
                if (!key.StartsWith("stress/", StringComparison.Ordinal)) continue;
                await WriteAsync(node, key, lease, number, random, written);
                if (random.Next(8) > 0) await nodes[random.Next(nodes.Length)].UnlockAsync(key);   // else the lease has to run out
            }
            catch (Exception problem) when (problem is HttpRequestException or TaskCanceledException or TimeoutException or ObjectDisposedException or Xunit.Sdk.XunitException)
            {
                await Task.Delay(20, CancellationToken.None);   // a member that is not there just now
            }
        }
    }

    /// <summary>Some writes, as long as the transaction finds the own key with the own token: what a resource that checks tokens does.</summary>
    private static async Task WriteAsync(TestNode node, string key, long lease, int number, Random random, ConcurrentQueue<Writing> written)
    {
        (_, JsonElement found) = await node.PostAsync("/v3/kv/range", new { key = TestNode.Base64(key) });
        if (!found.TryGetProperty("kvs", out JsonElement kvs)) return;   // over already
        long token = LockCalls.Number(kvs[0].GetProperty("create_revision"));
        Assert.Equal(lease, LockCalls.Number(kvs[0].GetProperty("lease")));
        for (int i = random.Next(4); i >= 0; i--)
        {
            (HttpStatusCode status, JsonElement body) = await node.PostAsync("/v3/kv/txn", new
            {
                compare = new[] { new { key = TestNode.Base64(key), target = "CREATE", result = "EQUAL", create_revision = token.ToString(CultureInfo.InvariantCulture) } },
                success = new[] { new { request_put = new { key = TestNode.Base64("register"), value = TestNode.Base64($"{token}") } } },
            });
            if (status != HttpStatusCode.OK || !body.TryGetProperty("succeeded", out _)) return;
            written.Enqueue(new Writing(TestNode.Revision(body), token, number));
            await Task.Delay(random.Next(20), CancellationToken.None);
        }
    }
}
