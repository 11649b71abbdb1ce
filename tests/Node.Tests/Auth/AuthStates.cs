using Conclave.Store;
using Google.Protobuf;
using Pb = Conclave.Wire.Etcd.Etcdserverpb;

namespace Conclave.Node.Tests.Auth;

/// <summary>States of users and roles, made by the commands that make them in a cluster.</summary>
internal sealed class AuthStates
{
    private readonly KeyValueStore _store = new(new StoreOptions());

    public AuthStates(byte seed = 1)
    {
        Do(CommandKind.UserAdd, new Pb.AuthUserAddRequest { Name = "root", HashedPassword = "$" });
        Do(CommandKind.UserGrantRole, new Pb.AuthUserGrantRoleRequest { User = "root", Role = "root" });
        Do(CommandKind.UserAdd, new Pb.AuthUserAddRequest { Name = "alice", HashedPassword = "$" });
        Enable(seed);
    }

    public StoreView View => _store.View;

    public AuthState Now => _store.View.Auth;

    public AuthUser Alice => Now.Users["alice"];

    public void Enable(byte seed) => Do(CommandKind.AuthEnable, CommandBody.AuthEnable([.. Enumerable.Repeat(seed, 32)]));

    public void Disable() => Do(CommandKind.AuthDisable, []);

    public void Do(CommandKind kind, IMessage request) => Do(kind, request.ToByteArray());

    private void Do(CommandKind kind, byte[] body)
    {
        Assert.Equal(StoreError.None, _store.Apply(_store.AppliedIndex + 1, 1, new Command(kind, 1, 1, body, default, CommandIdentity.Member), false).Error);
        _store.Publish();
    }
}
