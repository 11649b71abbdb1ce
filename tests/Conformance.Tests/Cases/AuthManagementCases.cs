using Conclave.Conformance.Tests.Suite;
using Conclave.Processes.Servers;
using Conclave.Wire.Etcd.Authpb;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;
using static Conclave.Conformance.Tests.Cases.AuthRequests;
using static Conclave.Wire.Etcd.Authpb.Permission.Types.Type;

namespace Conclave.Conformance.Tests.Cases;

/// <summary>Auth: users, roles and permissions while authentication is off, which is when they are made.</summary>
internal sealed class AuthManagementCases : CaseGroup
{
    public override string Name => "auth-management";

    public override IReadOnlyList<string> ArgumentsOf(ServerKind kind) => CheapPasswords(kind);

    protected override void Define()
    {
        Beginnings();
        Users();
        Roles();
        Grants();
        Permissions();
        Switches();
    }

    private void Beginnings()
    {
        Case("no users", c => c.CallAsync(new AuthUserListRequest()), Over.Grpc);
        Case("no roles", c => c.CallAsync(new AuthRoleListRequest()), Over.Grpc);
        Case("enable without user root", c => c.CallAsync(new AuthEnableRequest()), Over.Grpc);
        Case("disable what is not enabled", c => c.CallAsync(new AuthDisableRequest()));
        Case("log in while it is off", c => c.CallAsync(Login("anybody")));
        Case("a token while it is off", async c =>
        {
            c.Metadata["token"] = "nonsense.1";
            await c.CallAsync(Requests.Put(c.Key("k"), "1"));
            await c.CallAsync(Requests.Get(c.Key("k")));
        });
    }

    private void Users()
    {
        Case("add a user", async c =>
        {
            await c.CallAsync(UserAdd(c.NameOf("u")));
            await c.CallAsync(UserGet(c.NameOf("u")));
            await c.CallAsync(UserDelete(c.NameOf("u")));
        });
        Case("add a user twice", async c =>
        {
            await c.PrepareAsync(UserAdd(c.NameOf("u")));
            await c.CallAsync(UserAdd(c.NameOf("u"), "other"));
            await c.PrepareAsync(UserDelete(c.NameOf("u")));
        });
        Case("add a user without name", c => c.CallAsync(UserAdd("")));
        Case("add a user without password", async c =>
        {
            await c.CallAsync(UserAdd(c.NameOf("u"), ""));
            await c.CallAsync(UserDelete(c.NameOf("u")));
        });
        Case("add a user that logs in by certificate alone", async c =>
        {
            await c.CallAsync(new AuthUserAddRequest { Name = c.NameOf("u"), Options = new UserAddOptions { NoPassword = true } });
            await c.CallAsync(UserGet(c.NameOf("u")));
            await c.CallAsync(UserDelete(c.NameOf("u")));
        });
        Case("add a user with options but a password", async c =>
        {
            await c.CallAsync(new AuthUserAddRequest { Name = c.NameOf("u"), Password = Password, Options = new UserAddOptions() });
            await c.CallAsync(UserDelete(c.NameOf("u")));
        });
        Case("a name of many letters", async c =>
        {
            string name = c.NameOf("ünï " + new string('n', 200));
            await c.CallAsync(UserAdd(name));
            await c.CallAsync(UserGet(name));
            await c.CallAsync(UserDelete(name));
        });
        Case("names differ by case", async c =>
        {
            await c.CallAsync(UserAdd(c.NameOf("u")));
            await c.CallAsync(UserAdd(c.NameOf("U")));
            await c.CallAsync(UserDelete(c.NameOf("u")));
            await c.CallAsync(UserGet(c.NameOf("U")));
            await c.CallAsync(UserDelete(c.NameOf("U")));
        });
        Case("list of users", async c =>
        {
            await c.PrepareAsync(UserAdd(c.NameOf("b")), UserAdd(c.NameOf("a")), UserAdd(c.NameOf("c")));
            await c.CallAsync(new AuthUserListRequest());
            await c.PrepareAsync(UserDelete(c.NameOf("a")), UserDelete(c.NameOf("b")), UserDelete(c.NameOf("c")));
        });
        (string Name, Func<Run, IMessage> Request)[] unknown =
        [
            ("get", c => UserGet(c.NameOf("nobody"))), ("delete", c => UserDelete(c.NameOf("nobody"))), ("change the password of", c => NewPassword(c.NameOf("nobody"), "new")),
            ("grant a role to", c => GrantRole(c.NameOf("nobody"), "root")), ("revoke a role of", c => RevokeRole(c.NameOf("nobody"), "root")),
        ];
        foreach ((string name, Func<Run, IMessage> request) in unknown)
            Case($"{name} a user that is not there", c => c.CallAsync(request(c)));
        Case("get a user without name", c => c.CallAsync(UserGet("")));
        Case("delete a user without name", c => c.CallAsync(UserDelete("")));
        Case("change a password", async c =>
        {
            await c.PrepareAsync(UserAdd(c.NameOf("u")));
            await c.CallAsync(NewPassword(c.NameOf("u"), "new"));
            await c.CallAsync(NewPassword(c.NameOf("u"), ""));
            await c.PrepareAsync(UserDelete(c.NameOf("u")));
        });
        Case("delete a user twice", async c =>
        {
            await c.PrepareAsync(UserAdd(c.NameOf("u")), UserDelete(c.NameOf("u")));
            await c.CallAsync(UserDelete(c.NameOf("u")));
        });
        Case("a user that is added again has no roles", async c =>
        {
            await c.PrepareAsync(RoleAdd(c.NameOf("r")), UserAdd(c.NameOf("u")), GrantRole(c.NameOf("u"), c.NameOf("r")), UserDelete(c.NameOf("u")), UserAdd(c.NameOf("u")));
            await c.CallAsync(UserGet(c.NameOf("u")));
            await c.PrepareAsync(UserDelete(c.NameOf("u")), RoleDelete(c.NameOf("r")));
        });
        Case("users take no revision", async c =>
        {
            await c.PrepareAsync(UserAdd(c.NameOf("u")), UserDelete(c.NameOf("u")));
            await c.CallAsync(Requests.Put(c.Key("k")));
        });
    }

    private void Roles()
    {
        Case("add a role", async c =>
        {
            await c.CallAsync(RoleAdd(c.NameOf("r")));
            await c.CallAsync(RoleGet(c.NameOf("r")));
            await c.CallAsync(RoleDelete(c.NameOf("r")));
        });
        Case("add a role twice", async c =>
        {
            await c.PrepareAsync(RoleAdd(c.NameOf("r")));
            await c.CallAsync(RoleAdd(c.NameOf("r")));
            await c.PrepareAsync(RoleDelete(c.NameOf("r")));
        });
        Case("list of roles", async c =>
        {
            await c.PrepareAsync(RoleAdd(c.NameOf("b")), RoleAdd(c.NameOf("a")));
            await c.CallAsync(new AuthRoleListRequest());
            await c.PrepareAsync(RoleDelete(c.NameOf("a")), RoleDelete(c.NameOf("b")));
        });
        (string Name, Func<Run, IMessage> Request)[] unknown =
        [
            ("get", c => RoleGet(c.NameOf("none"))), ("delete", c => RoleDelete(c.NameOf("none"))), ("grant a permission to", c => Grant(c.NameOf("none"), Read, c.Key("k"))),
            ("revoke a permission of", c => Revoke(c.NameOf("none"), c.Key("k"))),
        ];
        foreach ((string name, Func<Run, IMessage> request) in unknown)
            Case($"{name} a role that is not there", c => c.CallAsync(request(c)));
        Case("get role root, which nobody added", c => c.CallAsync(RoleGet("root")), Over.Grpc);
        Case("get a role without name", c => c.CallAsync(RoleGet("")));
        Case("a role that is deleted is taken from its users", async c =>
        {
            await c.PrepareAsync(RoleAdd(c.NameOf("r")), RoleAdd(c.NameOf("s")), UserAdd(c.NameOf("u")), GrantRole(c.NameOf("u"), c.NameOf("r")), GrantRole(c.NameOf("u"), c.NameOf("s")));
            await c.CallAsync(RoleDelete(c.NameOf("r")));
            await c.CallAsync(UserGet(c.NameOf("u")));
            await c.PrepareAsync(UserDelete(c.NameOf("u")), RoleDelete(c.NameOf("s")));
        });
        Case("a role that is added again has no permissions", async c =>
        {
            await c.PrepareAsync(RoleAdd(c.NameOf("r")), Grant(c.NameOf("r"), Read, c.Key("k")), RoleDelete(c.NameOf("r")), RoleAdd(c.NameOf("r")));
            await c.CallAsync(RoleGet(c.NameOf("r")));
            await c.PrepareAsync(RoleDelete(c.NameOf("r")));
        });
    }

    private void Grants()
    {
        Case("grant a role", async c =>
        {
            await c.PrepareAsync(RoleAdd(c.NameOf("r")), UserAdd(c.NameOf("u")));
            await c.CallAsync(GrantRole(c.NameOf("u"), c.NameOf("r")));
            await c.CallAsync(UserGet(c.NameOf("u")));
            await c.PrepareAsync(UserDelete(c.NameOf("u")), RoleDelete(c.NameOf("r")));
        });
        Case("grant a role twice", async c =>
        {
            await c.PrepareAsync(RoleAdd(c.NameOf("r")), UserAdd(c.NameOf("u")), GrantRole(c.NameOf("u"), c.NameOf("r")));
            await c.CallAsync(GrantRole(c.NameOf("u"), c.NameOf("r")));
            await c.CallAsync(UserGet(c.NameOf("u")));
            await c.PrepareAsync(UserDelete(c.NameOf("u")), RoleDelete(c.NameOf("r")));
        });
        Case("grant a role that is not there", async c =>
        {
            await c.PrepareAsync(UserAdd(c.NameOf("u")));
            await c.CallAsync(GrantRole(c.NameOf("u"), c.NameOf("none")));
            await c.PrepareAsync(UserDelete(c.NameOf("u")));
        });
        Case("grant root, which nobody added", async c =>
        {
            await c.PrepareAsync(UserAdd(c.NameOf("u")));
            await c.CallAsync(GrantRole(c.NameOf("u"), "root"));
            await c.CallAsync(UserGet(c.NameOf("u")));
            await c.PrepareAsync(UserDelete(c.NameOf("u")));
        });
        Case("grant several roles, in the order of names", async c =>
        {
            await c.PrepareAsync(RoleAdd(c.NameOf("b")), RoleAdd(c.NameOf("c")), RoleAdd(c.NameOf("a")), UserAdd(c.NameOf("u")),
                GrantRole(c.NameOf("u"), c.NameOf("b")), GrantRole(c.NameOf("u"), c.NameOf("c")), GrantRole(c.NameOf("u"), c.NameOf("a")));
            await c.CallAsync(UserGet(c.NameOf("u")));
            await c.PrepareAsync(UserDelete(c.NameOf("u")), RoleDelete(c.NameOf("a")), RoleDelete(c.NameOf("b")), RoleDelete(c.NameOf("c")));
        });
        Case("revoke a role", async c =>
        {
            await c.PrepareAsync(RoleAdd(c.NameOf("r")), UserAdd(c.NameOf("u")), GrantRole(c.NameOf("u"), c.NameOf("r")));
            await c.CallAsync(RevokeRole(c.NameOf("u"), c.NameOf("r")));
            await c.CallAsync(UserGet(c.NameOf("u")));
            await c.CallAsync(RevokeRole(c.NameOf("u"), c.NameOf("r")));
            await c.PrepareAsync(UserDelete(c.NameOf("u")), RoleDelete(c.NameOf("r")));
        });
        Case("revoke a role that is not there", async c =>
        {
            await c.PrepareAsync(UserAdd(c.NameOf("u")));
            await c.CallAsync(RevokeRole(c.NameOf("u"), c.NameOf("none")));
            await c.PrepareAsync(UserDelete(c.NameOf("u")));
        });
        Case("grant nothing to nobody", c => c.CallAsync(new AuthUserGrantRoleRequest()));
    }

    private void Permissions()
    {
        foreach (Permission.Types.Type type in Enum.GetValues<Permission.Types.Type>())
        {
            Case($"permission {type} of a key", async c =>
            {
                await c.PrepareAsync(RoleAdd(c.NameOf("r")));
                await c.CallAsync(Grant(c.NameOf("r"), type, c.Key("k")));
                await c.CallAsync(RoleGet(c.NameOf("r")));
                await c.PrepareAsync(RoleDelete(c.NameOf("r")));
            });
            Case($"permission {type} of a range", async c =>
            {
                await c.PrepareAsync(RoleAdd(c.NameOf("r")));
                await c.CallAsync(Grant(c.NameOf("r"), type, c.Key("a"), c.Key("m")));
                await c.CallAsync(RoleGet(c.NameOf("r")));
                await c.PrepareAsync(RoleDelete(c.NameOf("r")));
            });
        }
        Case("permission from a key onwards", async c =>
        {
            await c.PrepareAsync(RoleAdd(c.NameOf("r")));
            await c.CallAsync(Grant(c.NameOf("r"), Readwrite, c.Key("a"), Requests.Onwards));
            await c.CallAsync(RoleGet(c.NameOf("r")));
            await c.PrepareAsync(RoleDelete(c.NameOf("r")));
        });
        Case("permission of everything", async c =>
        {
            await c.PrepareAsync(RoleAdd(c.NameOf("r")));
            await c.CallAsync(Grant(c.NameOf("r"), Readwrite, Requests.Onwards, Requests.Onwards));
            await c.CallAsync(RoleGet(c.NameOf("r")));
            await c.PrepareAsync(RoleDelete(c.NameOf("r")));
        });
        Case("permission of the empty key", async c =>
        {
            await c.PrepareAsync(RoleAdd(c.NameOf("r")));
            await c.CallAsync(Grant(c.NameOf("r"), Read, ByteString.Empty));
            await c.CallAsync(RoleGet(c.NameOf("r")));
            await c.PrepareAsync(RoleDelete(c.NameOf("r")));
        });
        Case("the same key again replaces the type", async c =>
        {
            await c.PrepareAsync(RoleAdd(c.NameOf("r")), Grant(c.NameOf("r"), Read, c.Key("k")));
            await c.CallAsync(Grant(c.NameOf("r"), Write, c.Key("k")));
            await c.CallAsync(RoleGet(c.NameOf("r")));
            await c.PrepareAsync(RoleDelete(c.NameOf("r")));
        });
        Case("the same permission again", async c =>
        {
            await c.PrepareAsync(RoleAdd(c.NameOf("r")), Grant(c.NameOf("r"), Read, c.Key("k")));
            await c.CallAsync(Grant(c.NameOf("r"), Read, c.Key("k")));
            await c.CallAsync(RoleGet(c.NameOf("r")));
            await c.PrepareAsync(RoleDelete(c.NameOf("r")));
        });
        Case("the same key with another end is another permission", async c =>
        {
            await c.PrepareAsync(RoleAdd(c.NameOf("r")), Grant(c.NameOf("r"), Read, c.Key("k")), Grant(c.NameOf("r"), Write, c.Key("k"), c.Key("m")));
            await c.CallAsync(RoleGet(c.NameOf("r")));
            await c.CallAsync(Revoke(c.NameOf("r"), c.Key("k")));
            await c.CallAsync(RoleGet(c.NameOf("r")));
            await c.PrepareAsync(RoleDelete(c.NameOf("r")));
        });
        Case("permissions are in the order of keys", async c =>
        {
            await c.PrepareAsync(RoleAdd(c.NameOf("r")), Grant(c.NameOf("r"), Read, c.Key("m")), Grant(c.NameOf("r"), Write, c.Key("a"), c.Key("c")), Grant(c.NameOf("r"), Readwrite, c.Key("z")), Grant(c.NameOf("r"), Read, c.Key("b")));
            await c.CallAsync(RoleGet(c.NameOf("r")));
            await c.PrepareAsync(RoleDelete(c.NameOf("r")));
        });
        Case("revoke a permission", async c =>
        {
            await c.PrepareAsync(RoleAdd(c.NameOf("r")), Grant(c.NameOf("r"), Read, c.Key("k")), Grant(c.NameOf("r"), Read, c.Key("l"), c.Key("m")));
            await c.CallAsync(Revoke(c.NameOf("r"), c.Key("l"), c.Key("m")));
            await c.CallAsync(RoleGet(c.NameOf("r")));
            await c.CallAsync(Revoke(c.NameOf("r"), c.Key("l"), c.Key("m")));
            await c.PrepareAsync(RoleDelete(c.NameOf("r")));
        });
        Case("revoke a part of a permission", async c =>
        {
            await c.PrepareAsync(RoleAdd(c.NameOf("r")), Grant(c.NameOf("r"), Read, c.Key("a"), c.Key("m")));
            await c.CallAsync(Revoke(c.NameOf("r"), c.Key("a")));
            await c.CallAsync(Revoke(c.NameOf("r"), c.Key("a"), c.Key("b")));
            await c.CallAsync(RoleGet(c.NameOf("r")));
            await c.PrepareAsync(RoleDelete(c.NameOf("r")));
        });
        Case("grant to nothing", c => c.CallAsync(new AuthRoleGrantPermissionRequest { Name = c.NameOf("none"), Perm = new Permission() }));
        Case("a range whose end comes before its beginning", async c =>
        {
            await c.PrepareAsync(RoleAdd(c.NameOf("r")));
            await c.CallAsync(Grant(c.NameOf("r"), Read, c.Key("m"), c.Key("a")));
            await c.CallAsync(RoleGet(c.NameOf("r")));
            await c.PrepareAsync(RoleDelete(c.NameOf("r")));
        });
        Case("a range whose end is its beginning", async c =>
        {
            await c.PrepareAsync(RoleAdd(c.NameOf("r")));
            await c.CallAsync(Grant(c.NameOf("r"), Read, c.Key("m"), c.Key("m")));
            await c.CallAsync(RoleGet(c.NameOf("r")));
            await c.PrepareAsync(RoleDelete(c.NameOf("r")));
        });
    }

    /// <summary>Whatever these turn on they turn off again.</summary>
    private void Switches()
    {
        Case("enable without role root", async c =>
        {
            await c.PrepareAsync(UserAdd("root"));
            await c.CallAsync(new AuthEnableRequest());
            await c.PrepareAsync(UserDelete("root"));
        });
        Case("enable, be locked out, log in, disable", async c =>
        {
            await c.PrepareAsync(UserAdd("root"), GrantRole("root", "root"));
            await c.CallAsync(new AuthEnableRequest());
            await c.CallAsync(Requests.Get(c.Key("k")), "Range without a token");
            await c.CallAsync(new AuthDisableRequest(), "AuthDisable without a token");
            string token = (await c.CallAsync(Login("root"))).As<AuthenticateResponse>().Token;
            c.Metadata["token"] = token;
            await c.CallAsync(new AuthEnableRequest(), "AuthEnable again");
            await c.CallAsync(Requests.Get(c.Key("k")));
            await c.CallAsync(new AuthDisableRequest());
            c.Metadata.Clear();
            await c.CallAsync(Requests.Get(c.Key("k")), "Range without a token");
            await c.CallAsync(Login("root"), "Authenticate while it is off");
            await c.PrepareAsync(UserDelete("root"));
        });
    }
}
