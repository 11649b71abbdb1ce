using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Conclave.Node.Auth;
using Conclave.Node.Http;
using Conclave.Store;
using Conclave.Wire.Etcd.Authpb;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;
using Google.Protobuf;

namespace Conclave.Node.Services;

/// <summary>etcdserverpb.Auth: users, roles, and logging in. Changes go through the log; questions are answered from a confirmed view.</summary>
internal sealed class AuthService(ServiceContext context, PasswordHasher passwords)
{
    private static readonly Permission Everything = new() { PermType = Permission.Types.Type.Readwrite, RangeEnd = ByteString.CopyFrom(0) };

    /// <summary>Longer names could not send commands, see <see cref="Command.UserBytesMax"/>.</summary>
    private static readonly GrpcStatus NameTooLong = new(GrpcCode.InvalidArgument, $"conclave: the name of a user has at most {Command.UserBytesMax} bytes");

    private static readonly GrpcStatus ForeignHash = new(GrpcCode.InvalidArgument,
        "conclave: hashedPassword is not one of Conclave's ($pbkdf2-sha512$..., in base64); send the password, and the server derives it");

    private volatile Hardest? _hardest;

    /// <param name="Users">Of whom.</param>
    /// <param name="Iterations">The most work that one of their hashes took.</param>
    private sealed record Hardest(object Users, int Iterations);

    public void AddTo(RpcRegistry registry)
    {
        registry.Add(Unary<AuthEnableRequest, AuthEnableResponse>("AuthEnable", EnableAsync, "enable"));
        registry.Add(Unary<AuthDisableRequest, AuthDisableResponse>("AuthDisable", Change(CommandKind.AuthDisable), "disable"));
        registry.Add(Unary<AuthStatusRequest, AuthStatusResponse>("AuthStatus", StatusAsync, "status"));
        registry.Add(Unary<AuthenticateRequest, AuthenticateResponse>("Authenticate", AuthenticateAsync, "authenticate"));
        registry.Add(Unary<AuthUserAddRequest, AuthUserAddResponse>("UserAdd", UserAddAsync, "user/add"));
        registry.Add(Unary<AuthUserGetRequest, AuthUserGetResponse>("UserGet", UserGetAsync, "user/get"));
        registry.Add(Unary<AuthUserListRequest, AuthUserListResponse>("UserList", UserListAsync, "user/list"));
        registry.Add(Unary<AuthUserDeleteRequest, AuthUserDeleteResponse>("UserDelete", Change(CommandKind.UserDelete), "user/delete"));
        registry.Add(Unary<AuthUserChangePasswordRequest, AuthUserChangePasswordResponse>("UserChangePassword", ChangePasswordAsync, "user/changepw"));
        registry.Add(Unary<AuthUserGrantRoleRequest, AuthUserGrantRoleResponse>("UserGrantRole", Change(CommandKind.UserGrantRole), "user/grant"));
        registry.Add(Unary<AuthUserRevokeRoleRequest, AuthUserRevokeRoleResponse>("UserRevokeRole", Change(CommandKind.UserRevokeRole), "user/revoke"));
        registry.Add(Unary<AuthRoleAddRequest, AuthRoleAddResponse>("RoleAdd", Change(CommandKind.RoleAdd), "role/add"));
        registry.Add(Unary<AuthRoleGetRequest, AuthRoleGetResponse>("RoleGet", RoleGetAsync, "role/get"));
        registry.Add(Unary<AuthRoleListRequest, AuthRoleListResponse>("RoleList", RoleListAsync, "role/list"));
        registry.Add(Unary<AuthRoleDeleteRequest, AuthRoleDeleteResponse>("RoleDelete", Change(CommandKind.RoleDelete), "role/delete"));
        registry.Add(Unary<AuthRoleGrantPermissionRequest, AuthRoleGrantPermissionResponse>("RoleGrantPermission", Change(CommandKind.RoleGrantPermission), "role/grant"));
        registry.Add(Unary<AuthRoleRevokePermissionRequest, AuthRoleRevokePermissionResponse>("RoleRevokePermission", Change(CommandKind.RoleRevokePermission), "role/revoke"));
    }

    private static RpcMethod Unary<TRequest, TResponse>(string name, UnaryHandler handler, string path) where TRequest : IMessage, new() where TResponse : IMessage, new() =>
        RpcMethod.ForUnary<TRequest, TResponse>($"/etcdserverpb.Auth/{name}", handler, $"/v3/auth/{path}");

    /// <summary>A change whose request can stand in the log as it is, and whose response is a header.</summary>
    private UnaryHandler Change(CommandKind kind) => (call, request, response) =>
    {
        context.BeginWrite(call);
        return ProposeAsync(call, kind, request, response);
    };

    private ValueTask EnableAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.BeginWrite(call);
        LeaseService.Parse(AuthEnableRequest.Parser, request);
        return ProposeAsync(call, CommandKind.AuthEnable, CommandBody.AuthEnable(RandomNumberGenerator.GetBytes(AuthState.TokenKeyBytesMin)), response);
    }

    private async ValueTask UserAddAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.BeginWrite(call);
        AuthUserAddRequest user = LeaseService.Parse(AuthUserAddRequest.Parser, request);
        if (Encoding.UTF8.GetByteCount(user.Name) > Command.UserBytesMax) throw new GrpcException(NameTooLong);
        // Before the derivation: it is work that only an administrator may ask for.
        await context.Auth.RequireAdminAsync(call).ConfigureAwait(false);
        if (user.Name.Length == 0) Statuses.ThrowIf(StoreError.UserEmpty);
        bool isBare = user.Options is { NoPassword: true };
        user.HashedPassword = isBare ? "" : await HashAsync(call, user.Password, user.HashedPassword).ConfigureAwait(false);
        user.Password = "";
        await ProposeAsync(call, CommandKind.UserAdd, user.ToByteArray(), response).ConfigureAwait(false);
    }

    private async ValueTask ChangePasswordAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.BeginWrite(call);
        AuthUserChangePasswordRequest change = LeaseService.Parse(AuthUserChangePasswordRequest.Parser, request);
        await context.Auth.RequireAdminAsync(call).ConfigureAwait(false);
        change.HashedPassword = await HashAsync(call, change.Password, change.HashedPassword).ConfigureAwait(false);
        change.Password = "";
        await ProposeAsync(call, CommandKind.UserChangePassword, change.ToByteArray(), response).ConfigureAwait(false);
    }

    /// <summary>What stands in the log in the place of a password.</summary>
    private async ValueTask<string> HashAsync(RpcContext call, string password, string hashed)
    {
        if (hashed.Length == 0) return await passwords.HashAsync(password, call.Timeout is null ? CancellationToken.None : call.Cancellation).ConfigureAwait(false);
        byte[] bytes = new byte[hashed.Length];
        string text = Convert.TryFromBase64String(hashed, bytes, out int count) ? Encoding.UTF8.GetString(bytes, 0, count) : "";
        return PasswordHasher.IsHash(text) ? text : throw new GrpcException(ForeignHash);
    }

    private async ValueTask ProposeAsync(RpcContext call, CommandKind kind, ReadOnlyMemory<byte> body, IBufferWriter<byte> response)
    {
        ApplyOutcome outcome = await context.ProposeAsync(call, kind, body).ConfigureAwait(false);
        context.Responses.WriteHeader(response, outcome.Revision);
    }

    /// <summary>Checks a password and gives a token. Right or wrong, known or not, it takes the same time.</summary>
    private async ValueTask AuthenticateAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.CheckLeader(call);
        AuthenticateRequest login = LeaseService.Parse(AuthenticateRequest.Parser, request);
        await context.ConfirmReadAsync(call).ConfigureAwait(false);
        StoreView view = context.View;
        if (!view.Auth.IsEnabled) throw new GrpcException(EtcdErrors.AuthNotEnabled);

        AuthUser? user = view.Auth.Users.GetValueOrDefault(login.Name);
        // Found once for each state of the users: anybody may ask to log in.
        if (_hardest is not { } hardest || !ReferenceEquals(hardest.Users, view.Auth.Users))
            _hardest = hardest = new Hardest(view.Auth.Users, PasswordHasher.HardestOf(view.Auth.Users.Values.Select(one => one.PasswordHash)));
        bool isRight = await passwords.VerifyAsync(user is { IsWithoutPassword: false } ? user.PasswordHash : null, login.Password, hardest.Iterations,
            call.Timeout is null ? CancellationToken.None : call.Cancellation).ConfigureAwait(false);
        if (user is { IsWithoutPassword: true }) throw LoginRefused(call, login.Name, UnmappedErrors.NoPasswordUser);
        if (user is null || !isRight) throw LoginRefused(call, login.Name, EtcdErrors.AuthFailed);

        // The token names the generation of the password that was compared: if that has changed meanwhile, it is of no use.
        string token = context.Auth.Tokens.Issue(view.Auth, user);
        context.Auth.Audit.LoggedIn(call, user.Name);
        ResponseWriter.Write(response, new AuthenticateResponse { Header = context.Responses.Header(view.Revision), Token = token });
    }

    private GrpcException LoginRefused(RpcContext call, string name, in GrpcStatus status)
    {
        context.Auth.Audit.LoginRefused(call, name, status);
        return new GrpcException(status);
    }

    private async ValueTask StatusAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        LeaseService.Parse(AuthStatusRequest.Parser, request);
        StoreView view = await ViewAsync(call, static (auth, who) => auth.CheckAdmin(who)).ConfigureAwait(false);
        ResponseWriter.Write(response, new AuthStatusResponse { Header = context.Responses.Header(view.Revision), Enabled = view.Auth.IsEnabled, AuthRevision = view.Auth.Revision });
    }

    private async ValueTask UserGetAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        string name = LeaseService.Parse(AuthUserGetRequest.Parser, request).Name;
        StoreView view = await ViewAsync(call, (auth, who) => who.User == name ? auth.CheckUser(who) : auth.CheckAdmin(who)).ConfigureAwait(false);
        if (!view.Auth.Users.TryGetValue(name, out AuthUser? user)) throw new GrpcException(EtcdErrors.UserNotFound);
        var answer = new AuthUserGetResponse { Header = context.Responses.Header(view.Revision) };
        answer.Roles.Add(user.Roles);
        ResponseWriter.Write(response, answer);
    }

    private async ValueTask UserListAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        LeaseService.Parse(AuthUserListRequest.Parser, request);
        StoreView view = await ViewAsync(call, static (auth, who) => auth.CheckAdmin(who)).ConfigureAwait(false);
        var answer = new AuthUserListResponse { Header = context.Responses.Header(view.Revision) };
        answer.Users.Add(view.Auth.Users.Keys);
        ResponseWriter.Write(response, answer);
    }

    private async ValueTask RoleGetAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        string name = LeaseService.Parse(AuthRoleGetRequest.Parser, request).Role;
        StoreView view = await ViewAsync(call, (auth, who) => IsOwn(auth, who, name) ? auth.CheckUser(who) : auth.CheckAdmin(who)).ConfigureAwait(false);
        if (!view.Auth.Roles.TryGetValue(name, out AuthRole? role)) throw new GrpcException(EtcdErrors.RoleNotFound);
        var answer = new AuthRoleGetResponse { Header = context.Responses.Header(view.Revision) };
        if (name == AuthState.Root) answer.Perm.Add(Everything);
        else answer.Perm.Add(role.Permissions.Select(p => new Permission { PermType = (Permission.Types.Type)p.Kind, Key = UnsafeByteOperations.UnsafeWrap(p.Key), RangeEnd = UnsafeByteOperations.UnsafeWrap(p.RangeEnd) }));
        ResponseWriter.Write(response, answer);
    }

    private async ValueTask RoleListAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        LeaseService.Parse(AuthRoleListRequest.Parser, request);
        StoreView view = await ViewAsync(call, static (auth, who) => auth.CheckAdmin(who)).ConfigureAwait(false);
        var answer = new AuthRoleListResponse { Header = context.Responses.Header(view.Revision) };
        answer.Roles.Add(view.Auth.Roles.Keys);
        ResponseWriter.Write(response, answer);
    }

    private static bool IsOwn(AuthState auth, in CommandIdentity who, string role) =>
        who.User is { } user && auth.Users.TryGetValue(user, out AuthUser? known) && known.Has(role);

    /// <summary>A view of now, which the caller may be told of.</summary>
    private async ValueTask<StoreView> ViewAsync(RpcContext call, Func<AuthState, CommandIdentity, StoreError> check)
    {
        context.CheckLeader(call);
        await context.ConfirmReadAsync(call).ConfigureAwait(false);
        StoreView view = context.View;
        if (view.Auth.IsEnabled) await context.Auth.CheckReadAsync(call, view, (v, who) => check(v.Auth, who)).ConfigureAwait(false);
        return view;
    }
}
