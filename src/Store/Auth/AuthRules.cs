using System.Collections.Immutable;
using Conclave.Store.Requests;
using Conclave.Store.Writing;

namespace Conclave.Store.Auth;

/// <summary>What auth commands do to the state. The errors come in etcd's order.</summary>
internal static class AuthRules
{
    /// <summary>Whether a kind of command changes users and roles: only somebody with role root may, while auth is on.</summary>
    public static bool Owns(CommandKind kind) => kind is >= CommandKind.AuthEnable and <= CommandKind.RoleRevokePermission;

    public static StoreError Apply(StoreState state, CommandKind kind, ReadOnlySpan<byte> body)
    {
        if (!AuthMessage.TryParse(body, out AuthMessage request))
            return StoreError.Malformed;
        if (kind == CommandKind.AuthEnable)
            return Enable(state, request.First);
        if (!AuthNames.TryRead(request.First, out string name))
            return StoreError.Malformed;
        switch (kind)
        {
            case CommandKind.AuthDisable: return Disable(state);
            case CommandKind.UserAdd: return AddUser(state, name, request);
            case CommandKind.UserDelete: return DeleteUser(state, name);
            case CommandKind.UserChangePassword: return ChangePassword(state, name, request.Third);
            case CommandKind.RoleAdd: return AddRole(state, name);
            case CommandKind.RoleDelete: return DeleteRole(state, name);
            case CommandKind.RoleGrantPermission: return GrantPermission(state, name, request);
            case CommandKind.RoleRevokePermission: return RevokePermission(state, name, request.Second, request.Third);
        }

        if (!AuthNames.TryRead(request.Second, out string role))
            return StoreError.Malformed;
        return kind == CommandKind.UserGrantRole ? GrantRole(state, name, role) : RevokeRole(state, name, role);
    }

    private static StoreError Enable(StoreState state, ReadOnlySpan<byte> tokenKey)
    {
        AuthState auth = state.Auth;
        if (auth.IsEnabled)
            return StoreError.None;
        if (!auth.Users.TryGetValue(AuthState.Root, out AuthUser? root))
            return StoreError.RootUserMissing;
        if (!root.IsRoot)
            return StoreError.RootRoleMissing;
        if (tokenKey.Length < AuthState.TokenKeyBytesMin)
            return StoreError.Malformed;
        // Not a revision of its own, as in etcd: nobody's rights have changed.
        state.Auth = auth.Next(isEnabled: true, tokenKey: tokenKey.ToArray(), revisions: 0);
        return StoreError.None;
    }

    private static StoreError Disable(StoreState state)
    {
        if (state.Auth.IsEnabled)
            state.Auth = state.Auth.Next(isEnabled: false, tokenKey: ReadOnlyMemory<byte>.Empty);
        return StoreError.None;
    }

    private static StoreError AddUser(StoreState state, string name, in AuthMessage request)
    {
        AuthState auth = state.Auth;
        if (name.Length == 0)
            return StoreError.UserEmpty;
        if (auth.Users.ContainsKey(name))
            return StoreError.UserExists;
        if (!AuthMessage.TryParseOptions(request.Third, out bool isWithoutPassword) || !TryReadHash(request.Fourth, isWithoutPassword, out string hash))
            return StoreError.Malformed;
        var user = new AuthUser { Name = name, PasswordHash = hash, IsWithoutPassword = isWithoutPassword, Generation = auth.Revision + 1 };
        state.Auth = auth.Next(users: auth.Users.Add(name, user));
        return StoreError.None;
    }

    private static StoreError DeleteUser(StoreState state, string name)
    {
        AuthState auth = state.Auth;
        if (auth.IsEnabled && name == AuthState.Root)
            return StoreError.InvalidAuthManagement;
        if (!auth.Users.ContainsKey(name))
            return StoreError.UserNotFound;
        state.Auth = auth.Next(users: auth.Users.Remove(name));
        return StoreError.None;
    }

    private static StoreError ChangePassword(StoreState state, string name, ReadOnlySpan<byte> hashed)
    {
        AuthState auth = state.Auth;
        if (!auth.Users.TryGetValue(name, out AuthUser? user))
            return StoreError.UserNotFound;
        if (!TryReadHash(hashed, user.IsWithoutPassword, out string hash))
            return StoreError.Malformed;
        state.Auth = auth.Next(users: auth.Users.SetItem(name, user with { PasswordHash = hash, Generation = auth.Revision + 1 }));
        return StoreError.None;
    }

    private static StoreError GrantRole(StoreState state, string name, string role)
    {
        AuthState auth = state.Auth;
        if (!auth.Users.TryGetValue(name, out AuthUser? user))
            return StoreError.UserNotFound;
        if (role != AuthState.Root && !auth.Roles.ContainsKey(role))
            return StoreError.RoleNotFound;
        int at = user.Roles.BinarySearch(role, AuthNames.Order);
        if (at < 0)
            state.Auth = auth.Next(users: auth.Users.SetItem(name, user with { Roles = user.Roles.Insert(~at, role) }));
        return StoreError.None;
    }

    private static StoreError RevokeRole(StoreState state, string name, string role)
    {
        AuthState auth = state.Auth;
        if (auth.IsEnabled && name == AuthState.Root && role == AuthState.Root)
            return StoreError.InvalidAuthManagement;
        if (!auth.Users.TryGetValue(name, out AuthUser? user))
            return StoreError.UserNotFound;
        if (!user.Has(role))
            return StoreError.RoleNotGranted;
        state.Auth = auth.Next(users: auth.Users.SetItem(name, user with { Roles = user.Roles.Remove(role) }));
        return StoreError.None;
    }

    private static StoreError AddRole(StoreState state, string name)
    {
        AuthState auth = state.Auth;
        if (name.Length == 0)
            return StoreError.RoleEmpty;
        if (auth.Roles.ContainsKey(name))
            return StoreError.RoleExists;
        state.Auth = auth.Next(roles: auth.Roles.Add(name, new AuthRole(name, [])));
        return StoreError.None;
    }

    private static StoreError DeleteRole(StoreState state, string name)
    {
        AuthState auth = state.Auth;
        if (auth.IsEnabled && name == AuthState.Root)
            return StoreError.InvalidAuthManagement;
        if (!auth.Roles.ContainsKey(name))
            return StoreError.RoleNotFound;
        ImmutableSortedDictionary<string, AuthUser> users = auth.Users;
        foreach (AuthUser user in auth.Users.Values)
        {
            if (user.Has(name))
                users = users.SetItem(user.Name, user with { Roles = user.Roles.Remove(name) });
        }

        state.Auth = auth.Next(users: users, roles: auth.Roles.Remove(name));
        return StoreError.None;
    }

    private static StoreError GrantPermission(StoreState state, string name, in AuthMessage request)
    {
        AuthState auth = state.Auth;
        if (!request.HasSecond)
            return StoreError.PermissionNotGiven;
        if (!AuthMessage.TryParsePermission(request.Second, out AuthPermission permission))
            return StoreError.Malformed;
        if (permission.Key.IsEmpty || new KeyRange(permission.Key.Span, permission.RangeEnd.Span).IsEmpty)
            return StoreError.InvalidAuthManagement;
        if (!auth.Roles.TryGetValue(name, out AuthRole? role))
            return StoreError.RoleNotFound;
        ImmutableArray<AuthPermission> permissions = role.Permissions;
        int at = IndexOf(permissions, permission.Key.Span, permission.RangeEnd.Span);
        permissions = at >= 0 ? permissions.SetItem(at, permission) : permissions.Insert(~at, permission);
        state.Auth = auth.Next(roles: auth.Roles.SetItem(name, role with { Permissions = permissions }));
        return StoreError.None;
    }

    private static StoreError RevokePermission(StoreState state, string name, ReadOnlySpan<byte> key, ReadOnlySpan<byte> rangeEnd)
    {
        AuthState auth = state.Auth;
        if (!auth.Roles.TryGetValue(name, out AuthRole? role))
            return StoreError.RoleNotFound;
        int at = IndexOf(role.Permissions, key, rangeEnd);
        if (at < 0)
            return StoreError.PermissionNotGranted;
        state.Auth = auth.Next(roles: auth.Roles.SetItem(name, role with { Permissions = role.Permissions.RemoveAt(at) }));
        return StoreError.None;
    }

    /// <returns>The place of the permission for just this range; if there is none, the complement of where it belongs.</returns>
    internal static int IndexOf(ImmutableArray<AuthPermission> permissions, ReadOnlySpan<byte> key, ReadOnlySpan<byte> rangeEnd)
    {
        int low = 0, high = permissions.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            int order = permissions[middle].Key.Span.SequenceCompareTo(key);
            if (order == 0)
                order = permissions[middle].RangeEnd.Span.SequenceCompareTo(rangeEnd);
            if (order == 0)
                return middle;
            if (order < 0)
                low = middle + 1;
            else
                high = middle;
        }

        return ~low;
    }

    /// <summary>Only what a member made of a password gets in here; for a user without one nothing does.</summary>
    private static bool TryReadHash(ReadOnlySpan<byte> hashed, bool isWithoutPassword, out string hash)
    {
        if (!isWithoutPassword)
            return AuthNames.TryRead(hashed, out hash) && hash.Length > 0;
        hash = "";
        return true;
    }
}
