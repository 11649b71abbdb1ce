using System.Diagnostics;
using System.Text.Json;
using Conclave.Client.Tests;

namespace Conclave.Cli.Tests.Commands;

/// <summary>Changes of the members of real clusters.</summary>
public class MemberCommandTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_member_is_added_and_caught_up_and_promoted_and_takes_over_from_one_that_works()
    {
        await using Cluster cluster = await Cluster.StartAsync();
        Shell shell = cluster.Shell;
        (int client, int peer) = (Shell.Ports.Take(), Shell.Ports.Take());
        string url = $"http://127.0.0.1:{peer}";

        Answer plan = await shell.RunAsync("member", "add", "m4", "--peer-urls", url, "--learner", "--dry-run");
        Assert.Equal((0, $"allowed: add m4 at {url} as a learner\n"), (plan.Code, plan.Out));
        Assert.Equal(3, (await cluster.MembersAsync()).Length);

        JsonElement added = await cluster.UntilDoneAsync("member", "add", "m4", "--peer-urls", url, "--learner", "-o", "json");
        JsonElement listed = Assert.Single(await cluster.MembersOnceAsync(all => all.Length == 4), member => member.GetProperty("is_learner").GetBoolean());
        Assert.Equal(added.GetProperty("added_id").GetString(), listed.GetProperty("id").GetString());
        Assert.Contains("unstarted", (await shell.RunAsync("member", "list")).Out, StringComparison.Ordinal);
        Answer early = await shell.RunAsync("member", "promote", listed.GetProperty("id").GetString()!);
        Assert.Equal(4, early.Code);
        Assert.Contains("does not answer", early.Error, StringComparison.Ordinal);

        string initial = added.GetProperty("start").GetProperty("initial_cluster").GetString()!;
        await using EtcdServer newcomer = await EtcdServer.JoinAsync("m4", client, peer, initial);
        await cluster.UntilDoneAsync("member", "promote", "m4", "-o", "json");
        await cluster.MembersOnceAsync(all => all.All(member => !member.GetProperty("is_learner").GetBoolean()));

        string leader = await cluster.LeaderAsync();
        Answer replaced = await cluster.UntilAsync("member", "replace", leader, "--peer-urls", url);
        Assert.StartsWith("Member ", replaced.Out, StringComparison.Ordinal);
        JsonElement[] left = await cluster.MembersOnceAsync(all => all.Length == 3);
        Assert.DoesNotContain(left, member => member.GetProperty("name").GetString() == leader);
    }

    [Fact]
    public async Task A_lost_member_is_replaced_at_its_old_address_and_what_cannot_be_committed_is_refused()
    {
        await using Cluster cluster = await Cluster.StartAsync();
        Shell shell = cluster.Shell;
        string leader = await cluster.LeaderAsync();
        int lost = (int.Parse(leader[1..], System.Globalization.CultureInfo.InvariantCulture) % 3) + 1;
        EtcdServer gone = cluster.Servers[lost - 1];

        Answer risky = await shell.RunAsync("member", "remove", $"m{lost}");
        Assert.Equal(4, risky.Code);
        Assert.Contains("the next failure stops writes", risky.Error, StringComparison.Ordinal);

        await gone.KillAsync();
        Answer refused = await shell.RunAsync("member", "remove", leader, "--force");
        Assert.Equal(6, refused.Code);
        Assert.Contains($"Start m{lost} first", refused.Error, StringComparison.Ordinal);

        JsonElement replaced = await cluster.UntilDoneAsync("member", "replace", $"m{lost}", "--peer-urls", gone.PeerUrl, "-o", "json");
        Assert.Equal(["remove", "add"], replaced.GetProperty("steps").EnumerateArray().Select(step => step.GetString()));
        string initial = replaced.GetProperty("start").GetProperty("initial_cluster").GetString()!;
        await using EtcdServer successor = await EtcdServer.JoinAsync($"m{lost}", gone.Port, gone.PeerPort, initial);
        await cluster.UntilDoneAsync("move-leader", $"m{lost}", "-o", "json");
        Assert.Equal($"m{lost}", await cluster.LeaderAsync());
        Answer again = await shell.RunAsync("member", "lead", $"m{lost}");
        Assert.Equal((0, ""), (again.Code, again.Out));

        await successor.KillAsync();
        await cluster.Servers[lost % 3].KillAsync();
        Answer stuck = await shell.RunAsync("member", "remove", $"m{lost}", "--force");
        Assert.Equal(6, stuck.Code);
        Assert.Contains("a change needs 2", stuck.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_address_of_a_member_is_changed()
    {
        await using Cluster cluster = await Cluster.StartAsync();

        await cluster.UntilDoneAsync("member", "update", "m2", "--peer-urls", $"http://localhost:{cluster.Servers[1].PeerPort},{cluster.Servers[1].PeerUrl}", "-o", "json");

        await cluster.MembersOnceAsync(all => all.Single(member => member.GetProperty("name").GetString() == "m2").GetProperty("peer_urls").GetArrayLength() == 2);
    }

    /// <summary>Three members that only one test uses.</summary>
    private sealed class Cluster(EtcdServer[] servers) : IAsyncDisposable
    {
        public EtcdServer[] Servers => servers;

        public Shell Shell { get; } = new(string.Join(',', servers.Select(server => server.Endpoint)));

        public static async Task<Cluster> StartAsync() => new(await EtcdServer.StartClusterAsync(3, Shell.Ports));

        public async Task<JsonElement[]> MembersAsync() =>
            [.. JsonDocument.Parse((await Shell.RunAsync("member", "list", "-o", "json")).Out).RootElement.GetProperty("members").EnumerateArray()];

        /// <summary>The list as soon as it is so: this etcd answers from what the member that was asked has applied, which may be a change behind.</summary>
        public async Task<JsonElement[]> MembersOnceAsync(Func<JsonElement[], bool> isSo)
        {
            for (long started = Stopwatch.GetTimestamp(); ; await Task.Delay(50, TestContext.Current.CancellationToken))
            {
                JsonElement[] all = await MembersAsync();
                if (isSo(all)) return all;
                Assert.True(Stopwatch.GetElapsedTime(started) < Patience, $"the members stay {string.Join(", ", all)}");
            }
        }

        /// <summary>Name of the leader.</summary>
        public async Task<string> LeaderAsync()
        {
            Answer status = await Shell.RunAsync("status", "--cluster", "-o", "json");
            string id = status.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)
                .First(member => member.GetProperty("up").GetBoolean()).GetProperty("leader_id").GetString()!;
            return (await MembersAsync()).First(member => member.GetProperty("id").GetString() == id).GetProperty("name").GetString()!;
        }

        /// <summary>Asks again while the cluster says "not yet": a young cluster wants to see all its members for a while before it changes them.</summary>
        public async Task<Answer> UntilAsync(params string[] arguments)
        {
            long started = Stopwatch.GetTimestamp();
            while (true)
            {
                Answer answer = await Shell.RunAsync(arguments);
                if (answer.Code == 0) return answer;
                Assert.True(Stopwatch.GetElapsedTime(started) < Patience, $"{string.Join(' ', arguments)}: {answer}");
                await Task.Delay(200, TestContext.Current.CancellationToken);
            }
        }

        public async Task<JsonElement> UntilDoneAsync(params string[] arguments) => JsonDocument.Parse((await UntilAsync(arguments)).Out).RootElement;

        public async ValueTask DisposeAsync()
        {
            foreach (EtcdServer server in servers) await server.DisposeAsync();
        }
    }
}
