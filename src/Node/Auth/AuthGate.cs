using Conclave.Node.Http;
using Conclave.Node.Services;
using Conclave.Store;
using Conclave.Wire.Grpc;

namespace Conclave.Node.Auth;

/// <summary>Finds out who calls, and refuses what this member decides by itself: reads, and what does not go through the log.</summary>
/// <remarks>
/// What goes through the log is decided where it is applied; here it only gets a name. Callers look at <see cref="AuthState.IsEnabled"/> of the view
/// first, so that without auth all this costs one branch.
/// </remarks>
/// <param name="view">The newest view of this member.</param>
/// <param name="confirm">Waits until the view includes everything that was done before; null when this member cannot, false when nobody confirms it in time.</param>
/// <param name="tokens">What users come with.</param>
/// <param name="audit">Where decisions are written down.</param>
internal sealed class AuthGate(Func<StoreView> view, Func<Task<bool>?> confirm, ITokens tokens, AuditLog audit)
{
    public ITokens Tokens => tokens;

    public AuditLog Audit => audit;

    public bool IsOn => view().Auth.IsEnabled;

    /// <summary>Who calls, for a command that will be checked where it is applied.</summary>
    /// <returns>None when auth is off.</returns>
    /// <exception cref="GrpcException">Auth is on, and it is nobody, or somebody with a token that is not good.</exception>
    public async ValueTask<CommandIdentity> IdentifyAsync(RpcContext call)
    {
        AuthState auth = view().Auth;
        if (!auth.IsEnabled) return default;
        CommandIdentity who = await RecogniseAsync(call, auth).ConfigureAwait(false);
        if (!who.IsNone || !await CatchUpAsync(call).ConfigureAwait(false)) return ThrowIfNone(call, who);

        // What is known now was true after the call came: if nobody is recognised now, nobody is.
        auth = view().Auth;
        return auth.IsEnabled ? ThrowIfNone(call, await RecogniseAsync(call, auth).ConfigureAwait(false)) : default;
    }

    /// <summary>Whether a command that the store refused, for who sent it, may be sent again: it was not carried out, and it need not be the caller's fault.</summary>
    /// <param name="call">The call.</param>
    /// <param name="error">Users or roles changed on its way, or auth was switched on.</param>
    /// <param name="who">By what name it was sent.</param>
    public bool MayDoBetter(RpcContext call, StoreError error, in CommandIdentity who) =>
        error == StoreError.AuthRevisionOld ? tokens.FollowsState || !Claims(call) : who.IsNone && IsOn;

    /// <summary>Lets through who may do something by this view.</summary>
    /// <param name="call">The call.</param>
    /// <param name="read">The view that will be read; auth is on in it.</param>
    /// <param name="check">Whether somebody may.</param>
    /// <param name="what">For the audit, see <see cref="AuditLog.RangeOf"/>.</param>
    /// <param name="lack">What the check found to be lacking, for the answer. Asked after the check.</param>
    /// <exception cref="GrpcException">It is nobody, with a token that is not good, or may not.</exception>
    public async ValueTask CheckReadAsync(RpcContext call, StoreView read, Func<StoreView, CommandIdentity, StoreError> check, Func<string>? what = null, Func<Lack>? lack = null)
    {
        CommandIdentity who = await RecogniseAsync(call, read.Auth).ConfigureAwait(false);
        if (who.IsNone && Claims(call)) throw Refused(call, who, EtcdErrors.InvalidAuthToken, what);
        StoreError error = check(read, who);
        if (error != StoreError.None) throw Refused(call, who, Statuses.Of(error), what, lack?.Invoke() ?? Lack.Nothing);
        if (audit.HasReads) audit.Read(call, who, what?.Invoke() ?? "");
    }

    /// <summary>Lets through any user.</summary>
    /// <exception cref="GrpcException">Nobody, or somebody with a token that is not good.</exception>
    public ValueTask RequireUserAsync(RpcContext call) => IsOn ? UserAsync(call) : default;

    /// <summary>Lets through users with role root.</summary>
    /// <exception cref="GrpcException">It is somebody else, or nobody.</exception>
    public ValueTask RequireAdminAsync(RpcContext call) => IsOn ? AdminAsync(call) : default;

    /// <summary>The same for what changes the cluster and is not looked at again where it is applied: this member finds out first whether it knows the newest users and roles.</summary>
    /// <exception cref="GrpcException">It is somebody else, or nobody; or no majority says what is newest.</exception>
    public async ValueTask RequireAdminOfNowAsync(RpcContext call)
    {
        if (!await CatchUpAsync(call).ConfigureAwait(false)) throw new GrpcException(EtcdErrors.Timeout);
        await RequireAdminAsync(call).ConfigureAwait(false);
    }

    /// <summary>Lets through who may read a range.</summary>
    /// <returns>Who, and by which view.</returns>
    /// <exception cref="GrpcException">It is somebody else, or nobody.</exception>
    public async ValueTask<(CommandIdentity Who, StoreView View)> RequireRangeAsync(RpcContext call, ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> rangeEnd)
    {
        string What() => AuditLog.Range(key.Span, rangeEnd.Span);
        (CommandIdentity who, StoreView now) = await RequireAsync(call, (now, who) => now.Auth.CheckRead(who, key.Span, rangeEnd.Span), What).ConfigureAwait(false);
        if (audit.HasReads && !who.IsNone) audit.Read(call, who, What());
        return (who, now);
    }

    /// <summary>Lets through users who may write all keys of a lease.</summary>
    /// <exception cref="GrpcException">It is somebody else, or nobody.</exception>
    public ValueTask RequireLeaseAsync(RpcContext call, long id) => IsOn ? RequireAttachedAsync(call, id) : default;

    // A method of its own: what it captures would be allocated before each look at IsOn otherwise.
    private async ValueTask RequireAttachedAsync(RpcContext call, long id) =>
        await RequireAsync(call, (now, who) => now.CheckAttached(who, id, writes: true)).ConfigureAwait(false);

    private async ValueTask UserAsync(RpcContext call) => await RequireAsync(call, static (now, who) => now.Auth.CheckUser(who)).ConfigureAwait(false);

    private async ValueTask AdminAsync(RpcContext call)
    {
        (CommandIdentity who, _) = await RequireAsync(call, static (now, who) => now.Auth.CheckAdmin(who)).ConfigureAwait(false);
        if (!who.IsNone) audit.Administered(call, who);
    }

    /// <summary>Why a watch may not be created, in the words that clients know; null when it may.</summary>
    public async ValueTask<string?> WatchRefusalAsync(RpcContext call, ReadOnlyMemory<byte> request)
    {
        try
        {
            string What() => AuditLog.WatchOf(request.Span);
            (CommandIdentity who, _) = await RequireAsync(call, (now, who) => now.CheckWatch(who, request.Span), What).ConfigureAwait(false);
            if (audit.HasReads && !who.IsNone) audit.Read(call, who, What());
            return null;
        }
        catch (GrpcException refused) when (refused.Status.Code is GrpcCode.PermissionDenied or GrpcCode.InvalidArgument or GrpcCode.Unauthenticated)
        {
            return $"rpc error: code = {refused.Status.Code} desc = {refused.Status.Message}";
        }
    }

    /// <summary>Lets through who may do something as far as this member knows, or as a majority does before it is refused.</summary>
    private async ValueTask<(CommandIdentity Who, StoreView View)> RequireAsync(RpcContext call, Func<StoreView, CommandIdentity, StoreError> check, Func<string>? what = null)
    {
        CommandIdentity who = await IdentifyAsync(call).ConfigureAwait(false);
        StoreView now = view();
        StoreError error = check(now, who);
        if (error != StoreError.None && await CatchUpAsync(call).ConfigureAwait(false))
        {
            who = await IdentifyAsync(call).ConfigureAwait(false);
            now = view();
            error = check(now, who);
        }

        return error == StoreError.None ? (who, now) : throw Refused(call, who, Statuses.Of(error), what);
    }

    /// <summary>As in etcd a token counts before a certificate, and a certificate does not where JSON is asked for.</summary>
    private ValueTask<CommandIdentity> RecogniseAsync(RpcContext call, AuthState auth)
    {
        if (call.Token is { } token) return tokens.ReadAsync(token, auth);
        bool hasName = !call.ViaGateway && call.CertificateName is { Length: > 0 };
        return new(hasName ? CommandIdentity.Of(call.CertificateName!, auth.Revision) : default);   // not null: looked at just before
    }

    private static bool Claims(RpcContext call) => call.Token is not null;

    private CommandIdentity ThrowIfNone(RpcContext call, in CommandIdentity who) => !who.IsNone ? who
        : throw Refused(call, who, Claims(call) ? EtcdErrors.InvalidAuthToken : EtcdErrors.UserEmpty, what: null);

    internal GrpcException Refused(RpcContext call, in CommandIdentity who, in GrpcStatus status, Func<string>? what, Lack lack = default)
    {
        audit.Denied(call, who.User, what?.Invoke() ?? "", status);
        return new GrpcException(lack.Told(status));
    }

    /// <summary>Lets through who lacks nothing. For what this member looks at before it puts a change together.</summary>
    /// <exception cref="GrpcException">Something is lacking: it is audited, and said.</exception>
    internal void Require(RpcContext call, in CommandIdentity who, in Lack lack)
    {
        if (lack.IsNone) return;
        string? name = lack.Name;
        throw Refused(call, who, Statuses.Of(lack.Error), () => name is null ? "" : AuditLog.Range(System.Text.Encoding.UTF8.GetBytes(name), []), lack);
    }

    /// <summary>Before somebody is turned away: another member may know already of the login, the user, or that auth is off.</summary>
    /// <returns>False when nobody confirms it: then what this member knows has to do.</returns>
    private async ValueTask<bool> CatchUpAsync(RpcContext call)
    {
        if (confirm() is not { } confirmed) return false;
        return call.Timeout is null ? await confirmed.ConfigureAwait(false) : await confirmed.WaitAsync(call.Cancellation).ConfigureAwait(false);
    }
}
