using Conclave.Layers.Serving;
using Conclave.Node.Auth;
using Conclave.Node.Http;
using Conclave.Node.Services;
using Conclave.Store;
using Conclave.Wire.Grpc;
using V1 = Conclave.Wire.V1;

namespace Conclave.Node.Configuration;

/// <summary>Whether the one who opened a stream may have what it brings: looked at when it begins, and again whenever users or roles changed.</summary>
/// <remarks>
/// Secrets travel by streams, and these last for weeks. The caller is recognised once: a token may be over before the stream is, so from then on
/// the user counts, for as long as it has the password that it had.
/// </remarks>
/// <param name="context">Of the service.</param>
/// <param name="call">The call.</param>
/// <param name="space">The space.</param>
/// <param name="request">What is watched.</param>
internal sealed class WatchPermission(ServiceContext context, RpcContext call, string space, V1.WatchRequest request)
{
    private readonly byte[] _node = ConfigKeys.Bytes(ConfigKeys.Node(space, request.Node));
    private readonly string[] _documents = ConfigAccess.PrefixesOf(space, request.Documents.Count > 0 ? request.Documents : null);
    private AuthState? _checked;
    private string? _user;
    private ulong _generation;

    /// <summary>Recognises the caller. Called once, before anything else.</summary>
    /// <exception cref="GrpcException">It is nobody, or may not watch this.</exception>
    public async ValueTask BeginAsync()
    {
        StoreView view = context.View;
        _checked = view.Auth;
        if (!view.Auth.IsEnabled) return;
        CommandIdentity caller = default;
        Lack lack = default;
        await context.Auth.CheckReadAsync(call, view, (v, who) => (lack = Allowed(v.Auth, caller = who)).Error, What, () => lack).ConfigureAwait(false);
        (_user, _generation) = (caller.User, view.Auth.Users[caller.User!].Generation);   // there, or it would have been refused
    }

    /// <summary>Costs nothing while users and roles are the same.</summary>
    /// <param name="view">At least as new as what is about to be sent.</param>
    /// <exception cref="GrpcException">The user may not any more, is gone or has a new password; or auth was switched on since, and nobody was recognised.</exception>
    public void Check(StoreView view)
    {
        AuthState auth = view.Auth;
        if (ReferenceEquals(auth, _checked)) return;
        if (auth.IsEnabled)
        {
            if (_user is null) throw context.Auth.Refused(call, default, EtcdErrors.UserEmpty, What);
            CommandIdentity who = CommandIdentity.Of(_user, auth.Revision);
            bool isSame = auth.Users.TryGetValue(_user, out AuthUser? user) && user.Generation == _generation;
            Lack lack = isSame ? Allowed(auth, who) : Lack.Nothing;
            if (!isSame || !lack.IsNone) throw context.Auth.Refused(call, who, EtcdErrors.PermissionDenied, What, lack);
        }

        _checked = auth;
    }

    private Lack Allowed(AuthState auth, CommandIdentity who) =>
        Lack.Of(auth.CheckRead(who, _node, []), "read", ConfigKeys.Node(space, request.Node)).Or(() => ConfigAccess.CheckRead(auth, who, _documents));

    private string What() => $" {ConfigKeys.Node(space, request.Node)} {string.Join(' ', _documents)}";
}
