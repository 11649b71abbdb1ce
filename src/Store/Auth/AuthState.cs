using System.Collections.Concurrent;
using System.Collections.Immutable;
using Conclave.Store.Auth;

namespace Conclave.Store;

/// <summary>Users, roles, and whether they count. Immutable; part of the replicated state.</summary>
public sealed class AuthState
{
    /// <summary>Name of the user that must exist, and of the role that may do everything.</summary>
    public const string Root = "root";

    /// <summary>Bytes of the secret that signs tokens.</summary>
    public const int TokenKeyBytesMin = 32;

    // What has been asked for so far. It follows from the rest, so it is in no hash and no saved state.
    private readonly ConcurrentDictionary<string, GrantedRanges> _granted = new(StringComparer.Ordinal);

    /// <summary>Nobody has changed anything yet.</summary>
    public static AuthState Initial { get; } = new();

    public bool IsEnabled { get; init; }

    /// <summary>1 at first; each change of users, roles, permissions and passwords adds 1, and so does switching off.</summary>
    public ulong Revision { get; init; } = 1;

    /// <summary>Secret of the cluster that signs tokens; new each time auth is switched on, empty while it is off.</summary>
    public ReadOnlyMemory<byte> TokenKey { get; init; }

    public ImmutableSortedDictionary<string, AuthUser> Users { get; init; } = ImmutableSortedDictionary.Create<string, AuthUser>(AuthNames.Order);

    public ImmutableSortedDictionary<string, AuthRole> Roles { get; init; } = ImmutableSortedDictionary.Create<string, AuthRole>(AuthNames.Order);

    /// <summary>Nothing in it is worth saving.</summary>
    internal bool IsInitial => Revision == 1;

    /// <summary>Whether somebody is a user of the cluster and may read a range. Everything is allowed while auth is off.</summary>
    public StoreError CheckRead(in CommandIdentity who, ReadOnlySpan<byte> key, ReadOnlySpan<byte> rangeEnd)
    {
        StoreError error = CheckUser(who, out AuthUser? user);
        return user is null || user.IsRoot || GrantedTo(user).Readable.Cover(key, rangeEnd) ? error : StoreError.PermissionDenied;
    }

    /// <summary>The same for writing and deleting.</summary>
    public StoreError CheckWrite(in CommandIdentity who, ReadOnlySpan<byte> key, ReadOnlySpan<byte> rangeEnd)
    {
        StoreError error = CheckUser(who, out AuthUser? user);
        return user is null || user.IsRoot || GrantedTo(user).Writable.Cover(key, rangeEnd) ? error : StoreError.PermissionDenied;
    }

    /// <summary>Whether somebody is a user of the cluster, and was recognised at the auth revision of now.</summary>
    public StoreError CheckUser(in CommandIdentity who) => CheckUser(who, out _);

    /// <summary>Whether somebody is a user with role root.</summary>
    /// <remarks>
    /// As in etcd the auth revision need not be the newest: an administrator with a token that names one could not make two changes otherwise.
    /// It must be no older than the user's password.
    /// </remarks>
    public StoreError CheckAdmin(in CommandIdentity who)
    {
        if (!IsEnabled || who.IsMember)
            return StoreError.None;
        if (who.IsNone)
            return StoreError.UserEmpty;
        if (!Users.TryGetValue(who.User!, out AuthUser? user) || !user.IsRoot)   // not null: somebody is named
            return StoreError.PermissionDenied;
        return who.AuthRevision < user.Generation ? StoreError.AuthRevisionOld : StoreError.None;
    }

    /// <param name="who">Who.</param>
    /// <param name="user">Null with an error, and null without one where nobody need be a user.</param>
    internal StoreError CheckUser(in CommandIdentity who, out AuthUser? user)
    {
        user = null;
        if (!IsEnabled || who.IsMember)
            return StoreError.None;
        if (who.IsNone)
            return StoreError.UserEmpty;
        if (who.AuthRevision < Revision)
            return StoreError.AuthRevisionOld;
        return Users.TryGetValue(who.User!, out user) ? StoreError.None : StoreError.PermissionDenied;   // not null: somebody is named
    }

    /// <summary>This state after a change.</summary>
    internal AuthState Next(bool? isEnabled = null, ReadOnlyMemory<byte>? tokenKey = null,
        ImmutableSortedDictionary<string, AuthUser>? users = null, ImmutableSortedDictionary<string, AuthRole>? roles = null, ulong revisions = 1) => new()
        {
            IsEnabled = isEnabled ?? IsEnabled,
            Revision = Revision + revisions,
            TokenKey = tokenKey ?? TokenKey,
            Users = users ?? Users,
            Roles = roles ?? Roles,
        };

    // Two threads may make the same one; they are equal, and one stays.
    private GrantedRanges GrantedTo(AuthUser user) =>
        _granted.TryGetValue(user.Name, out GrantedRanges? ranges) ? ranges : _granted.GetOrAdd(user.Name, GrantedRanges.Of(user, this));
}
