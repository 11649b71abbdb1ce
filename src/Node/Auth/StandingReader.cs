using Conclave.Store;
using Conclave.Wire.Grpc;
using Google.Protobuf;

namespace Conclave.Node.Auth;

/// <summary>A call that looks at one range again and again, and has to be allowed to each time.</summary>
/// <remarks>
/// It was recognised once. A token may be over before the wait is, so from then on the user counts, for as long as it has the password that it had.
/// </remarks>
internal sealed class StandingReader(AuthGate gate, Http.RememberedCall call, ByteString key, ByteString rangeEnd)
{
    private string? _user;
    private ulong _generation;

    /// <summary>Recognises the caller. Called once, before anything else.</summary>
    /// <exception cref="GrpcException">It is nobody, or may not read the range.</exception>
    public async ValueTask BeginAsync()
    {
        if (!gate.IsOn) return;
        (CommandIdentity who, StoreView view) = await gate.RequireRangeAsync(call, key.Memory, rangeEnd.Memory).ConfigureAwait(false);
        if (!view.Auth.IsEnabled) return;
        (_user, _generation) = (who.User, view.Auth.Users[who.User!].Generation);   // there, or it would have been refused
    }

    /// <summary>Whether this view may be looked at.</summary>
    /// <exception cref="GrpcException">The user may not any more, is gone or has a new password; or auth was switched on since, and nobody was recognised.</exception>
    public void Check(StoreView view)
    {
        if (!view.Auth.IsEnabled) return;
        if (_user is null) throw gate.Refused(call, default, EtcdErrors.UserEmpty, What);
        CommandIdentity who = CommandIdentity.Of(_user, view.Auth.Revision);
        if (!view.Auth.Users.TryGetValue(_user, out AuthUser? user) || user.Generation != _generation) throw gate.Refused(call, who, EtcdErrors.InvalidAuthToken, What);
        if (view.Auth.CheckRead(who, key.Span, rangeEnd.Span) != StoreError.None) throw gate.Refused(call, who, EtcdErrors.PermissionDenied, What);
    }

    private string What() => AuditLog.Range(key.Span, rangeEnd.Span);
}
