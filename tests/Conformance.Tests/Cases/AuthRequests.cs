using Conclave.Wire.Etcd.Authpb;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Conformance.Tests.Cases;

/// <summary>Short ways to write requests of the Auth service.</summary>
internal static class AuthRequests
{
    public const string Password = "secret";

    public static AuthUserAddRequest UserAdd(string name, string password = Password) => new() { Name = name, Password = password };

    public static AuthUserGetRequest UserGet(string name) => new() { Name = name };

    public static AuthUserDeleteRequest UserDelete(string name) => new() { Name = name };

    public static AuthUserChangePasswordRequest NewPassword(string name, string password) => new() { Name = name, Password = password };

    public static AuthUserGrantRoleRequest GrantRole(string user, string role) => new() { User = user, Role = role };

    public static AuthUserRevokeRoleRequest RevokeRole(string user, string role) => new() { Name = user, Role = role };

    public static AuthRoleAddRequest RoleAdd(string name) => new() { Name = name };

    public static AuthRoleGetRequest RoleGet(string name) => new() { Role = name };

    public static AuthRoleDeleteRequest RoleDelete(string name) => new() { Role = name };

    public static AuthRoleGrantPermissionRequest Grant(string role, Permission.Types.Type type, ByteString key, ByteString? end = null) =>
        new() { Name = role, Perm = new Permission { PermType = type, Key = key, RangeEnd = end ?? ByteString.Empty } };

    public static AuthRoleRevokePermissionRequest Revoke(string role, ByteString key, ByteString? end = null) => new() { Role = role, Key = key, RangeEnd = end ?? ByteString.Empty };

    public static AuthenticateRequest Login(string name, string password = Password) => new() { Name = name, Password = password };

    /// <summary>Passwords are hashed slowly on purpose; a suite of hundreds of cases asks etcd for the cheapest hash it has.</summary>
    public static IReadOnlyList<string> CheapPasswords(Processes.Servers.ServerKind kind) => kind == Processes.Servers.ServerKind.Etcd ? ["--bcrypt-cost", "4"] : [];
}
