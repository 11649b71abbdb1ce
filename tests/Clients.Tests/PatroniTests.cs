using System.Diagnostics;
using System.Text.Json.Nodes;
using Conclave.Clients.Tests.Postgres;
using Conclave.Compatibility.Tests.Support;
using Conclave.Processes.Servers;
using Conclave.Wire.Etcd.Mvccpb;
using Google.Protobuf;

namespace Conclave.Clients.Tests;

/// <summary>Two PostgreSQL servers under Patroni, which keeps its lock and its state in Conclave. The run takes about 45 s; times are reported, never judged.</summary>
public sealed class PatroniTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task PostgreSQL_fails_over_when_its_primary_dies_and_notices_nothing_when_members_of_Conclave_do()
    {
        PostgresInstallation.Require();
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(new ClusterOptions { Kind = Clusters.SubjectKind }, Cancellation);
        await cluster.WaitUntilAllServeAsync(Patience, Cancellation);
        string directory = await PostgresInstallation.CreateDirectoryAsync(Cancellation);
        using PortLease ports = PortLease.Take(4);
        using var guard = new ProcessGuard();
        using PatroniNode one = new("pg1", cluster.Endpoints, ports.Ports[0], ports.Ports[1], directory, guard), two = new("pg2", cluster.Endpoints, ports.Ports[2], ports.Ports[3], directory, guard);
        try
        {
            await BootstrapAsync(one, two);
            await KillEveryMemberAsync(cluster, one, two);
            await KillPrimaryAsync(cluster, one, two);
            await ReturnAsync(one, two);
        }
        finally
        {
            one.Kill();
            two.Kill();
            await DeleteAsync(directory);
        }
    }

    private static async Task BootstrapAsync(PatroniNode one, PatroniNode two)
    {
        one.Start();
        await one.WaitForRoleAsync("master", Cancellation);
        await one.SqlAsync("create table orders (id serial primary key, note text)", Cancellation);
        two.Start();
        await two.WaitForRoleAsync("replica", Cancellation);
        await one.SqlAsync("insert into orders (note) values ('first')", Cancellation);
        await WaitForRowsAsync(two, 1);
    }

    /// <summary>The leader first, then whoever leads after it, and again: every Patroni loses the member it talks to at least once, and each time the lock must be kept.</summary>
    private async Task KillEveryMemberAsync(ProcessCluster cluster, PatroniNode one, PatroniNode two)
    {
        JsonNode before = (await one.StatusAsync(Cancellation))!, follower = (await two.StatusAsync(Cancellation))!;
        KeyValue lockBefore = await LockAsync(cluster);
        int rows = 1;
        HashSet<int> killed = [];
        int target = await cluster.WaitForLeaderAsync(Patience, Cancellation);
        while (true)
        {
            cluster.Members[target].Kill();
            killed.Add(target);
            output.WriteLine($"{cluster.Members[target].Name} killed");
            // Longer than the lock would live if nobody renewed it.
            for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(killed.Count == 1 ? PatroniConfiguration.TtlSeconds + 2 : 3); await Task.Delay(200, Cancellation))
            {
                await one.SqlAsync("insert into orders (note) values ('while members die')", Cancellation);
                rows++;
            }
            cluster.Members[target].Start();
            await cluster.WaitUntilAllServeAsync(Patience, Cancellation);
            if (killed.Count == cluster.Members.Count)
                break;
            target = Enumerable.Range(0, cluster.Members.Count).First(member => !killed.Contains(member));
        }
        KeyValue lockAfter = await LockAsync(cluster);
        Assert.Equal(lockBefore, lockAfter);   // same revision: the lock was never even written again
        AssertUndisturbed(before, (await one.StatusAsync(Cancellation))!, one);
        AssertUndisturbed(follower, (await two.StatusAsync(Cancellation))!, two);
        await WaitForRowsAsync(two, rows);
    }

    private static void AssertUndisturbed(JsonNode before, JsonNode after, PatroniNode node)
    {
        foreach (string what in (string[])["role", "state", "timeline", "postmaster_start_time"])
            Assert.True(JsonNode.DeepEquals(before[what], after[what]), $"{node.Name}: {what} was {before[what]} and is {after[what]}\n{node.Log}");
        // Said before a primary gives up because it cannot reach its store.
        Assert.DoesNotContain("demot", node.Log, StringComparison.OrdinalIgnoreCase);
    }

    private async Task KillPrimaryAsync(ProcessCluster cluster, PatroniNode one, PatroniNode two)
    {
        KeyValue lockBefore = await LockAsync(cluster);
        int rows = int.Parse(await two.SqlAsync("select count(*) from orders", Cancellation), System.Globalization.CultureInfo.InvariantCulture);
        one.Kill();
        long start = Stopwatch.GetTimestamp();
        JsonNode promoted = await two.WaitForRoleAsync("master", Cancellation);
        output.WriteLine($"pg2 took over {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s after pg1 was killed; the lock lives {PatroniConfiguration.TtlSeconds} s");
        KeyValue lockAfter = await LockAsync(cluster);
        Assert.Equal(("pg1", "pg2"), (lockBefore.Value.ToStringUtf8(), lockAfter.Value.ToStringUtf8()));
        Assert.True(lockAfter.CreateRevision > lockBefore.ModRevision, "The lock was taken over without having ended.");
        Assert.Equal(2, (int)promoted["timeline"]!);
        await two.SqlAsync("insert into orders (note) values ('after the failover')", Cancellation);
        await WaitForRowsAsync(two, rows + 1);
    }

    private static async Task ReturnAsync(PatroniNode one, PatroniNode two)
    {
        one.Start();
        await one.WaitForRoleAsync("replica", Cancellation);
        await WaitForRowsAsync(one, int.Parse(await two.SqlAsync("select count(*) from orders", Cancellation), System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal("master", (string?)(await two.StatusAsync(Cancellation))!["role"]);
    }

    private static async Task WaitForRowsAsync(PatroniNode node, int count)
    {
        string seen = "";
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < Patience; await Task.Delay(50, Cancellation))
        {
            try
            {
                seen = await node.SqlAsync("select count(*) from orders", Cancellation);
            }
            catch (InvalidOperationException refused)
            {
                seen = refused.Message;   // a server that comes back is started and stopped again while it is rewound
            }
            if (seen == $"{count}")
                return;
        }
        Assert.Fail($"{node.Name} should have {count} rows and has: {seen}\n{node.Log}");
    }

    private static async Task<KeyValue> LockAsync(ProcessCluster cluster)
    {
        ByteString key = ByteString.CopyFromUtf8($"/service/{PatroniConfiguration.Scope}/leader");
        int member = await cluster.WaitForLeaderAsync(Patience, Cancellation);
        return Assert.Single((await cluster.Clients[member].RangeAsync(new() { Key = key }, Patience, Cancellation)).Required.Kvs);
    }

    /// <summary>The last processes of a killed server may still be ending.</summary>
    private static async Task DeleteAsync(string directory)
    {
        for (long start = Stopwatch.GetTimestamp(); ;)
        {
            try
            {
                Directory.Delete(directory, recursive: true);
                return;
            }
            catch (IOException) when (Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(10))
            {
                await Task.Delay(50, CancellationToken.None);
            }
        }
    }
}
