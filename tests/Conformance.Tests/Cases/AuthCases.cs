using Conclave.Conformance.Tests.Suite;
using Conclave.Processes.Servers;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;
using static Conclave.Conformance.Tests.Cases.AuthRequests;
using static Conclave.Conformance.Tests.Suite.Requests;
using static Conclave.Wire.Etcd.Authpb.Permission.Types.Type;

namespace Conclave.Conformance.Tests.Cases;

/// <summary>Auth turned on: who may do what, by every method, and what a token is good for. Cases run as root unless they say otherwise.</summary>
internal sealed class AuthCases : CaseGroup
{
    public override string Name => "auth";

    public override IReadOnlyList<string> ArgumentsOf(ServerKind kind) => CheapPasswords(kind);

    /// <summary>
    /// Users besides root: 'reader' may read a to m of every case, 'writer' may write it, 'both' may do both, 'open' may do both from m onwards, 'none' has no role. Every case
    /// has its own keys, so the roles are granted by each.
    /// </summary>
    public override async Task SetUpAsync(Run c)
    {
        await c.PrepareAsync(UserAdd("root"), GrantRole("root", "root"));
        foreach (string user in (string[])["reader", "writer", "both", "none"])
        {
            await c.PrepareAsync(UserAdd(user));
            if (user != "none")
                await c.PrepareAsync(RoleAdd(user), GrantRole(user, user));
        }
        await c.PrepareAsync(new AuthEnableRequest());
        await LogInAsync(c, "root");
    }

    private static async Task LogInAsync(Run c, string user) => c.Target.Shared[user] = (await c.PrepareAsync(Login(user))).As<AuthenticateResponse>().Token;

    /// <summary>The calls that follow are that user's; null is nobody's.</summary>
    private static async Task AsAsync(Run c, string? user)
    {
        if (user is null)
        {
            c.Metadata.Remove("token");
            return;
        }
        if (!c.Target.Shared.ContainsKey(user))
            await LogInAsync(c, user);
        c.Metadata["token"] = c.Target.Shared[user];
    }

    /// <summary>Gives the three roles their permission on the case's keys a to m, and puts some.</summary>
    private static async Task PermitAsync(Run c)
    {
        await AsAsync(c, "root");
        await c.PrepareAsync(Grant("reader", Read, c.Key("a"), c.Key("m")), Grant("writer", Write, c.Key("a"), c.Key("m")), Grant("both", Readwrite, c.Key("a"), c.Key("m")));
        await c.PrepareAsync(Do(Put(c.Key("b"), "1"), Put(c.Key("c"), "2"), Put(c.Key("z"), "3")));
    }

    protected override void Define()
    {
        Operations();
        Leases();
        Administration();
        Watches();
        Tokens();
        Changes();
        RootProtection();
        Union();
    }

    private void Operations()
    {
        (string Name, Func<Run, IMessage> Request)[] requests =
        [
            ("read one key", c => Get(c.Key("b"))),
            ("read one key at an old revision", c => Get(c.Key("b")).With(r => r.Revision = c.First)),
            ("read one key, serializable", c => Get(c.Key("b")).With(r => r.Serializable = true)),
            ("read the whole range", c => Get(c.Key("a"), c.Key("m"))),
            ("read a part of the range", c => Get(c.Key("b"), c.Key("d"))),
            ("read beyond the range", c => Get(c.Key("a"), c.Key("n"))),
            ("read before the range", c => Get(c.Key("0"), c.Key("c"))),
            ("read the end of the range", c => Get(c.Key("m"))),
            ("read onwards", c => Get(c.Key("b"), Onwards)),
            ("read everything", _ => Get(Onwards, Onwards).With(r => r.CountOnly = true)),
            ("count", c => Get(c.Key("a"), c.Key("m")).With(r => r.CountOnly = true)),
            ("read another key", c => Get(c.Key("z"))),
            ("put", c => Put(c.Key("b"), "2")),
            ("put another key", c => Put(c.Key("z"), "2")),
            ("put with prev_kv", c => Put(c.Key("b"), "2").With(p => p.PrevKv = true)),
            ("put and keep the value", c => Put(c.Key("b")).With(p => p.IgnoreValue = true)),
            ("delete", c => Delete(c.Key("b"))),
            ("delete the range", c => Delete(c.Key("a"), c.Key("m"))),
            ("delete beyond the range", c => Delete(c.Key("a"), c.Key("n"))),
            ("delete with prev_kv", c => Delete(c.Key("b")).With(d => d.PrevKv = true)),
            ("delete nothing, with prev_kv", c => Delete(c.Key("bb")).With(d => d.PrevKv = true)),
            ("a transaction that reads", c => Do(Get(c.Key("b")))),
            ("a transaction that writes", c => Do(Put(c.Key("b"), "2"))),
            ("a transaction that writes with prev_kv", c => Do(Put(c.Key("b"), "2").With(p => p.PrevKv = true))),
            ("a transaction that deletes", c => Do(Delete(c.Key("b")))),
            ("a transaction that reads and writes", c => Do(Get(c.Key("b")), Put(c.Key("c"), "2"))),
            ("a transaction that compares", c => If(Version(c.Key("b"), Compare.Types.CompareResult.Equal, 1)).Then(Put(c.Key("c"), "2"))),
            ("a transaction that compares another key", c => If(Version(c.Key("z"), Compare.Types.CompareResult.Equal, 1)).Then(Get(c.Key("b")))),
            ("a transaction that compares a range", c => If(Version(c.Key("a"), Compare.Types.CompareResult.Greater, 0).With(compare => compare.RangeEnd = c.Key("n")))),
            ("a transaction whose other branch reads another key", c => If(Version(c.Key("b"), Compare.Types.CompareResult.Greater, 0)).Then(Get(c.Key("b"))).Else(Get(c.Key("z")))),
            ("a transaction whose other branch writes", c => If(Version(c.Key("b"), Compare.Types.CompareResult.Greater, 0)).Then(Get(c.Key("b"))).Else(Put(c.Key("b"), "9"))),
            ("a nested transaction that writes another key", c => Do(Do(Put(c.Key("z"), "2")))),
            ("a nested transaction that reads", c => Do(Do(Get(c.Key("b"))))),
            ("an empty transaction", _ => new TxnRequest()),
        ];
        foreach ((string name, Func<Run, IMessage> request) in requests)
        {
            Case(name, async c =>
            {
                await PermitAsync(c);
                foreach (string? user in (string?[])["reader", "writer", "both", "none", null])
                {
                    await AsAsync(c, user);
                    await c.CallAsync(request(c), user ?? "nobody");
                }
                await AsAsync(c, "root");
                await c.CallAsync(Get(c.Key(""), c.EndOf("")));
            });
        }
        Case("bad requests are refused before anything else", async c =>
        {
            foreach (IMessage request in (IMessage[])[new RangeRequest(), new PutRequest(), new DeleteRangeRequest(), Put(c.Key("k"), "1").With(p => p.IgnoreValue = true), Do(Put(c.Key("k")), Put(c.Key("k")))])
            {
                await AsAsync(c, null);
                await c.CallAsync(request, $"{request.Descriptor.Name} of nobody");
                await AsAsync(c, "none");
                await c.CallAsync(request, $"{request.Descriptor.Name} of who may not");
            }
        });
        Case("permission comes before the future and the past", async c =>
        {
            await PermitAsync(c);
            await c.PrepareAsync(new CompactionRequest { Revision = c.First + 1 });
            foreach (string user in (string[])["none", "reader"])
            {
                await AsAsync(c, user);
                await c.CallAsync(Get(c.Key("b")).With(r => r.Revision = long.MaxValue), $"the future as {user}");
                await c.CallAsync(Get(c.Key("b")).With(r => r.Revision = 1), $"the past as {user}");
            }
        });
    }

    private void Leases()
    {
        Case("put with a lease of foreign keys", async c =>
        {
            await PermitAsync(c);
            await c.PrepareAsync(new LeaseGrantRequest { ID = c.LeaseId(1), TTL = 600 }, Put(c.Key("z"), "1", c.LeaseId(1)));
            await AsAsync(c, "writer");
            await c.CallAsync(Put(c.Key("b"), "2", c.LeaseId(1)));
            await c.CallAsync(Put(c.Key("b"), "2", c.LeaseId(9)), "Put with an unknown lease");
        });
        Case("put with a lease of own keys", async c =>
        {
            await PermitAsync(c);
            await c.PrepareAsync(new LeaseGrantRequest { ID = c.LeaseId(1), TTL = 600 }, Put(c.Key("c"), "1", c.LeaseId(1)));
            await AsAsync(c, "writer");
            await c.CallAsync(Put(c.Key("b"), "2", c.LeaseId(1)));
        });
        Case("a transaction with a lease of foreign keys", async c =>
        {
            await PermitAsync(c);
            await c.PrepareAsync(new LeaseGrantRequest { ID = c.LeaseId(1), TTL = 600 }, Put(c.Key("z"), "1", c.LeaseId(1)));
            await AsAsync(c, "writer");
            await c.CallAsync(Do(Put(c.Key("b"), "2", c.LeaseId(1))));
        });
        Case("revoke a lease of foreign keys", async c =>
        {
            await PermitAsync(c);
            await c.PrepareAsync(new LeaseGrantRequest { ID = c.LeaseId(1), TTL = 600 }, Put(c.Key("b"), "1", c.LeaseId(1)), Put(c.Key("z"), "1", c.LeaseId(1)));
            foreach (string? user in (string?[])["none", "reader", "writer", null])
            {
                await AsAsync(c, user);
                await c.CallAsync(new LeaseRevokeRequest { ID = c.LeaseId(1) }, $"LeaseRevoke as {user ?? "nobody"}");
            }
        });
        Case("revoke a lease of own keys", async c =>
        {
            await PermitAsync(c);
            await c.PrepareAsync(new LeaseGrantRequest { ID = c.LeaseId(1), TTL = 600 }, Put(c.Key("b"), "1", c.LeaseId(1)));
            foreach (string user in (string[])["reader", "writer"])
            {
                await AsAsync(c, user);
                await c.CallAsync(new LeaseRevokeRequest { ID = c.LeaseId(1) }, $"LeaseRevoke as {user}");
            }
        });
        Case("time to live with keys", async c =>
        {
            await PermitAsync(c);
            await c.PrepareAsync(new LeaseGrantRequest { ID = c.LeaseId(1), TTL = 600 }, Put(c.Key("b"), "1", c.LeaseId(1)));
            foreach (string? user in (string?[])["none", "writer", "reader", null])
            {
                await AsAsync(c, user);
                await c.CallAsync(new LeaseTimeToLiveRequest { ID = c.LeaseId(1), Keys = true }, $"with keys as {user ?? "nobody"}");
                await c.CallAsync(new LeaseTimeToLiveRequest { ID = c.LeaseId(1) }, $"without keys as {user ?? "nobody"}");
            }
        });
        Case("grant a lease", async c =>
        {
            int number = 1;
            foreach (string? user in (string?[])["none", "reader", null])
            {
                await AsAsync(c, user);
                await c.CallAsync(new LeaseGrantRequest { ID = c.LeaseId(number++), TTL = 600 }, $"LeaseGrant as {user ?? "nobody"}");
            }
        });
        Case("a permitted user revokes a lease without keys", async c =>
        {
            await AsAsync(c, "none");
            await c.PrepareAsync(new LeaseGrantRequest { ID = c.LeaseId(1), TTL = 600 });
            await c.CallAsync(new LeaseRevokeRequest { ID = c.LeaseId(1) });
        });
        Case("keepalive and list of a lease without keys", async c =>
        {
            await AsAsync(c, "none");
            await c.PrepareAsync(new LeaseGrantRequest { ID = c.LeaseId(1), TTL = 600 });
            await c.Open(Rpc.Named("LeaseKeepAlive"), new LeaseKeepAliveRequest { ID = c.LeaseId(1) }).TakeAsync(1);
        });
    }

    private void Administration()
    {
        (string Name, Func<Run, IMessage> Request, bool IsGrpcAlone)[] requests =
        [
            ("AuthEnable", _ => new AuthEnableRequest(), false), ("AuthDisable", _ => new AuthDisableRequest(), false),
            ("UserAdd", c => UserAdd(c.NameOf("u")), false), ("UserDelete", c => UserDelete(c.NameOf("u")), false), ("UserChangePassword", c => NewPassword(c.NameOf("u"), "p"), false),
            ("UserGrantRole", c => GrantRole(c.NameOf("u"), "reader"), false), ("UserRevokeRole", c => RevokeRole(c.NameOf("u"), "reader"), false), ("UserList", _ => new AuthUserListRequest(), false),
            ("RoleAdd", c => RoleAdd(c.NameOf("r")), false), ("RoleDelete", c => RoleDelete(c.NameOf("r")), false), ("RoleList", _ => new AuthRoleListRequest(), false),
            ("RoleGrantPermission", c => Grant("reader", Read, c.Key("k")), false), ("RoleRevokePermission", c => Revoke("reader", c.Key("k")), false),
            ("UserGet of another", _ => UserGet("root"), false), ("UserGet of oneself", _ => UserGet("none"), false), ("RoleGet of another's", _ => RoleGet("writer"), false),
            ("MemberAdd", _ => new MemberAddRequest { PeerURLs = { "http://127.0.0.1:9999" } }, false), ("MemberRemove", _ => new MemberRemoveRequest { ID = 1 }, false),
            ("MemberUpdate", _ => new MemberUpdateRequest { ID = 1, PeerURLs = { "http://127.0.0.1:9999" } }, false), ("MemberPromote", _ => new MemberPromoteRequest { ID = 1 }, false), ("MemberList", _ => new MemberListRequest(), false),
            ("Status", _ => new StatusRequest(), false), ("Alarm GET", _ => new AlarmRequest(), false),
            ("Alarm ACTIVATE", _ => new AlarmRequest { Action = AlarmRequest.Types.AlarmAction.Activate, Alarm = AlarmType.None, MemberID = 1 }, false),
            ("Defragment", _ => new DefragmentRequest(), false), ("Hash", _ => new HashRequest(), false), ("HashKV", _ => new HashKVRequest(), true), ("MoveLeader", _ => new MoveLeaderRequest { TargetID = 1 }, false),
            ("Compact", _ => new CompactionRequest { Revision = long.MaxValue }, false), ("LeaseLeases", _ => new LeaseLeasesRequest(), false),
        ];
        foreach ((string name, Func<Run, IMessage> request, bool isGrpcAlone) in requests)
        {
            Case($"administration: {name}", async c =>
            {
                foreach (string? user in (string?[])["none", null])
                {
                    await AsAsync(c, user);
                    await c.CallAsync(request(c), user ?? "nobody");
                }
                c.Metadata["token"] = "nonsense.1";
                await c.CallAsync(request(c), "a token that is none");
            }, isGrpcAlone ? Over.Grpc : Over.Both);
        }
        Case("a user sees the own roles", async c =>
        {
            await PermitAsync(c);
            await AsAsync(c, "reader");
            await c.CallAsync(UserGet("reader"));
            await c.CallAsync(UserGet("writer"));
        });
        Case("root adds, uses and deletes users and roles", async c =>
        {
            await AsAsync(c, "root");
            await c.CallAsync(UserAdd(c.NameOf("u")));
            await c.CallAsync(RoleAdd(c.NameOf("r")));
            await c.CallAsync(Grant(c.NameOf("r"), Readwrite, c.Key("k")));
            await c.CallAsync(GrantRole(c.NameOf("u"), c.NameOf("r")));
            string token = (await c.CallAsync(Login(c.NameOf("u")))).As<AuthenticateResponse>().Token;
            c.Metadata["token"] = token;
            await c.CallAsync(Put(c.Key("k"), "1"));
            await c.CallAsync(Get(c.Key("k")));
            await c.CallAsync(Get(c.Key("l")));
            await AsAsync(c, "root");
            await c.CallAsync(UserDelete(c.NameOf("u")));
            await c.CallAsync(RoleDelete(c.NameOf("r")));
        });
        Case("snapshot", async c =>
        {
            foreach (string? user in (string?[])["none", null])
            {
                await AsAsync(c, user);
                await c.Open(Rpc.Named("Snapshot"), new SnapshotRequest()).TakeAsync(1, user ?? "nobody");
            }
        });
    }

    private void Watches()
    {
        (string Name, Func<Run, WatchCreateRequest> Request)[] requests =
        [
            ("a key", c => new WatchCreateRequest { Key = c.Key("b") }), ("the range", c => new WatchCreateRequest { Key = c.Key("a"), RangeEnd = c.Key("m") }),
            ("beyond the range", c => new WatchCreateRequest { Key = c.Key("a"), RangeEnd = c.Key("n") }), ("onwards", c => new WatchCreateRequest { Key = c.Key("b"), RangeEnd = Onwards }),
            ("everything", _ => new WatchCreateRequest { RangeEnd = Onwards }), ("an end before the key", c => new WatchCreateRequest { Key = c.Key("c"), RangeEnd = c.Key("b") }),
        ];
        foreach ((string name, Func<Run, WatchCreateRequest> request) in requests)
        {
            Case($"watch {name}", async c =>
            {
                await PermitAsync(c);
                foreach (string? user in (string?[])["reader", "writer", "none", null])
                {
                    await AsAsync(c, user);
                    await c.Open(Rpc.Named("Watch"), new WatchRequest { CreateRequest = request(c) }).TakeAsync(1, user ?? "nobody");
                }
            });
        }
        Case("watch with a token that is none", async c =>
        {
            c.Metadata["token"] = "nonsense.1";
            await c.Open(Rpc.Named("Watch"), new WatchRequest { CreateRequest = new WatchCreateRequest { Key = c.Key("b") } }).TakeAsync(1);
        });
        Case("a permitted watcher beside a refused one", async c =>
        {
            await PermitAsync(c);
            await AsAsync(c, "reader");
            Run.Conversation watch = c.Open(Rpc.Named("Watch"), new WatchRequest { CreateRequest = new WatchCreateRequest { Key = c.Key("z") } }, new WatchRequest { CreateRequest = new WatchCreateRequest { Key = c.Key("b") } });
            await watch.TakeAsync(2);
            await AsAsync(c, "root");
            await c.PrepareAsync(Do(Put(c.Key("z"), "9"), Put(c.Key("b"), "9")));
            await watch.TakeAsync(1);
        });
    }

    private void Tokens()
    {
        Case("a wrong password", c => c.CallAsync(Login("reader", "wrong")));
        Case("an empty password", c => c.CallAsync(Login("reader", "")));
        Case("a user that is not there", c => c.CallAsync(Login(c.NameOf("nobody"))));
        Case("no user", c => c.CallAsync(Login("")));
        Case("log in", async c =>
        {
            await c.CallAsync(Login("reader"));
            await c.CallAsync(Login("root"));
        });
        Case("two logins of one user are both good", async c =>
        {
            await PermitAsync(c);
            string one = (await c.PrepareAsync(Login("reader"))).As<AuthenticateResponse>().Token, other = (await c.PrepareAsync(Login("reader"))).As<AuthenticateResponse>().Token;
            c.Note("they differ", one != other);
            foreach (string token in (string[])[one, other])
            {
                c.Metadata["token"] = token;
                await c.CallAsync(Get(c.Key("b")));
            }
        });
        foreach (string token in (string[])["nonsense", "nonsense.1", "abcdefghijklmnop.2", "a.b.c", ".", "Bearer x"])
        {
            Case($"the token '{token}'", async c =>
            {
                c.Metadata["token"] = token;
                await c.CallAsync(Get(c.Key("b")));
                await c.CallAsync(Put(c.Key("b"), "1"));
            });
        }
        Case("an empty token", async c =>
        {
            c.Metadata["token"] = "";
            await c.CallAsync(Get(c.Key("b")));
        }, Over.Grpc);
        Case("the token as authorization", async c =>
        {
            await PermitAsync(c);
            c.Metadata.Clear();
            c.Metadata["authorization"] = c.Target.Shared["root"];
            await c.CallAsync(Get(c.Key("b")));
        }, Over.Grpc);
        Case("token wins over authorization", async c =>
        {
            await PermitAsync(c);
            c.Metadata["authorization"] = "nonsense";
            await c.CallAsync(Get(c.Key("b")));
        }, Over.Grpc);
        Case("a user without password cannot log in", async c =>
        {
            await AsAsync(c, "root");
            await c.PrepareAsync(new AuthUserAddRequest { Name = c.NameOf("u"), Options = new Wire.Etcd.Authpb.UserAddOptions { NoPassword = true } });
            c.Metadata.Clear();
            await c.CallAsync(Login(c.NameOf("u"), ""));
            await c.CallAsync(Login(c.NameOf("u"), "guess"));
            await AsAsync(c, "root");
            await c.PrepareAsync(UserDelete(c.NameOf("u")));
        });
        Case("an empty password can be logged in with", async c =>
        {
            await AsAsync(c, "root");
            await c.PrepareAsync(UserAdd(c.NameOf("u"), ""));
            await c.CallAsync(Login(c.NameOf("u"), ""));
            await c.PrepareAsync(UserDelete(c.NameOf("u")));
        });
    }

    private void Changes()
    {
        Case("a changed password ends the tokens", async c =>
        {
            await AsAsync(c, "root");
            await c.PrepareAsync(UserAdd(c.NameOf("u")));
            string token = (await c.PrepareAsync(Login(c.NameOf("u")))).As<AuthenticateResponse>().Token;
            c.Metadata["token"] = token;
            await c.CallAsync(Get(c.Key("b")), "before");
            await AsAsync(c, "root");
            await c.CallAsync(NewPassword(c.NameOf("u"), "new"));
            c.Metadata["token"] = token;
            await c.CallAsync(Get(c.Key("b")), "after");
            await c.CallAsync(Login(c.NameOf("u")), "the old password");
            await c.CallAsync(Login(c.NameOf("u"), "new"), "the new password");
            await AsAsync(c, "root");
            await c.PrepareAsync(UserDelete(c.NameOf("u")));
        });
        Case("a deleted user's tokens are none", async c =>
        {
            await AsAsync(c, "root");
            await c.PrepareAsync(UserAdd(c.NameOf("u")));
            string token = (await c.PrepareAsync(Login(c.NameOf("u")))).As<AuthenticateResponse>().Token;
            await c.PrepareAsync(UserDelete(c.NameOf("u")));
            c.Metadata["token"] = token;
            await c.CallAsync(Get(c.Key("b")));
            await AsAsync(c, "root");
            await c.PrepareAsync(UserAdd(c.NameOf("u")));
            c.Metadata["token"] = token;
            await c.CallAsync(Get(c.Key("b")), "after a user of that name was added");
            await AsAsync(c, "root");
            await c.PrepareAsync(UserDelete(c.NameOf("u")));
        });
        Case("a revoked permission holds at once", async c =>
        {
            await PermitAsync(c);
            await AsAsync(c, "reader");
            await c.CallAsync(Get(c.Key("b")));
            await AsAsync(c, "root");
            await c.CallAsync(Revoke("reader", c.Key("a"), c.Key("m")));
            await AsAsync(c, "reader");
            await c.CallAsync(Get(c.Key("b")));
        });
        Case("a revoked role holds at once", async c =>
        {
            await AsAsync(c, "root");
            await c.PrepareAsync(UserAdd(c.NameOf("u")), RoleAdd(c.NameOf("r")), Grant(c.NameOf("r"), Read, c.Key("b")), GrantRole(c.NameOf("u"), c.NameOf("r")));
            string token = (await c.PrepareAsync(Login(c.NameOf("u")))).As<AuthenticateResponse>().Token;
            c.Metadata["token"] = token;
            await c.CallAsync(Get(c.Key("b")));
            await AsAsync(c, "root");
            await c.CallAsync(RevokeRole(c.NameOf("u"), c.NameOf("r")));
            c.Metadata["token"] = token;
            await c.CallAsync(Get(c.Key("b")));
            await AsAsync(c, "root");
            await c.PrepareAsync(UserDelete(c.NameOf("u")), RoleDelete(c.NameOf("r")));
        });
        Case("a deleted role holds at once", async c =>
        {
            await AsAsync(c, "root");
            await c.PrepareAsync(UserAdd(c.NameOf("u")), RoleAdd(c.NameOf("r")), Grant(c.NameOf("r"), Read, c.Key("b")), GrantRole(c.NameOf("u"), c.NameOf("r")));
            string token = (await c.PrepareAsync(Login(c.NameOf("u")))).As<AuthenticateResponse>().Token;
            await c.CallAsync(RoleDelete(c.NameOf("r")));
            await c.CallAsync(UserGet(c.NameOf("u")));
            c.Metadata["token"] = token;
            await c.CallAsync(Get(c.Key("b")));
            await AsAsync(c, "root");
            await c.PrepareAsync(UserDelete(c.NameOf("u")));
        });
        Case("a second user with role root may do everything", async c =>
        {
            await AsAsync(c, "root");
            await c.PrepareAsync(UserAdd(c.NameOf("u")), GrantRole(c.NameOf("u"), "root"));
            c.Metadata["token"] = (await c.PrepareAsync(Login(c.NameOf("u")))).As<AuthenticateResponse>().Token;
            await c.CallAsync(Put(c.Key("k"), "1"));
            await c.CallAsync(UserAdd(c.NameOf("v")));
            await c.CallAsync(UserDelete(c.NameOf("v")));
            await AsAsync(c, "root");
            await c.PrepareAsync(UserDelete(c.NameOf("u")));
        });
    }

    private void RootProtection()
    {
        (string Name, IMessage Request)[] requests = [("delete user root", UserDelete("root")), ("delete role root", RoleDelete("root")), ("take role root from user root", RevokeRole("root", "root"))];
        foreach ((string name, IMessage request) in requests)
        {
            Case($"root: {name}", async c =>
            {
                await AsAsync(c, "root");
                await c.CallAsync(request);
            });
        }
        Case("root: enable again", async c =>
        {
            await AsAsync(c, "root");
            await c.CallAsync(new AuthEnableRequest());
        });
        Case("root: everything without a permission", async c =>
        {
            await AsAsync(c, "root");
            await c.CallAsync(Put(c.Key("k"), "1"));
            await c.CallAsync(Get(Onwards, Onwards).With(r => r.CountOnly = true).With(r => r.Limit = 1).With(r => (r.Key, r.RangeEnd) = (c.Key(""), c.EndOf(""))));
            await c.CallAsync(Delete(c.Key(""), c.EndOf("")));
        });
    }

    private void Union()
    {
        async Task<string> UserOfAsync(Run c, params AuthRoleGrantPermissionRequest[] permissions)
        {
            await AsAsync(c, "root");
            await c.PrepareAsync(UserAdd(c.NameOf("u")), RoleAdd(c.NameOf("r")), RoleAdd(c.NameOf("s")), GrantRole(c.NameOf("u"), c.NameOf("r")), GrantRole(c.NameOf("u"), c.NameOf("s")));
            await c.PrepareAsync([.. permissions]);
            return (await c.PrepareAsync(Login(c.NameOf("u")))).As<AuthenticateResponse>().Token;
        }
        async Task EndAsync(Run c)
        {
            await AsAsync(c, "root");
            await c.PrepareAsync(UserDelete(c.NameOf("u")), RoleDelete(c.NameOf("r")), RoleDelete(c.NameOf("s")));
        }
        Case("ranges of two roles that meet are one", async c =>
        {
            c.Metadata["token"] = await UserOfAsync(c, Grant(c.NameOf("r"), Read, c.Key("a"), c.Key("m")), Grant(c.NameOf("s"), Read, c.Key("m"), c.Key("z")));
            await c.CallAsync(Get(c.Key("b"), c.Key("y")));
            await EndAsync(c);
        });
        Case("ranges of two roles that overlap are one", async c =>
        {
            c.Metadata["token"] = await UserOfAsync(c, Grant(c.NameOf("r"), Read, c.Key("a"), c.Key("p")), Grant(c.NameOf("s"), Read, c.Key("m"), c.Key("z")));
            await c.CallAsync(Get(c.Key("a"), c.Key("z")));
            await EndAsync(c);
        });
        Case("ranges with a gap are two", async c =>
        {
            c.Metadata["token"] = await UserOfAsync(c, Grant(c.NameOf("r"), Read, c.Key("a"), c.Key("m")), Grant(c.NameOf("s"), Read, c.Key("n"), c.Key("z")));
            await c.CallAsync(Get(c.Key("b"), c.Key("y")));
            await c.CallAsync(Get(c.Key("n"), c.Key("y")));
            await EndAsync(c);
        });
        Case("reading of one role and writing of another", async c =>
        {
            c.Metadata["token"] = await UserOfAsync(c, Grant(c.NameOf("r"), Read, c.Key("k")), Grant(c.NameOf("s"), Write, c.Key("k")));
            await c.CallAsync(Put(c.Key("k"), "1").With(p => p.PrevKv = true));
            await c.CallAsync(Get(c.Key("k")));
            await EndAsync(c);
        });
        Case("a single key inside a range of another type", async c =>
        {
            c.Metadata["token"] = await UserOfAsync(c, Grant(c.NameOf("r"), Read, c.Key("a"), c.Key("m")), Grant(c.NameOf("s"), Write, c.Key("b")));
            await c.CallAsync(Put(c.Key("b"), "1"));
            await c.CallAsync(Put(c.Key("c"), "1"));
            await c.CallAsync(Get(c.Key("a"), c.Key("m")));
            await EndAsync(c);
        });
        Case("an open permission holds onwards", async c =>
        {
            c.Metadata["token"] = await UserOfAsync(c, Grant(c.NameOf("r"), Read, c.Key("b"), Onwards));
            await c.CallAsync(Get(c.Key("zz")));
            await c.CallAsync(Get(c.Key("b"), Onwards).With(r => r.CountOnly = true).With(r => r.Revision = 1));
            await c.CallAsync(Get(c.Key("a")));
            await c.CallAsync(Get(c.Key("a"), Onwards).With(r => r.CountOnly = true));
            await EndAsync(c);
        });
        Case("a key is no range of one key", async c =>
        {
            c.Metadata["token"] = await UserOfAsync(c, Grant(c.NameOf("r"), Read, c.Key("k")));
            await c.CallAsync(Get(c.Key("k")));
            await c.CallAsync(Get(c.Key("k"), c.Key("k\0")));
            await c.CallAsync(Get(c.Key("k"), c.Key("l")));
            await EndAsync(c);
        });
    }
}
