using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Conclave.Client;
using Conclave.Node.Options;
using Conclave.Node.Tests.Nodes;
using Conclave.Wire.Grpc;

namespace Conclave.Node.Tests.Auth;

/// <summary>Users and roles in a cluster of three, over the wire.</summary>
public sealed class AuthClusterTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(60) };
    private readonly TestNode?[] _nodes = new TestNode?[3];
    private readonly List<IDisposable> _clients = [];
    private NodeOptions[] _options = [];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _options = [.. TestNode.Cluster(3, _directory).Select(o => o with { SnapshotCount = 20 })];
        for (int i = 0; i < 3; i++) _nodes[i] = await TestNode.StartAsync(_options[i]);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IDisposable client in _clients) client.Dispose();
        _http.Dispose();
        foreach (TestNode? node in _nodes)
        {
            if (node is not null) await node.DisposeAsync();
        }

        _directory.Dispose();
    }

    [Fact]
    public async Task Users_see_and_change_what_their_roles_allow()
    {
        await EnableAsync();
        ConclaveClient alice = As("alice", "ap");
        await alice.PutAsync("app/1", "x", cancellationToken: Cancelled);
        Assert.Equal("x", (await alice.GetAsync("app/1", cancellationToken: Cancelled))!.Value.ToString());
        Assert.Equal("app/1", Assert.Single((await alice.RangeAsync(KeyRange.Prefix("app/"), cancellationToken: Cancelled)).Items).Key.ToString());
        await DeniedAsync(() => alice.PutAsync("other", "x", cancellationToken: Cancelled).AsTask());
        await DeniedAsync(() => alice.GetAsync("other", cancellationToken: Cancelled).AsTask());
        await DeniedAsync(() => alice.GetAsync("other", new ReadOptions { Serializable = true }, Cancelled).AsTask());
        await DeniedAsync(() => alice.RangeAsync(KeyRange.Prefix("app"), cancellationToken: Cancelled).AsTask());
        await DeniedAsync(() => alice.RangeAsync(KeyRange.From("app/"), cancellationToken: Cancelled).AsTask());
        await DeniedAsync(() => alice.DeleteAsync(KeyRange.All, cancellationToken: Cancelled).AsTask());
        await DeniedAsync(() => alice.Txn().When(Condition.Exists("other")).Then(Operation.Put("app/1", "y")).CommitAsync(Cancelled).AsTask());
        await DeniedAsync(() => alice.Txn().When(Condition.Exists("app/1")).Then(Operation.Get("app/1")).Else(Operation.Get("other")).CommitAsync(Cancelled).AsTask());
        Assert.True((await alice.Txn().When(Condition.Exists("app/1")).Then(Operation.Put("app/1", "y")).CommitAsync(Cancelled)).Succeeded);

        // What is for administrators.
        await DeniedAsync(() => alice.CompactAsync(1, cancellationToken: Cancelled).AsTask());
        await DeniedAsync(() => alice.Maintenance.HashAsync(cancellationToken: Cancelled).AsTask());
        await DeniedAsync(() => alice.Maintenance.SnapshotAsync(Stream.Null, cancellationToken: Cancelled).AsTask());
        await DeniedAsync(() => alice.Members.RemoveAsync(1, Cancelled).AsTask());
        await DeniedAsync(() => alice.Auth.AddUserAsync("eve", "e", Cancelled).AsTask());
        await DeniedAsync(() => alice.Auth.ListUsersAsync(Cancelled).AsTask());
        await DeniedAsync(() => alice.Auth.GetUserAsync("root", Cancelled).AsTask());
        await DeniedAsync(() => alice.Auth.DisableAsync(Cancelled).AsTask());
        Assert.Equal(["app"], (await alice.Auth.GetUserAsync("alice", Cancelled)).Items);
        Assert.Equal(2, (await alice.Auth.GetRoleAsync("app", Cancelled)).Items.Length);
        Assert.Equal(3, (await alice.Members.ListAsync(cancellationToken: Cancelled)).Members.Length);
        Assert.NotEmpty((await alice.Maintenance.StatusAsync(cancellationToken: Cancelled)).Version);
    }

    [Fact]
    public async Task Nobody_is_asked_for_a_name_and_a_wrong_one_is_not_told_from_a_wrong_password()
    {
        await EnableAsync();
        using ConclaveClient nobody = new(Endpoints());
        Assert.Equal(EtcdErrors.UserEmpty.Message, (await Assert.ThrowsAsync<ConclaveException>(() => nobody.PutAsync("app/1", "x", cancellationToken: Cancelled).AsTask())).Message);
        Assert.Equal(EtcdErrors.UserEmpty.Message, (await Assert.ThrowsAsync<ConclaveException>(() => nobody.GetAsync("app/1", cancellationToken: Cancelled).AsTask())).Message);
        Assert.Equal(EtcdErrors.UserEmpty.Message, (await Assert.ThrowsAsync<ConclaveException>(() => nobody.Maintenance.StatusAsync(cancellationToken: Cancelled).AsTask())).Message);
        Assert.Equal(EtcdErrors.UserEmpty.Message, (await Assert.ThrowsAsync<ConclaveException>(() => nobody.Leases.GrantAsync(TimeSpan.FromSeconds(9), cancellationToken: Cancelled).AsTask())).Message);
        foreach ((string name, string password) in ((string, string)[])[("alice", "wrong"), ("nope", "ap"), ("", "x")])
            Assert.Equal("etcdserver: authentication failed, invalid user ID or password", (await PostAsync(0, "/v3/auth/authenticate", new { name, password })).Body.GetProperty("message").GetString());
        Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync(1, "/v3/kv/range", new { key = TestNode.Base64("app/1") }, token: "rubbish")).Status);
        Assert.Equal("true", JsonDocument.Parse(await _nodes[0]!.GetTextAsync("/health")).RootElement.GetProperty("health").GetString());
    }

    [Fact]
    public async Task A_token_of_one_member_is_good_at_the_others_at_once_and_after_the_leader_is_gone()
    {
        await EnableAsync();
        for (int member = 0; member < 3; member++)
        {
            string token = await LoginAsync(member, "alice", "ap");
            for (int other = 0; other < 3; other++)
                Assert.Equal(HttpStatusCode.OK, (await PostAsync(other, "/v3/kv/put", new { key = TestNode.Base64("app/1"), value = "" }, token)).Status);
        }

        string kept = await LoginAsync(0, "alice", "ap");
        int leader = await LeaderAsync(await LoginAsync(1, "root", "rp"));
        await _nodes[leader]!.DisposeAsync();
        _nodes[leader] = null;
        int left = leader == 2 ? 1 : 2;
        await TestNode.EventuallyAsync("the others go on", async () =>
            (await PostAsync(left, "/v3/kv/put", new { key = TestNode.Base64("app/1"), value = "" }, kept)).Status == HttpStatusCode.OK);
    }

    [Fact]
    public async Task Changes_of_users_do_not_disturb_who_is_logged_in_but_a_new_password_does()
    {
        await EnableAsync();
        ConclaveClient root = As("root", "rp"), alice = As("alice", "ap");
        string token = await LoginAsync(2, "alice", "ap");
        Task writes = Task.Run(async () =>
        {
            for (int i = 0; i < 60; i++) await alice.PutAsync("app/2", "x", cancellationToken: Cancelled);
        }, Cancelled);
        for (int i = 0; i < 10; i++) await root.Auth.AddRoleAsync($"role{i}", Cancelled);
        await writes;
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(1, "/v3/kv/put", new { key = TestNode.Base64("app/1"), value = "" }, token)).Status);

        await root.Auth.ChangePasswordAsync("alice", "new", Cancelled);
        for (int member = 0; member < 3; member++)
            Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync(member, "/v3/kv/put", new { key = TestNode.Base64("app/1"), value = "" }, token)).Status);
        await As("alice", "new").PutAsync("app/1", "x", cancellationToken: Cancelled);
        Assert.Equal(EtcdErrors.AuthFailed.Message, (await Assert.ThrowsAsync<ConclaveException>(() => alice.PutAsync("app/1", "x", cancellationToken: Cancelled).AsTask())).Message);

        await root.Auth.RevokeRoleAsync("alice", "app", Cancelled);
        for (int member = 0; member < 3; member++)
            Assert.Equal(HttpStatusCode.Forbidden, (await PostAsync(member, "/v3/kv/range", new { key = TestNode.Base64("app/1") }, await LoginAsync(member, "alice", "new"))).Status);
        await root.Auth.DeleteUserAsync("alice", Cancelled);
        Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync(0, "/v3/auth/authenticate", new { name = "alice", password = "new" })).Status);
    }

    [Fact]
    public async Task Leases_and_watches_are_checked_too()
    {
        await EnableAsync();
        ConclaveClient root = As("root", "rp"), alice = As("alice", "ap");
        Lease lease = await alice.Leases.GrantAsync(TimeSpan.FromSeconds(60), cancellationToken: Cancelled);
        await alice.PutAsync("app/1", "x", new PutOptions { LeaseId = lease.Id }, Cancelled);
        Assert.NotNull(await alice.Leases.TimeToLiveAsync(lease.Id, withKeys: true, Cancelled));
        Assert.Equal([lease.Id], await alice.Leases.ListAsync(Cancelled));
        await root.PutAsync("other", "x", new PutOptions { LeaseId = lease.Id }, Cancelled);
        await DeniedAsync(() => alice.Leases.RevokeAsync(lease.Id, Cancelled).AsTask());
        await DeniedAsync(() => alice.Leases.RenewAsync(lease.Id, Cancelled).AsTask());
        await DeniedAsync(() => alice.Leases.TimeToLiveAsync(lease.Id, withKeys: true, Cancelled).AsTask());
        await DeniedAsync(() => alice.PutAsync("app/2", "x", new PutOptions { LeaseId = lease.Id }, Cancelled).AsTask());
        Assert.NotNull(await alice.Leases.TimeToLiveAsync(lease.Id, withKeys: false, Cancelled));
        Assert.Empty(await alice.Leases.ListAsync(Cancelled));

        await DeniedAsync(async () =>
        {
            await foreach (WatchUpdate _ in alice.WatchAsync(KeyRange.Prefix("app"), cancellationToken: Cancelled)) Assert.Fail("It may not see that.");
        });
        await using IAsyncEnumerator<WatchUpdate> watch = alice.WatchAsync(KeyRange.Prefix("app/"), new WatchOptions { ReportStart = true }, Cancelled).GetAsyncEnumerator(Cancelled);
        Assert.True(await watch.MoveNextAsync());
        await root.Auth.RevokeRoleAsync("alice", "app", Cancelled);   // a watch that runs goes on, as in etcd
        await root.PutAsync("app/1", "seen", cancellationToken: Cancelled);
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal("seen", Assert.Single(watch.Current.Events).Current.Value.ToString());
        await DeniedAsync(async () =>
        {
            await foreach (WatchUpdate _ in alice.WatchAsync("app/1", cancellationToken: Cancelled)) Assert.Fail("It may not any more.");
        });
    }

    [Fact]
    public async Task Locks_and_elections_are_checked_like_the_keys_they_are_made_of()
    {
        await EnableAsync();
        string alice = await LoginAsync(1, "alice", "ap"), root = await LoginAsync(0, "root", "rp");
        object own = new { name = TestNode.Base64("app/lock") }, others = new { name = TestNode.Base64("other") };
        (HttpStatusCode status, JsonElement held) = await PostAsync(1, "/v3/lock/lock", own, alice);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(2, "/v3/lock/unlock", new { key = held.GetProperty("key").GetString() }, alice)).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await PostAsync(1, "/v3/lock/lock", others, alice)).Status);
        Assert.Equal(EtcdErrors.UserEmpty.Message, (await PostAsync(1, "/v3/lock/lock", own)).Body.GetProperty("message").GetString());

        JsonElement led = (await PostAsync(0, "/v3/election/campaign", others, root)).Body.GetProperty("leader");
        Assert.Equal(HttpStatusCode.Forbidden, (await PostAsync(1, "/v3/election/leader", others, alice)).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await PostAsync(1, "/v3/election/observe", others, alice)).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await PostAsync(1, "/v3/election/proclaim", new { leader = led, value = "" }, alice)).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await PostAsync(1, "/v3/election/resign", new { leader = led }, alice)).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync(1, "/v3/election/leader", others)).Status);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(1, "/v3/election/leader", others, root)).Status);

        // A call that gives up takes its key away as nobody's but the member's affair.
        using (var impatient = CancellationTokenSource.CreateLinkedTokenSource(Cancelled))
        {
            Task waiting = PostAsync(2, "/v3/election/campaign", others, root, impatient.Token);
            ConclaveClient client = As("root", "rp");
            await TestNode.EventuallyAsync("it queues", async () => (await client.RangeAsync(KeyRange.Prefix("other/"), cancellationToken: Cancelled)).Items.Length == 2);
            await impatient.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
            await TestNode.EventuallyAsync("its key is gone", async () => (await client.RangeAsync(KeyRange.Prefix("other/"), cancellationToken: Cancelled)).Items.Length == 1);
        }
    }

    [Fact]
    public async Task A_lease_ends_by_itself_and_members_say_who_they_are_without_a_user()
    {
        await EnableAsync();
        ConclaveClient root = As("root", "rp");
        Lease lease = await root.Leases.GrantAsync(TimeSpan.FromSeconds(5), cancellationToken: Cancelled);
        await root.PutAsync("short", "x", new PutOptions { LeaseId = lease.Id }, Cancelled);
        await TestNode.EventuallyAsync("the lease ends", async () => await root.GetAsync("short", cancellationToken: Cancelled) is null);
    }

    [Fact]
    public async Task Users_survive_a_snapshot_and_a_restart_of_all_members()
    {
        await EnableAsync();
        ConclaveClient root = As("root", "rp");
        for (int i = 0; i < 60; i++) await root.PutAsync("filler", "x", cancellationToken: Cancelled);
        for (int i = 0; i < 3; i++)
        {
            await _nodes[i]!.DisposeAsync();
            _nodes[i] = null;
        }

        for (int i = 0; i < 3; i++) _nodes[i] = await TestNode.StartAsync(_options[i]);
        await TestNode.EventuallyAsync("alice logs in again", async () => (await PostAsync(1, "/v3/auth/authenticate", new { name = "alice", password = "ap" })).Status == HttpStatusCode.OK);
        await As("alice", "ap").PutAsync("app/1", "x", cancellationToken: Cancelled);
        await DeniedAsync(() => As("alice", "ap").PutAsync("other", "x", cancellationToken: Cancelled).AsTask());
        await root.Auth.DisableAsync(Cancelled);
        using ConclaveClient nobody = new(Endpoints());
        await nobody.PutAsync("other", "x", cancellationToken: Cancelled);
        await root.PutAsync("other", "y", cancellationToken: Cancelled);   // a name and a token that nobody asks for do no harm
    }

    [Fact]
    public async Task A_password_is_nowhere_on_disk_and_neither_is_a_token()
    {
        await EnableAsync();
        string token = await LoginAsync(0, "alice", "ap-of-alice-is-long", isSet: true);
        for (int i = 0; i < 3; i++)
        {
            await _nodes[i]!.DisposeAsync();
            _nodes[i] = null;
        }

        foreach (string file in System.IO.Directory.EnumerateFiles(_directory.Path, "*", SearchOption.AllDirectories))
        {
            byte[] bytes = await File.ReadAllBytesAsync(file, Cancelled);
            Assert.True(bytes.AsSpan().IndexOf("ap-of-alice-is-long"u8) < 0, file);
            Assert.True(bytes.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(token)) < 0, file);
        }
    }

    private string[] Endpoints() => [.. _options.Select(o => NodeOptions.Plain(o.ListenClientUrls[0]))];

    private ConclaveClient As(string user, string password)
    {
        var client = new ConclaveClient(new ConclaveClientOptions { Endpoints = [.. Endpoints()], Credentials = new Credentials(user, password), RequestTimeout = TimeSpan.FromSeconds(60), RetryPatience = TimeSpan.FromSeconds(30) });
        _clients.Add(client);
        return client;
    }

    private async Task EnableAsync()
    {
        ConclaveClient client = As("root", "rp");   // before auth is on a name does no harm
        await client.Auth.AddUserAsync("root", "rp", Cancelled);
        await client.Auth.GrantRoleAsync("root", "root", Cancelled);
        await client.Auth.AddUserAsync("alice", "ap", Cancelled);
        await client.Auth.AddRoleAsync("app", Cancelled);
        await client.Auth.GrantPermissionAsync("app", new Permission(PermissionKind.Read, KeyRange.Prefix("app/")), Cancelled);
        await client.Auth.GrantPermissionAsync("app", new Permission(PermissionKind.ReadWrite, KeyRange.Between("app/", "app0")), Cancelled);   // replaces the one before
        await client.Auth.GrantPermissionAsync("app", new Permission(PermissionKind.Write, "written"), Cancelled);
        await client.Auth.GrantRoleAsync("alice", "app", Cancelled);
        Assert.False((await client.Auth.StatusAsync(Cancelled)).Enabled);
        await client.Auth.EnableAsync(Cancelled);
        Assert.True((await client.Auth.StatusAsync(Cancelled)).Enabled);
    }

    private async Task<string> LoginAsync(int member, string name, string password, bool isSet = false)
    {
        if (isSet) await As("root", "rp").Auth.ChangePasswordAsync(name, password, Cancelled);
        (HttpStatusCode status, JsonElement body) = await PostAsync(member, "/v3/auth/authenticate", new { name, password });
        Assert.Equal(HttpStatusCode.OK, status);
        return body.GetProperty("token").GetString()!;
    }

    private async Task<int> LeaderAsync(string token)
    {
        for (int i = 0; i < 3; i++)
        {
            JsonElement status = (await PostAsync(i, "/v3/maintenance/status", new { }, token)).Body;
            if (status.TryGetProperty("leader", out JsonElement leader) && leader.GetString() == status.GetProperty("header").GetProperty("member_id").GetString()) return i;
        }

        throw new InvalidOperationException("Nobody leads.");
    }

    private async Task<(HttpStatusCode Status, JsonElement Body)> PostAsync(int member, string path, object body, string? token = null, CancellationToken? cancellation = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Endpoints()[member] + path) { Content = JsonContent.Create(body) };
        if (token is not null) request.Headers.TryAddWithoutValidation("Authorization", token);
        using HttpResponseMessage response = await _http.SendAsync(request, cancellation ?? Cancelled);
        return (response.StatusCode, JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancelled)).RootElement);
    }

    private static async Task DeniedAsync(Func<Task> call)
    {
        ConclaveException refused = await Assert.ThrowsAsync<ConclaveException>(call);
        Assert.Equal((GrpcCode.PermissionDenied, EtcdErrors.PermissionDenied.Message), (refused.Code, refused.Message));
    }
}
