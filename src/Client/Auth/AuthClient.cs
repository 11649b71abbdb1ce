using Conclave.Client.Routing;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Client;

/// <summary>Users, roles, and whether they count. While auth is on all of this needs a user with role root, but for one's own user and roles.</summary>
public sealed class AuthClient
{
    private readonly CallRouter _router;

    internal AuthClient(CallRouter router) => _router = router;

    /// <summary>Makes everybody log in from now on. There must be a user root with role root.</summary>
    public async ValueTask<ResponseHeader> EnableAsync(CancellationToken cancellationToken = default) =>
        ResponseHeader.Of((await WriteAsync(Calls.AuthEnable, new AuthEnableRequest(), cancellationToken).ConfigureAwait(false)).Header);

    /// <summary>Lets everybody do everything again. Users and roles stay; tokens end.</summary>
    public async ValueTask<ResponseHeader> DisableAsync(CancellationToken cancellationToken = default) =>
        ResponseHeader.Of((await WriteAsync(Calls.AuthDisable, new AuthDisableRequest(), cancellationToken).ConfigureAwait(false)).Header);

    public async ValueTask<AuthStatus> StatusAsync(CancellationToken cancellationToken = default)
    {
        AuthStatusResponse answer = await ReadAsync(Calls.AuthStatus, new AuthStatusRequest(), cancellationToken).ConfigureAwait(false);
        return new AuthStatus(ResponseHeader.Of(answer.Header), answer.Enabled, answer.AuthRevision);
    }

    /// <param name="name">Not empty.</param>
    /// <param name="password">Null for a user who is known by a client certificate alone.</param>
    /// <param name="cancellationToken">Stops waiting; the user may still be added.</param>
    public async ValueTask<ResponseHeader> AddUserAsync(string name, string? password, CancellationToken cancellationToken = default)
    {
        AuthUserAddRequest request = new() { Name = name, Password = password ?? "", Options = new Wire.Etcd.Authpb.UserAddOptions { NoPassword = password is null } };
        return ResponseHeader.Of((await WriteAsync(Calls.UserAdd, request, cancellationToken).ConfigureAwait(false)).Header);
    }

    public async ValueTask<ResponseHeader> DeleteUserAsync(string name, CancellationToken cancellationToken = default) =>
        ResponseHeader.Of((await WriteAsync(Calls.UserDelete, new AuthUserDeleteRequest { Name = name }, cancellationToken).ConfigureAwait(false)).Header);

    /// <summary>Gives a user another password. Tokens of the old one end.</summary>
    public async ValueTask<ResponseHeader> ChangePasswordAsync(string name, string password, CancellationToken cancellationToken = default)
    {
        AuthUserChangePasswordRequest request = new() { Name = name, Password = password };
        return ResponseHeader.Of((await WriteAsync(Calls.UserChangePassword, request, cancellationToken).ConfigureAwait(false)).Header);
    }

    public async ValueTask<ResponseHeader> GrantRoleAsync(string user, string role, CancellationToken cancellationToken = default) =>
        ResponseHeader.Of((await WriteAsync(Calls.UserGrantRole, new AuthUserGrantRoleRequest { User = user, Role = role }, cancellationToken).ConfigureAwait(false)).Header);

    public async ValueTask<ResponseHeader> RevokeRoleAsync(string user, string role, CancellationToken cancellationToken = default) =>
        ResponseHeader.Of((await WriteAsync(Calls.UserRevokeRole, new AuthUserRevokeRoleRequest { Name = user, Role = role }, cancellationToken).ConfigureAwait(false)).Header);

    /// <summary>The names of a user's roles.</summary>
    public async ValueTask<AuthList<string>> GetUserAsync(string name, CancellationToken cancellationToken = default)
    {
        AuthUserGetResponse answer = await ReadAsync(Calls.UserGet, new AuthUserGetRequest { Name = name }, cancellationToken).ConfigureAwait(false);
        return new AuthList<string>(ResponseHeader.Of(answer.Header), [.. answer.Roles]);
    }

    public async ValueTask<AuthList<string>> ListUsersAsync(CancellationToken cancellationToken = default)
    {
        AuthUserListResponse answer = await ReadAsync(Calls.UserList, new AuthUserListRequest(), cancellationToken).ConfigureAwait(false);
        return new AuthList<string>(ResponseHeader.Of(answer.Header), [.. answer.Users]);
    }

    public async ValueTask<ResponseHeader> AddRoleAsync(string name, CancellationToken cancellationToken = default) =>
        ResponseHeader.Of((await WriteAsync(Calls.RoleAdd, new AuthRoleAddRequest { Name = name }, cancellationToken).ConfigureAwait(false)).Header);

    /// <summary>Deletes a role and takes it from all users.</summary>
    public async ValueTask<ResponseHeader> DeleteRoleAsync(string name, CancellationToken cancellationToken = default) =>
        ResponseHeader.Of((await WriteAsync(Calls.RoleDelete, new AuthRoleDeleteRequest { Role = name }, cancellationToken).ConfigureAwait(false)).Header);

    /// <summary>What a role may do.</summary>
    public async ValueTask<AuthList<Permission>> GetRoleAsync(string name, CancellationToken cancellationToken = default)
    {
        AuthRoleGetResponse answer = await ReadAsync(Calls.RoleGet, new AuthRoleGetRequest { Role = name }, cancellationToken).ConfigureAwait(false);
        return new AuthList<Permission>(ResponseHeader.Of(answer.Header), [.. answer.Perm.Select(Of)]);
    }

    public async ValueTask<AuthList<string>> ListRolesAsync(CancellationToken cancellationToken = default)
    {
        AuthRoleListResponse answer = await ReadAsync(Calls.RoleList, new AuthRoleListRequest(), cancellationToken).ConfigureAwait(false);
        return new AuthList<string>(ResponseHeader.Of(answer.Header), [.. answer.Roles]);
    }

    /// <summary>Lets a role do something with a range of keys; replaces what it may do with just this range.</summary>
    public async ValueTask<ResponseHeader> GrantPermissionAsync(string role, Permission permission, CancellationToken cancellationToken = default)
    {
        AuthRoleGrantPermissionRequest request = new()
        {
            Name = role,
            Perm = new Wire.Etcd.Authpb.Permission
            {
                PermType = (Wire.Etcd.Authpb.Permission.Types.Type)permission.Kind,
                Key = permission.Range.Key.ToByteString(),
                RangeEnd = permission.Range.End.ToByteString(),
            },
        };
        return ResponseHeader.Of((await WriteAsync(Calls.RoleGrantPermission, request, cancellationToken).ConfigureAwait(false)).Header);
    }

    /// <summary>Takes back what was granted for just this range.</summary>
    public async ValueTask<ResponseHeader> RevokePermissionAsync(string role, KeyRange range, CancellationToken cancellationToken = default)
    {
        AuthRoleRevokePermissionRequest request = new() { Role = role, Key = range.Key.ToByteString(), RangeEnd = range.End.ToByteString() };
        return ResponseHeader.Of((await WriteAsync(Calls.RoleRevokePermission, request, cancellationToken).ConfigureAwait(false)).Header);
    }

    private ValueTask<T> ReadAsync<T>(Call<T> call, IMessage request, CancellationToken cancellationToken) where T : IMessage<T> =>
        _router.ReadAsync(call, request, cancellationToken);

    private ValueTask<T> WriteAsync<T>(Call<T> call, IMessage request, CancellationToken cancellationToken) where T : IMessage<T> =>
        _router.WriteAsync(call, request, cancellationToken);

    private static Permission Of(Wire.Etcd.Authpb.Permission permission) =>
        new((PermissionKind)permission.PermType, permission.RangeEnd.IsEmpty ? KeyRange.Single(Bytes.Of(permission.Key)) : KeyRange.Between(Bytes.Of(permission.Key), Bytes.Of(permission.RangeEnd)));
}
