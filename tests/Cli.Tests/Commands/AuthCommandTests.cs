using System.Text.Json;
using Conclave.Client.Tests;

namespace Conclave.Cli.Tests.Commands;

/// <summary>Users and roles against a server of their own: once auth is on, nobody else gets in.</summary>
public sealed class AuthCommandTests : IAsyncLifetime
{
    private EtcdServer? _etcd;

    public async ValueTask InitializeAsync()
    {
        if (EtcdServer.IsInstalled) _etcd = await EtcdServer.StartAsync(Shell.Ports);
    }

    public async ValueTask DisposeAsync()
    {
        if (_etcd is not null) await _etcd.DisposeAsync();
    }

    [Fact]
    public async Task An_administrator_makes_users_and_users_do_what_they_may()
    {
        Assert.Equal((0, "User root created\n"), Ended(await NewShell().SendAsync("rp\n", "user", "add", "root")));
        Assert.Equal((0, "User alice created\n"), Ended(await NewShell().RunAsync("user", "add", "alice:ap")));
        Assert.Equal((0, "User carol created\n"), Ended(await NewShell().RunAsync("user", "add", "carol", "--no-password")));
        Assert.Equal((0, "Role app created\n"), Ended(await NewShell().RunAsync("role", "add", "app")));
        Assert.Equal((0, "Role app updated\n"), Ended(await NewShell().RunAsync("role", "grant-permission", "app", "readwrite", "k/", "--prefix")));
        Assert.Equal((0, "Role app updated\n"), Ended(await NewShell().RunAsync("role", "grant-permission", "app", "read", "one")));
        Assert.Equal((0, "Role app is granted to user alice\n"), Ended(await NewShell().RunAsync("user", "grant-role", "alice", "app")));
        Assert.Equal((0, "Authentication Enabled\n"), Ended(await NewShell().RunAsync("auth", "enable")));   // root gets its role

        Shell root = NewShell().With("CONCLAVE_PASSWORD", "rp"), alice = NewShell().With("CONCLAVE_USER", "alice").With("CONCLAVE_PASSWORD", "ap");
        Assert.Equal((0, "alice\ncarol\nroot\n"), Ended(await root.RunAsync("user", "list", "--user", "root")));
        Assert.Equal((0, "User: alice\nRoles: app\n\nRole app\nKV Read:\n\t[k/, k0) (prefix k/)\n\tone\nKV Write:\n\t[k/, k0) (prefix k/)\n"), Ended(await root.RunAsync("user", "get", "alice", "--detail", "--user", "root")));
        Answer role = await root.RunAsync("role", "get", "app", "-o", "json", "--user", "root");
        Assert.Equal("""[{"permission":"readwrite","key":"k/","range_end":"k0"},{"permission":"read","key":"one"}]""", JsonDocument.Parse(role.Out).RootElement.GetProperty("permissions").GetRawText());
        Assert.Equal("""["app"]""", JsonDocument.Parse((await root.RunAsync("role", "list", "-o", "json", "--user", "root")).Out).RootElement.GetProperty("roles").GetRawText());

        Assert.Equal(0, (await alice.RunAsync("put", "k/1", "v")).Code);
        Assert.Equal((0, "v\n"), Ended(await alice.RunAsync("get", "k/1")));
        Assert.Equal(5, (await alice.RunAsync("put", "z", "v")).Code);
        Assert.Equal(5, (await NewShell().RunAsync("get", "k/1")).Code);
        Answer wrong = await NewShell().RunAsync("get", "k/1", "--user", "alice:wrong");
        Assert.Equal(5, wrong.Code);
        Assert.Contains("invalid user ID or password", wrong.Error);
        Assert.DoesNotContain("wrong", wrong.Error);

        Assert.Equal((0, "Password updated\n"), Ended(await root.SendAsync("ap2\n", "user", "passwd", "alice", "--user", "root")));
        Assert.Equal((0, "v\n"), Ended(await NewShell().RunAsync("get", "k/1", "--user", "alice:ap2")));
        Assert.Equal((0, "Permission of one is revoked from role app\n"), Ended(await root.RunAsync("role", "revoke-permission", "app", "one", "--user", "root")));
        Assert.Equal((0, "Role app is revoked from user alice\n"), Ended(await root.RunAsync("user", "revoke-role", "alice", "app", "--user", "root")));
        Assert.Equal((0, "User carol deleted\n"), Ended(await root.RunAsync("user", "delete", "carol", "--user", "root")));
        Assert.Equal((0, "Role app deleted\n"), Ended(await root.RunAsync("role", "delete", "app", "--user", "root")));
        Assert.Equal((0, "Authentication Disabled\n"), Ended(await root.RunAsync("auth", "disable", "--user", "root")));
        Assert.Equal((0, "v\n"), Ended(await NewShell().RunAsync("get", "k/1")));
    }

    [Fact]
    public async Task Without_a_password_and_without_anybody_to_ask_nothing_is_sent()
    {
        Answer answer = await NewShell().RunAsync("get", "k", "--user", "alice");
        Assert.Equal(2, answer.Code);
        Assert.Contains("CONCLAVE_PASSWORD", answer.Error);
        Assert.Equal(2, (await NewShell().RunAsync("user", "add", "alice")).Code);
        Assert.Equal((0, ""), Ended(await NewShell().RunAsync("user", "list")));
    }

    private Shell NewShell()
    {
        EtcdServer.SkipUnlessInstalled();
        return new Shell(_etcd!.Endpoint);   // set wherever etcd is installed
    }

    private static (int, string) Ended(Answer answer) => (answer.Code, answer.Out);
}
