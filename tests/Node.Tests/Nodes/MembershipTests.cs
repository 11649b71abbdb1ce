using System.Net;
using System.Text.Json;
using Conclave.Node.Options;
using Conclave.Node.Peers;
using Conclave.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Conclave.Node.Tests.Nodes;

/// <summary>Members come and go while the cluster serves.</summary>
public sealed class MembershipTests
{
    [Fact]
    public async Task A_learner_follows_is_promoted_and_counts()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(1);
        await cluster.Any().PutAsync("a", "1");
        TestNode learner = await cluster.JoinAsync("n2", isLearner: true);
        await cluster.ReadsAsync("n2", "a", "1");

        await cluster.IsListedAsync("n2");
        Assert.True((await cluster.ListAsync()).Single(m => m.Name == "n2").IsLearner);
        (HttpStatusCode status, JsonElement refused) = await learner.PostAsync("/v3/kv/put", new { key = TestNode.Base64("a"), value = TestNode.Base64("2") });
        Assert.Equal((HttpStatusCode.BadRequest, "etcdserver: rpc not supported for learner"), (status, MemberCluster.MessageOf(refused)));
        (_, JsonElement own) = await learner.PostAsync("/v3/maintenance/status", new { });
        Assert.True(own.GetProperty("isLearner").GetBoolean());

        MemberCluster.Listed[] after = await cluster.ChangeAsync("promote", "n2");
        Assert.All(after, m => Assert.False(m.IsLearner));
        await TestNode.EventuallyAsync("n2 serves", async () => (await learner.PostAsync("/v3/kv/put", new { key = TestNode.Base64("a"), value = TestNode.Base64("3") })).Status == HttpStatusCode.OK);
        Assert.Equal("3", await cluster.Node("n1").GetAsync("a"));
    }

    [Fact]
    public async Task An_added_member_votes_by_itself_once_it_has_caught_up()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3);
        await cluster.JoinAsync("n4");
        await cluster.IsVoterAsync("n4");

        // Two of four are no majority any more: with one of the first three away, the new one is needed.
        await cluster.StopAsync("n1");
        await cluster.Node("n2").PutAsync("a", "1");
        Assert.Equal("1", await cluster.Node("n4").GetAsync("a"));
        await cluster.StopAsync("n4");
        await cluster.StartAsync("n4");   // its own directory rules over its flags
        Assert.Equal("1", await cluster.Node("n4").GetAsync("a"));
    }

    [Fact]
    public async Task A_member_that_never_starts_does_not_stop_the_cluster_and_can_be_removed()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(1);
        await cluster.IsListedAsync("n1");
        (HttpStatusCode status, JsonElement added) = await cluster.AddAsync("n2", isLearner: false);
        Assert.Equal(HttpStatusCode.OK, status);
        string id = added.GetProperty("member").GetProperty("ID").GetString()!;
        Assert.Equal(["", "n1"], (await cluster.ListAsync()).Select(m => m.Name).Order());

        await cluster.Any().PutAsync("a", "1");
        (status, _) = await cluster.Any().PostAsync("/v3/cluster/member/remove", new { ID = id });
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("n1", Assert.Single(await cluster.ListAsync()).Name);
    }

    [Fact]
    public async Task A_removed_follower_stops_and_says_why_and_so_it_does_when_it_is_started_again()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3);
        string gone = await cluster.FollowerAsync();
        string message = await RemoveAndStopAsync(cluster, gone);
        Assert.Contains("was removed from the cluster", message);
        Assert.Contains("conclave member add", message);

        TestNode again = await cluster.StartAsync(gone);
        await TestNode.EventuallyAsync("the removed member is told so", () => Task.FromResult(again.Fatal is MemberRemovedException));
        await cluster.StopAsync(gone);
        await cluster.Any().PutAsync("a", "2");
    }

    /// <summary>A hand-over is tried for as long as an election takes. That is 50 s here, and nobody could take over.</summary>
    [Fact]
    public async Task A_sole_voter_with_a_learner_does_not_look_for_a_successor_when_it_stops()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(1);
        await cluster.JoinAsync("n2", isLearner: true);
        await cluster.StopAsync("n1");
        cluster.Reconfigure("n1", options => options with { ElectionTimeout = TimeSpan.FromSeconds(50), HeartbeatInterval = TimeSpan.FromMilliseconds(100) });
        TestNode alone = await cluster.StartAsync("n1");
        await TestNode.EventuallyAsync("it leads", async () => (await alone.PostAsync("/v3/kv/put", new { key = TestNode.Base64("a"), value = TestNode.Base64("1") })).Status == HttpStatusCode.OK);
        await cluster.ReadsAsync("n2", "a", "1");   // so the learner is connected

        Task stopped = cluster.StopAsync("n1");

        Assert.Same(stopped, await Task.WhenAny(stopped, Task.Delay(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken)));
        await stopped;
    }

    /// <summary>As etcd does for a list that is asked for as linearizable, which is what etcdctl asks for.</summary>
    [Fact]
    public async Task Whoever_is_asked_after_a_change_shows_it()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3);
        foreach (string name in (string[])["n1", "n2", "n3"]) await cluster.IsListedAsync(name);
        for (int round = 0; round < 3; round++)
        {
            string[] peerUrls = [NodeOptions.Plain(TestNode.FreeUrl())];
            (HttpStatusCode status, JsonElement added) = await cluster.Node($"n{round + 1}").PostAsync("/v3/cluster/member/add", new { peerURLs = peerUrls, isLearner = true });
            Assert.True(status == HttpStatusCode.OK, added.GetRawText());
            string id = added.GetProperty("member").GetProperty("ID").GetString()!;
            Assert.All(await ShownByOthersAsync(round), ids => Assert.Contains(id, ids));

            (status, JsonElement removed) = await cluster.Node($"n{round + 1}").PostAsync("/v3/cluster/member/remove", new { ID = id });
            Assert.True(status == HttpStatusCode.OK, removed.GetRawText());
            Assert.All(await ShownByOthersAsync(round), ids => Assert.DoesNotContain(id, ids));
        }

        async Task<string[][]> ShownByOthersAsync(int asked)
        {
            var shown = new List<string[]>();
            foreach (int other in Enumerable.Range(0, 3).Where(i => i != asked))
            {
                (HttpStatusCode status, JsonElement list) = await cluster.Node($"n{other + 1}").PostAsync("/v3/cluster/member/list", new { linearizable = true });
                Assert.True(status == HttpStatusCode.OK, list.GetRawText());
                shown.Add([.. list.GetProperty("members").EnumerateArray().Select(m => m.GetProperty("ID").GetString()!)]);
            }

            return [.. shown];
        }
    }

    /// <summary>Its flags say for ever that it is alone, and the damage may be where the log says otherwise: at the beginning, before anybody was added, or behind.</summary>
    [Theory]
    [InlineData(0.1)]
    [InlineData(0.9)]
    public async Task A_founder_whose_cluster_has_grown_repairs_its_log_from_the_others(double place)
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(1);
        for (int i = 0; i < 20; i++) await cluster.Node("n1").PutAsync($"before{i}", new string('x', 4_000));
        await cluster.JoinAsync("n2");
        await cluster.IsVoterAsync("n2");
        await cluster.JoinAsync("n3");
        await cluster.IsVoterAsync("n3");
        for (int i = 0; i < 20; i++) await cluster.Node("n1").PutAsync($"after{i}", new string('x', 4_000));
        await cluster.StopAsync("n1");
        string log = Directory.GetFiles(Path.Combine(cluster.Options("n1").DataDir, "member"), "wal-*").Order(StringComparer.Ordinal).First();
        using (FileStream file = File.OpenWrite(log))
        {
            file.Position = (long)(40 * 4_096 * place);   // so much of it is acknowledged entries
            file.Write(new byte[4_096]);
        }

        await TestNode.EventuallyAsync("the others go on", async () => (await cluster.Node("n2").PostAsync("/v3/kv/put", new { key = TestNode.Base64("meanwhile"), value = TestNode.Base64("1") })).Status == HttpStatusCode.OK);
        TestNode founder = await cluster.StartAsync("n1");

        await TestNode.EventuallyAsync("it has everything again", async () =>
            (await founder.PostAsync("/v3/kv/range", new { key = TestNode.Base64("after19") })).Status == HttpStatusCode.OK && await founder.GetAsync("meanwhile") == "1" && await founder.GetAsync("before0") is not null);
        await TestNode.EventuallyAsync("it says that nothing is missing any more", async () => (await founder.GetTextAsync("/metrics")).Contains("conclave_log_lost_end 0\n", StringComparison.Ordinal));
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(cluster.Options("n1").DataDir, "member", "quarantine")));
        await cluster.StopAsync("n2");   // two of three are a majority only with it
        await TestNode.EventuallyAsync("it counts again", async () => (await cluster.Node("n3").PostAsync("/v3/kv/put", new { key = TestNode.Base64("a"), value = TestNode.Base64("2") })).Status == HttpStatusCode.OK);
        Assert.Equal("2", await founder.GetAsync("a"));
    }

    /// <summary>Company that does not vote, or does no more, may lack what the founder has acknowledged alone.</summary>
    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task A_founder_that_votes_alone_refuses_to_start_on_a_damaged_log_and_keeps_all_of_it(bool asLearner, bool isRemoved)
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(1);
        for (int i = 0; i < 20; i++) await cluster.Node("n1").PutAsync($"k{i}", new string('x', 4_000));
        await cluster.JoinAsync("n2", asLearner);
        if (!asLearner) await cluster.IsVoterAsync("n2");
        if (isRemoved) await cluster.ChangeAsync("remove", "n2");
        await cluster.StopAsync("n2");
        for (int i = 0; i < 20; i++) await cluster.Node("n1").PutAsync($"alone{i}", "1");
        await cluster.StopAsync("n1");
        string log = Directory.GetFiles(Path.Combine(cluster.Options("n1").DataDir, "member"), "wal-*").Order(StringComparer.Ordinal).First();
        byte[] damaged = File.ReadAllBytes(log);
        damaged.AsSpan(40_000, 4_096).Clear();
        File.WriteAllBytes(log, damaged);

        StorageException refusal = await Assert.ThrowsAsync<StorageException>(() => cluster.StartAsync("n1"));

        Assert.Equal(StorageErrorKind.Corrupt, refusal.Kind);
        Assert.Equal(damaged, File.ReadAllBytes(log));   // nothing of it is given up
    }

    [Fact]
    public async Task A_removed_member_answers_at_once_that_it_is_unavailable()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3);
        string gone = await cluster.FollowerAsync();
        await cluster.IsListedAsync(gone);
        string id = await cluster.IdOfAsync(gone);
        (HttpStatusCode status, _) = await cluster.Other(gone).PostAsync("/v3/cluster/member/remove", new { ID = id });
        Assert.Equal(HttpStatusCode.OK, status);

        // It ends about two seconds after it has heard; until then it answers, and does not let anybody wait.
        JsonElement answer = default;
        await TestNode.EventuallyAsync("it says so", async () =>
        {
            (status, answer) = await cluster.Node(gone).PostAsync("/v3/kv/put", new { key = TestNode.Base64("a"), value = TestNode.Base64("1") });
            return status == HttpStatusCode.ServiceUnavailable && MemberCluster.MessageOf(answer) == "etcdserver: server stopped";
        });
    }

    [Fact]
    public async Task The_alarm_of_a_removed_member_goes_with_it_and_one_of_nobody_stays()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3);
        string gone = await cluster.FollowerAsync();
        await cluster.IsListedAsync(gone);
        string id = await cluster.IdOfAsync(gone);
        foreach (string member in new[] { id, "12345" })
            Assert.Equal(HttpStatusCode.OK, (await cluster.Other(gone).PostAsync("/v3/maintenance/alarm", new { action = "ACTIVATE", memberID = member, alarm = "NOSPACE" })).Status);
        Assert.Equal(2, (await AlarmsAsync()).Length);

        await RemoveAndStopAsync(cluster, gone);

        await TestNode.EventuallyAsync("the alarm is gone", async () => (await AlarmsAsync()) is ["12345"]);

        async Task<string[]> AlarmsAsync()
        {
            (_, JsonElement body) = await cluster.Other(gone).PostAsync("/v3/maintenance/alarm", new { action = "GET" });
            return body.TryGetProperty("alarms", out JsonElement alarms) ? [.. alarms.EnumerateArray().Select(a => a.GetProperty("memberID").GetString()!)] : [];
        }
    }

    [Fact]
    public async Task A_removed_leader_hands_over_and_stops()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3);
        string gone = await cluster.LeaderAsync();
        await RemoveAndStopAsync(cluster, gone);

        await cluster.Any().PutAsync("a", "1");
        Assert.Equal(2, (await cluster.ListAsync()).Length);
        Assert.NotEqual(gone, await cluster.LeaderAsync());
    }

    [Fact]
    public async Task All_members_are_replaced_one_after_the_other_while_clients_write()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3);
        int written = 0;
        for (int round = 1; round <= 3; round++)
        {
            string old = $"n{round}", next = $"m{round}";
            await WriteAsync();
            await cluster.JoinAsync(next);
            await WriteAsync();
            await cluster.IsVoterAsync(next);
            await RemoveAndStopAsync(cluster, old);
            await WriteAsync();
        }

        Assert.Equal(["m1", "m2", "m3"], (await cluster.ListAsync()).Select(m => m.Name).Order());
        foreach (string name in new[] { "m1", "m2", "m3" })
        {
            for (int i = 0; i < written; i++) Assert.Equal($"{i}", await cluster.Node(name).GetAsync($"k{i}"));
        }

        async Task WriteAsync()
        {
            for (int i = 0; i < 5; i++, written++) await cluster.Any().PutAsync($"k{written}", $"{written}");
        }
    }

    [Fact]
    public async Task A_member_moves_to_another_address()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3);
        string moved = await cluster.FollowerAsync();
        await cluster.IsListedAsync(moved);
        string id = await cluster.IdOfAsync(moved);
        await cluster.StopAsync(moved);
        Uri url = TestNode.FreeUrl();
        (HttpStatusCode status, JsonElement answer) = await cluster.Any().PostAsync("/v3/cluster/member/update", new { ID = id, peerURLs = new[] { NodeOptions.Plain(url) } });
        Assert.True(status == HttpStatusCode.OK, answer.GetRawText());
        Assert.Equal([NodeOptions.Plain(url)], (await cluster.ListAsync()).Single(m => m.Id == id).PeerUrls);

        // The flags that founded the cluster name the old address. The directory knows better, once it has heard; until then the old flags start it.
        await using TestNode node = await TestNode.StartAsync(cluster.Options(moved) with { ListenPeerUrls = [url], InitialAdvertisePeerUrls = cluster.Options(moved).ListenPeerUrls });
        await cluster.Any().PutAsync("a", "1");
        await TestNode.EventuallyAsync("the moved member follows", async () => await node.GetAsync("a") == "1");
    }

    [Fact]
    public async Task A_member_that_was_moved_while_it_was_down_starts_at_its_new_address_when_the_cluster_knows_it()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3);
        string moved = await cluster.FollowerAsync();
        await cluster.IsListedAsync(moved);
        string id = await cluster.IdOfAsync(moved);
        await cluster.Any().PutAsync("a", "1");
        await cluster.ReadsAsync(moved, "a", "1");
        await cluster.StopAsync(moved);
        Uri url = TestNode.FreeUrl();
        cluster.Reconfigure(moved, o => o with
        {
            ListenPeerUrls = [url],
            InitialAdvertisePeerUrls = [url],
            InitialClusterState = ClusterState.Existing,
            InitialCluster = [.. o.InitialCluster.Select(m => m.Name == moved ? new InitialMember(moved, [url]) : m)],
        });
        (HttpStatusCode status, JsonElement answer) = await cluster.Any().PostAsync("/v3/cluster/member/update", new { ID = id, peerURLs = new[] { NodeOptions.Plain(url) } });
        Assert.True(status == HttpStatusCode.OK, answer.GetRawText());
        await cluster.Any().PutAsync("b", "2");
        await cluster.StartAsync(moved);

        await cluster.ReadsAsync(moved, "b", "2");
    }

    [Fact]
    public async Task A_founder_whose_log_was_cut_before_it_knew_others_catches_up_from_them()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(1);
        for (int i = 0; i < 50; i++) await cluster.Any().PutAsync($"k{i}", new string('x', 4_000));
        foreach (string name in new[] { "n2", "n3" })
        {
            await cluster.JoinAsync(name);
            await cluster.IsVoterAsync(name);
        }

        await cluster.Any().PutAsync("a", "1");
        foreach (string name in new[] { "n2", "n3" }) await cluster.ReadsAsync(name, "a", "1");
        await cluster.StopAsync("n1");
        string log = Directory.GetFiles(Path.Combine(cluster.Options("n1").DataDir, "member"), "wal-*").Order(StringComparer.Ordinal).First();
        using (FileStream file = File.OpenWrite(log))
        {
            file.Position = 100_000;   // among what it wrote when it was alone
            file.Write(new byte[4_096]);
        }

        InitialMember[] all = [.. new[] { "n1", "n2", "n3" }.Select(name => new InitialMember(name, cluster.Options(name).ListenPeerUrls))];
        cluster.Reconfigure("n1", o => o with { InitialClusterState = ClusterState.Existing, InitialCluster = [.. all] });
        await cluster.StartAsync("n1");

        await cluster.ReadsAsync("n1", "a", "1");
    }

    [Fact]
    public async Task Changes_that_cannot_be_are_refused_in_the_words_that_clients_know()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(1);
        string id = (await cluster.ListAsync()).Single().Id, own = NodeOptions.Plain(cluster.Options("n1").ListenPeerUrls[0]);
        foreach ((string what, object request, string message) in new (string, object, string)[]
        {
            ("add", new { peerURLs = Array.Empty<string>() }, "etcdserver: given member URLs are invalid"),
            ("add", new { peerURLs = new[] { "127.0.0.1:1" } }, "etcdserver: given member URLs are invalid"),
            ("add", new { peerURLs = new[] { own } }, "etcdserver: Peer URLs already exists"),
            ("remove", new { ID = "77" }, "etcdserver: member not found"),
            ("update", new { ID = "77", peerURLs = new[] { "http://127.0.0.1:1" } }, "etcdserver: member not found"),
            ("promote", new { ID = "77" }, "etcdserver: member not found"),
            ("promote", new { ID = id }, "etcdserver: can only promote a learner member"),
            ("remove", new { ID = id }, "etcdserver: re-configuration failed due to not enough started members"),
        })
        {
            // The first leader describes the members by itself, and until it has, the addresses are not known to the membership.
            await TestNode.EventuallyAsync($"{what} is answered with {message}", async () =>
            {
                (HttpStatusCode status, JsonElement answer) = await cluster.Any().PostAsync($"/v3/cluster/member/{what}", request);
                return status != HttpStatusCode.OK && MemberCluster.MessageOf(answer) == message;
            });
        }

        (HttpStatusCode added, JsonElement learner) = await cluster.AddAsync("n2", isLearner: true);
        Assert.Equal(HttpStatusCode.OK, added);
        (_, JsonElement second) = await cluster.Any().PostAsync("/v3/cluster/member/add", new { peerURLs = new[] { NodeOptions.Plain(TestNode.FreeUrl()) }, isLearner = true });
        Assert.Equal("etcdserver: too many learner members in cluster", MemberCluster.MessageOf(second));
        (_, JsonElement early) = await cluster.Any().PostAsync("/v3/cluster/member/promote", new { ID = learner.GetProperty("member").GetProperty("ID").GetString() });
        Assert.Equal("etcdserver: can only promote a learner member which is in sync with leader", MemberCluster.MessageOf(early));
    }

    [Fact]
    public async Task A_removal_that_would_stop_the_cluster_is_refused()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3);
        foreach (string name in new[] { "n1", "n2", "n3" }) await cluster.IsListedAsync(name);
        string leader = await cluster.LeaderAsync();
        string[] others = [.. new[] { "n1", "n2", "n3" }.Where(n => n != leader)];
        string alive = await cluster.IdOfAsync(others[1]);
        await cluster.StopAsync(others[0]);

        // Until the leader has missed the stopped one for an election timeout, it may still count it.
        await TestNode.EventuallyAsync("the removal of one of two that are left is refused", async () =>
        {
            (HttpStatusCode status, JsonElement answer) = await cluster.Node(leader).PostAsync("/v3/cluster/member/remove", new { ID = alive });
            Assert.NotEqual(HttpStatusCode.OK, status);
            return MemberCluster.MessageOf(answer) == "etcdserver: unhealthy cluster";
        });
        await cluster.ChangeAsync("remove", others[0]);
        await cluster.Any().PutAsync("a", "1");
    }

    [Fact]
    public async Task The_leadership_moves_where_it_is_wanted()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3);
        foreach (string name in new[] { "n1", "n2", "n3" }) await cluster.IsListedAsync(name);
        string leader = await cluster.LeaderAsync(), target = await cluster.FollowerAsync();
        object wanted = new { targetID = await cluster.IdOfAsync(target) };

        (_, JsonElement notLeader) = await cluster.Node(target).PostAsync("/v3/maintenance/transfer-leadership", wanted);
        Assert.Equal("etcdserver: not leader", MemberCluster.MessageOf(notLeader));
        (_, JsonElement nobody) = await cluster.Node(leader).PostAsync("/v3/maintenance/transfer-leadership", new { targetID = "77" });
        Assert.Equal("etcdserver: bad leader transferee", MemberCluster.MessageOf(nobody));
        (HttpStatusCode status, JsonElement moved) = await cluster.Node(leader).PostAsync("/v3/maintenance/transfer-leadership", wanted);
        Assert.True(status == HttpStatusCode.OK, moved.GetRawText());

        await cluster.Any().PutAsync("a", "1");
    }

    [Fact]
    public async Task A_leader_that_is_stopped_hands_over_before_it_goes()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3);
        foreach (string name in new[] { "n1", "n2", "n3" }) await cluster.IsListedAsync(name);
        string leader = await cluster.LeaderAsync();
        await cluster.StopAsync(leader);

        string[] said = [.. TestContext.Current.TestOutputHelper!.Output.Split('\n').Where(line => line.StartsWith(leader, StringComparison.Ordinal))];
        int stopped = Array.FindIndex(said, line => line.Contains("Stopped."));
        int lastRole = Array.FindLastIndex(said, line => line.Contains("Now "));
        Assert.True(lastRole < stopped);
        Assert.Contains("Now Follower", said[lastRole]);
        Assert.DoesNotContain("not known", said[lastRole]);
        await cluster.Any().PutAsync("a", "1");
    }

    [Fact]
    public async Task A_directory_of_another_member_is_refused_after_the_addresses_are_in_the_membership_too()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3);
        foreach (string name in new[] { "n1", "n2", "n3" }) await cluster.IsListedAsync(name);
        await TestNode.EventuallyAsync("the members are described", async () => (await cluster.ListAsync()).All(m => m.PeerUrls.Length > 0));
        await cluster.StopAsync("n2");
        await cluster.StopAsync("n3");

        StorageException wrongMember = await Assert.ThrowsAsync<StorageException>(() => TestNode.StartAsync(cluster.Options("n2") with { DataDir = cluster.Options("n3").DataDir }));
        Assert.Equal(StorageErrorKind.WrongMember, wrongMember.Kind);
        StorageException wrongCluster = await Assert.ThrowsAsync<StorageException>(() => TestNode.StartAsync(cluster.Options("n2") with { InitialClusterToken = "other" }));
        Assert.Equal(StorageErrorKind.WrongCluster, wrongCluster.Kind);
        StorageException joining = await Assert.ThrowsAsync<StorageException>(() => TestNode.StartAsync(cluster.Options("n2") with { DataDir = cluster.Options("n3").DataDir, InitialClusterState = ClusterState.Existing }));
        Assert.Equal(StorageErrorKind.WrongMember, joining.Kind);
    }

    [Fact]
    public async Task Who_was_not_added_is_told_to_be()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(1);
        JoinRefusedException refused = await Assert.ThrowsAsync<JoinRefusedException>(() =>
            Joining.AskAsync(TestNode.Joiner("n2", cluster.Directory, [cluster.Options("n1")]), TimeSpan.Zero, NullLogger.Instance));

        Assert.Contains("member count is unequal", refused.Message);
        Assert.Contains("conclave member add n2 --peer-urls=", refused.Message);
    }

    [Fact]
    public void A_list_of_members_that_is_not_the_clusters_is_named_with_the_right_one()
    {
        var cluster = new ClusterIdentity(7, default, [new(new(1), "n1", [new("http://127.0.0.1:1")]), new(new(2), "", [new("http://127.0.0.1:2")])]);
        NodeOptions right = new() { Name = "n2", ListenPeerUrls = [new("http://127.0.0.1:2")], InitialCluster = [new("n1", [new("http://127.0.0.1:1")]), new("n2", [new("http://127.0.0.1:2")])] };

        Assert.Empty(Joining.Match(right, cluster, out Raft.NodeId self));
        Assert.Equal(2UL, self.Value);
        NodeOptions wrongAddress = right with { InitialCluster = [new("n1", [new("http://127.0.0.1:9")]), right.InitialCluster[1]] };
        Assert.StartsWith("unmatched member while checking PeerURLs (n1=http://127.0.0.1:9)", Joining.Match(wrongAddress, cluster, out _));
        NodeOptions tooMany = right with { InitialCluster = [.. right.InitialCluster, new("n3", [new("http://127.0.0.1:3")])] };
        Assert.StartsWith("member count is unequal: --initial-cluster names 3 members, the cluster has 2", Joining.Match(tooMany, cluster, out _));
        NodeOptions stranger = right with { ListenPeerUrls = [new("http://127.0.0.1:5")] };
        Assert.Contains("Add this one first: conclave member add n2", Joining.Match(stranger, cluster, out _));
    }

    /// <summary>Removes a member that runs, waits until it gives up, and stops it.</summary>
    /// <returns>What it said.</returns>
    private static async Task<string> RemoveAndStopAsync(MemberCluster cluster, string name)
    {
        TestNode node = cluster.Node(name);
        await cluster.ChangeAsync("remove", name);
        await TestNode.EventuallyAsync($"{name} is not listed", async () => !(await cluster.ListAsync(cluster.Other(name))).Any(m => m.Name == name));
        await TestNode.EventuallyAsync($"{name} gives up", () => Task.FromResult(node.Fatal is MemberRemovedException));
        await cluster.StopAsync(name);
        return node.Fatal!.Message;
    }
}
