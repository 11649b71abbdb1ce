using Conclave.Wire.Grpc;

namespace Conclave.Client.Tests.Auth;

/// <summary>Users and roles against a server of their own: once auth is on, nobody else gets in.</summary>
public sealed class AuthTests : IAsyncLifetime
{
    private EtcdServer? _etcd;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        if (EtcdServer.IsInstalled) _etcd = await EtcdServer.StartAsync(SharedEtcd.Ports);
    }

    public async ValueTask DisposeAsync()
    {
        if (_etcd is not null) await _etcd.DisposeAsync();
    }

    [Fact]
    public async Task Users_and_roles_are_made_listed_and_taken_away()
    {
        await using ConclaveClient client = As(null);
        await client.Auth.AddUserAsync("bob", "pw", Cancelled);
        await client.Auth.AddUserAsync("by-certificate", null, Cancelled);
        await client.Auth.AddRoleAsync("app", Cancelled);
        await client.Auth.GrantRoleAsync("bob", "app", Cancelled);
        await client.Auth.GrantPermissionAsync("app", new Permission(PermissionKind.ReadWrite, KeyRange.Prefix("k/")), Cancelled);
        await client.Auth.GrantPermissionAsync("app", new Permission(PermissionKind.Read, "single"), Cancelled);

        Assert.Equal(["bob", "by-certificate"], (await client.Auth.ListUsersAsync(Cancelled)).Items);
        Assert.Equal(["app"], (await client.Auth.ListRolesAsync(Cancelled)).Items);
        Assert.Equal(["app"], (await client.Auth.GetUserAsync("bob", Cancelled)).Items);
        Assert.Equal([new Permission(PermissionKind.ReadWrite, KeyRange.Prefix("k/")), new Permission(PermissionKind.Read, "single")], (await client.Auth.GetRoleAsync("app", Cancelled)).Items);

        await client.Auth.RevokePermissionAsync("app", KeyRange.Prefix("k/"), Cancelled);
        await client.Auth.RevokeRoleAsync("bob", "app", Cancelled);
        await client.Auth.ChangePasswordAsync("bob", "other", Cancelled);
        await client.Auth.DeleteRoleAsync("app", Cancelled);
        await client.Auth.DeleteUserAsync("bob", Cancelled);
        Assert.Equal(["by-certificate"], (await client.Auth.ListUsersAsync(Cancelled)).Items);
        Assert.Equal(EtcdErrors.UserNotFound.Message, (await Assert.ThrowsAsync<ConclaveException>(() => client.Auth.GetUserAsync("bob", Cancelled).AsTask())).Message);
    }

    [Fact]
    public async Task A_client_logs_in_by_itself_and_again_when_the_server_has_forgotten_its_token()
    {
        await using ConclaveClient root = As(new Credentials("root", "pw"));
        await root.PutAsync("before", "auth is on", cancellationToken: Cancelled);   // a name does no harm while nobody asks for one
        await root.Auth.AddUserAsync("root", "pw", Cancelled);
        await root.Auth.GrantRoleAsync("root", "root", Cancelled);
        await root.Auth.EnableAsync(Cancelled);

        await root.PutAsync("k", "1", cancellationToken: Cancelled);
        Lease lease = await root.Leases.GrantAsync(TimeSpan.FromSeconds(60), cancellationToken: Cancelled);
        await root.PutAsync("leased", "1", new PutOptions { LeaseId = lease.Id }, Cancelled);
        await using IAsyncEnumerator<WatchUpdate> watch = root.WatchAsync("k", new WatchOptions { ReportStart = true }, Cancelled).GetAsyncEnumerator(Cancelled);
        Assert.True(await watch.MoveNextAsync());

        await _etcd!.KillAsync();   // it keeps its tokens in memory
        await _etcd.RestartAsync();
        await root.PutAsync("k", "2", cancellationToken: Cancelled);
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal("2", Assert.Single(watch.Current.Events).Current.Value.ToString());
        Assert.NotNull(await root.Leases.RenewAsync(lease.Id, Cancelled));
        using MemoryStream snapshot = new();
        Assert.True(await root.Maintenance.SnapshotAsync(snapshot, cancellationToken: Cancelled) > 0);
    }

    [Fact]
    public async Task A_wrong_password_or_no_name_is_an_error_that_says_so()
    {
        await using ConclaveClient root = As(new Credentials("root", "pw")), wrong = As(new Credentials("root", "wrong")), nobody = As(null);
        await root.Auth.AddUserAsync("root", "pw", Cancelled);
        await root.Auth.GrantRoleAsync("root", "root", Cancelled);
        await root.Auth.EnableAsync(Cancelled);

        Assert.Equal(EtcdErrors.AuthFailed.Message, (await Assert.ThrowsAsync<ConclaveException>(() => wrong.PutAsync("k", "1", cancellationToken: Cancelled).AsTask())).Message);
        Assert.Equal(EtcdErrors.UserEmpty.Message, (await Assert.ThrowsAsync<ConclaveException>(() => nobody.PutAsync("k", "1", cancellationToken: Cancelled).AsTask())).Message);
        Assert.DoesNotContain("pw", new Credentials("root", "pw").ToString(), StringComparison.Ordinal);
        await Assert.ThrowsAsync<ConclaveException>(async () =>
        {
            await foreach (WatchUpdate _ in nobody.WatchAsync("k", cancellationToken: Cancelled)) Assert.Fail("Nobody may watch.");
        });
    }

    private ConclaveClient As(Credentials? credentials)
    {
        EtcdServer.SkipUnlessInstalled();
        return new ConclaveClient(new ConclaveClientOptions { Endpoints = [_etcd!.Endpoint], Credentials = credentials });   // set wherever etcd is installed
    }
}
