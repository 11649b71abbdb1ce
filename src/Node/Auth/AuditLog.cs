using System.Text;
using Conclave.Node.Http;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Auth;

/// <summary>Who was let do what, and who was not: one line for each write, act of administration, login, and read that was denied, while auth is on; if wanted for all reads.</summary>
/// <remarks>The category is <c>Conclave.Audit</c>, so that a host can send it where it likes. No values, passwords or tokens are in it.</remarks>
/// <param name="logger">Where lines go.</param>
/// <param name="allowedWrites">Whether writes that were allowed have a line.</param>
/// <param name="allowedReads">Whether reads and watches that were allowed have one.</param>
/// <param name="time">For lines a second.</param>
internal sealed class AuditLog(ILogger logger, bool allowedWrites, bool allowedReads, TimeProvider time)
{
    public const string Category = "Conclave.Audit";

    /// <summary>Bytes of a key that are shown.</summary>
    private const int KeyBytesMax = 128, NameCharactersMax = 128;

    /// <summary>Keys of one transaction that are shown.</summary>
    private const int KeysMax = 8;

    /// <summary>Lines a second about callers who are nobody, or wrong about who they are. They cost nothing to bring about, and must not fill a disk.</summary>
    private const int StrangersPerSecond = 20;

    /// <summary>Lines a second about what one user was denied. Enough for people and for programs that make a mistake, too few to fill a disk.</summary>
    private const int DeniedPerSecond = 100;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _denied = [];   // of this second, so as many users as can be denied in one
    private long _secondBegan = time.GetTimestamp();
    private int _strangers, _passedOver;

    /// <summary>Whether <see cref="Read"/> writes anything: what it needs need not be made otherwise.</summary>
    public bool HasReads => allowedReads && logger.IsEnabled(LogLevel.Information);

    /// <summary>Something that changes keys or leases went through the log.</summary>
    /// <param name="call">The call.</param>
    /// <param name="who">Who made it.</param>
    /// <param name="kind">Of the command.</param>
    /// <param name="body">Its request.</param>
    /// <param name="error">What the store said; null when nobody knows.</param>
    public void Wrote(RpcContext call, in CommandIdentity who, CommandKind kind, ReadOnlySpan<byte> body, StoreError? error)
    {
        bool isDenied = error is StoreError.PermissionDenied or StoreError.UserEmpty or StoreError.AuthRevisionOld;
        bool isWrite = kind is CommandKind.Put or CommandKind.DeleteRange or CommandKind.Txn or CommandKind.LeaseGrant or CommandKind.LeaseRevoke;
        if ((isWrite && !isDenied && !allowedWrites) || !logger.IsEnabled(LogLevel.Information)) return;
        string what = Subject(kind, body);
        if (isDenied) Denied(call, who.User, what, Services.Statuses.Of(error!.Value));   // not null: it is one of three
        else if (error is null) logger.AuditUnknown(Name(who.User), call.Method.Path, what, call.Peer);
        else logger.AuditAllowed(Name(who.User), call.Method.Path, what, call.Peer, error == StoreError.None ? "" : $": {Services.Statuses.Of(error.Value).Message}");
    }

    /// <summary>A read or a watch that was let through; call only if <see cref="HasReads"/>. One that is done again for want of room has its line already.</summary>
    public void Read(RpcContext call, in CommandIdentity who, string what)
    {
        if (call is { IsRepeat: true, IsReadAudited: true }) return;
        call.IsReadAudited = true;
        logger.AuditAllowed(Name(who.User), call.Method.Path, what, call.Peer, "");
    }

    /// <summary>An act of administration that does not go through the log, or not as a command.</summary>
    public void Administered(RpcContext call, in CommandIdentity who)
    {
        if (logger.IsEnabled(LogLevel.Information)) logger.AuditAllowed(Name(who.User), call.Method.Path, "", call.Peer, "");
    }

    /// <summary>Secrets went out in clear. Said also while everybody may.</summary>
    /// <param name="call">The call.</param>
    /// <param name="who">Who asked; nobody while auth is off.</param>
    /// <param name="documents">Names of what was asked for.</param>
    public void Revealed(RpcContext call, in CommandIdentity who, IReadOnlyList<string> documents)
    {
        if (logger.IsEnabled(LogLevel.Information)) logger.AuditRevealed(Name(who.User), call.Method.Path, Names([.. documents]), call.Peer);
    }

    /// <param name="call">The call.</param>
    /// <param name="user">Null for nobody.</param>
    /// <param name="what">The keys it was about, as <see cref="RangeOf"/> and <see cref="KeysIn"/> give them; empty for none.</param>
    /// <param name="why">The status that is answered.</param>
    public void Denied(RpcContext call, string? user, string what, in GrpcStatus why)
    {
        if (!MaySpeakOf(user)) return;
        logger.AuditDenied(Name(user), call.Method.Path, what, call.Peer, why.Message);
    }

    public void LoggedIn(RpcContext call, string user) => logger.AuditLogin(Name(user), call.Peer);

    public void LoginRefused(RpcContext call, string user, in GrpcStatus why)
    {
        if (MaySpeakOf(null)) logger.AuditLoginRefused(Name(user), call.Peer, why.Message);
    }

    /// <summary>A key or a range of keys, safe in a line.</summary>
    public static string Range(ReadOnlySpan<byte> key, ReadOnlySpan<byte> rangeEnd) =>
        rangeEnd.IsEmpty ? $" {Shown(key)}" : rangeEnd is [0] ? $" from {Shown(key)} on" : $" [{Shown(key)}, {Shown(rangeEnd)})";

    /// <summary>The keys of a RangeRequest.</summary>
    public static string RangeOf(ReadOnlySpan<byte> request) =>
        RequestKeys.TryRange(request, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> rangeEnd) ? Range(key, rangeEnd) : "";

    /// <summary>The keys of a WatchRequest that creates a watch.</summary>
    public static string WatchOf(ReadOnlySpan<byte> request) =>
        RequestKeys.TryWatch(request, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> rangeEnd) ? Range(key, rangeEnd) : "";

    /// <summary>The keys of a command that changes some, or of a transaction.</summary>
    public static string KeysIn(CommandKind kind, ReadOnlySpan<byte> body)
    {
        string keys = string.Concat(RequestKeys.Of(kind, body, KeysMax, out int others).Select(named => Range(named.Key, named.RangeEnd)));
        return others == 0 || keys.Length == 0 ? keys : $"{keys} and {others} more";
    }

    /// <summary>What a command is about: keys, a lease, or users and roles.</summary>
    private static string Subject(CommandKind kind, ReadOnlySpan<byte> body)
    {
        try
        {
            return kind switch
            {
                CommandKind.UserAdd => Names(MessageBytes.Parse(AuthUserAddRequest.Parser, body).Name),
                CommandKind.UserDelete => Names(MessageBytes.Parse(AuthUserDeleteRequest.Parser, body).Name),
                CommandKind.UserChangePassword => Names(MessageBytes.Parse(AuthUserChangePasswordRequest.Parser, body).Name),
                CommandKind.UserGrantRole => MessageBytes.Parse(AuthUserGrantRoleRequest.Parser, body) is var grant ? Names(grant.User, grant.Role) : "",
                CommandKind.UserRevokeRole => MessageBytes.Parse(AuthUserRevokeRoleRequest.Parser, body) is var revoke ? Names(revoke.Name, revoke.Role) : "",
                CommandKind.RoleAdd => Names(MessageBytes.Parse(AuthRoleAddRequest.Parser, body).Name),
                CommandKind.RoleDelete => Names(MessageBytes.Parse(AuthRoleDeleteRequest.Parser, body).Role),
                CommandKind.RoleGrantPermission => MessageBytes.Parse(AuthRoleGrantPermissionRequest.Parser, body) is { Perm: { } given } role
                    ? $"{Names(role.Name)} {given.PermType}{Range(given.Key.Span, given.RangeEnd.Span)}" : "",
                CommandKind.RoleRevokePermission => MessageBytes.Parse(AuthRoleRevokePermissionRequest.Parser, body) is var taken ? $"{Names(taken.Role)}{Range(taken.Key.Span, taken.RangeEnd.Span)}" : "",
                CommandKind.LeaseRevoke => RequestCheck.LeaseRevoke(body, out long lease) == StoreError.None ? $" lease {lease:x}" : "",
                _ => KeysIn(kind, body),
            };
        }
        catch (UnreadableMessageException)
        {
            return "";   // The store refused it for that.
        }
    }

    private static string Names(params ReadOnlySpan<string> names)
    {
        var text = new StringBuilder();
        foreach (string name in names) text.Append(' ').Append(Name(name));
        return text.ToString();
    }

    private static string Shown(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder("\"");
        foreach (byte b in bytes[..Math.Min(bytes.Length, KeyBytesMax)])
        {
            if (b is > 0x1f and < 0x7f and not (byte)'"' and not (byte)'\\') text.Append((char)b);
            else text.Append("\\x").Append(b.ToString("x2"));
        }

        return text.Append(bytes.Length > KeyBytesMax ? "\"..." : "\"").ToString();
    }

    private static string Name(string? user) => user is null ? "nobody"
        : Shown(Encoding.UTF8.GetBytes(user.Length <= NameCharactersMax ? user : user[..NameCharactersMax]));

    /// <param name="user">Whom a line would be about; null for who is not recognised, or could not log in.</param>
    private bool MaySpeakOf(string? user)
    {
        int passedOver = 0;
        bool may;
        lock (_gate)
        {
            if (time.GetElapsedTime(_secondBegan) >= TimeSpan.FromSeconds(1))
            {
                _secondBegan = time.GetTimestamp();
                (passedOver, _passedOver, _strangers) = (_passedOver, 0, 0);
                _denied.Clear();
            }

            may = user is null ? ++_strangers <= StrangersPerSecond : (_denied[user] = _denied.GetValueOrDefault(user) + 1) <= DeniedPerSecond;
            if (!may) _passedOver++;
        }

        if (passedOver > 0) logger.AuditPassedOver(passedOver);
        return may;
    }
}
