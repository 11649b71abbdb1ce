using static Conclave.Store.Tests.Auth.AuthCommand;

namespace Conclave.Store.Tests.Auth;

/// <summary>Users and roles in the plainest way: sorted dictionaries of text.</summary>
internal sealed class AuthModel
{
    private sealed class User
    {
        public string Hash = "";
        public bool WithoutPassword;
        public ulong Generation;
        public SortedSet<string> Roles = new(StringComparer.Ordinal);
    }

    private readonly SortedDictionary<string, User> _users = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, SortedDictionary<(string Key, string End), PermissionKind>> _roles = new(StringComparer.Ordinal);
    private bool _enabled;
    private ulong _revision = 1;

    public string Describe() => string.Join('\n', (IEnumerable<string>)
    [
        $"{_enabled} {_revision}",
        .. _users.Select(u => $"{u.Key} {u.Value.Hash} {u.Value.WithoutPassword} {u.Value.Generation} {string.Join(',', u.Value.Roles)}"),
        .. _roles.Select(r => $"{r.Key} {string.Join(' ', r.Value.Select(p => $"{p.Value}[{p.Key.Key},{p.Key.End})"))}"),
    ]);

    public static string Describe(AuthState auth) => string.Join('\n', (IEnumerable<string>)
    [
        $"{auth.IsEnabled} {auth.Revision}",
        .. auth.Users.Values.Select(u => $"{u.Name} {u.PasswordHash} {u.IsWithoutPassword} {u.Generation} {string.Join(',', u.Roles)}"),
        .. auth.Roles.Values.Select(r => $"{r.Name} {string.Join(' ', r.Permissions.Select(p => $"{p.Kind}[{Proto.Text(p.Key.ToArray())},{Proto.Text(p.RangeEnd.ToArray())})"))}"),
    ]);

    /// <summary>A command nobody need be recognised for.</summary>
    public (AuthCommand Command, StoreError Error) Random(Choices choices)
    {
        string user = choices.Of("root", "alice", "bob", "carol"), role = choices.Of("root", "app", "ops", "none");
        string key = choices.Of("a", "b", "k"), end = choices.Of("", "\0", "b", "m");
        var kind = choices.Of(PermissionKind.Read, PermissionKind.Write, PermissionKind.ReadWrite);
        string hash = choices.Of("$one", "$two");
        bool bare = choices.Chance(20);
        switch (choices.Below(13))
        {
            case 0: return (Enable(), DoEnable());
            case 1: return (Disable(), DoDisable());
            case 2 or 3:
                if (choices.Chance(3)) user = "";
                return (AddUser(user, bare, hash), DoAddUser(user, bare, hash));
            case 4: return (DeleteUser(user), user == "root" && _enabled ? StoreError.InvalidAuthManagement : !_users.Remove(user) ? StoreError.UserNotFound : Changed());
            case 5: return (ChangePassword(user, hash), DoChangePassword(user, hash));
            case 6 or 7: return (GrantRole(user, role), DoGrantRole(user, role));
            case 8: return (RevokeRole(user, role), DoRevokeRole(user, role));
            case 9:
                if (choices.Chance(3)) role = "";
                return (AddRole(role), role.Length == 0 ? StoreError.RoleEmpty : _roles.TryAdd(role, []) ? Changed() : StoreError.RoleExists);
            case 10: return (DeleteRole(role), DoDeleteRole(role));
            case 11: return (Permit(role, kind, key, end), DoPermit(role, kind, key, end));
            default: return (Forbid(role, key, end), !_roles.TryGetValue(role, out var permissions) ? StoreError.RoleNotFound : permissions.Remove((key, end)) ? Changed() : StoreError.PermissionNotGranted);
        }
    }

    private StoreError Changed()
    {
        _revision++;
        return StoreError.None;
    }

    private StoreError DoEnable()
    {
        if (_enabled) return StoreError.None;
        if (!_users.TryGetValue("root", out User? root)) return StoreError.RootUserMissing;
        if (!root.Roles.Contains("root")) return StoreError.RootRoleMissing;
        _enabled = true;
        return StoreError.None;
    }

    private StoreError DoDisable()
    {
        if (!_enabled) return StoreError.None;
        _enabled = false;
        return Changed();
    }

    private StoreError DoAddUser(string name, bool withoutPassword, string hash)
    {
        if (name.Length == 0) return StoreError.UserEmpty;
        return _users.TryAdd(name, new User { Hash = withoutPassword ? "" : hash, WithoutPassword = withoutPassword, Generation = _revision + 1 }) ? Changed() : StoreError.UserExists;
    }

    private StoreError DoChangePassword(string name, string hash)
    {
        if (!_users.TryGetValue(name, out User? user)) return StoreError.UserNotFound;
        (user.Hash, user.Generation) = (user.WithoutPassword ? "" : hash, _revision + 1);
        return Changed();
    }

    private StoreError DoGrantRole(string name, string role)
    {
        if (!_users.TryGetValue(name, out User? user)) return StoreError.UserNotFound;
        if (role != "root" && !_roles.ContainsKey(role)) return StoreError.RoleNotFound;
        return user.Roles.Add(role) ? Changed() : StoreError.None;
    }

    private StoreError DoRevokeRole(string name, string role)
    {
        if (_enabled && name == "root" && role == "root") return StoreError.InvalidAuthManagement;
        if (!_users.TryGetValue(name, out User? user)) return StoreError.UserNotFound;
        return user.Roles.Remove(role) ? Changed() : StoreError.RoleNotGranted;
    }

    private StoreError DoDeleteRole(string role)
    {
        if (_enabled && role == "root") return StoreError.InvalidAuthManagement;
        if (!_roles.Remove(role)) return StoreError.RoleNotFound;
        foreach (User user in _users.Values) user.Roles.Remove(role);
        return Changed();
    }

    private StoreError DoPermit(string role, PermissionKind kind, string key, string end)
    {
        if (end is not "" and not "\0" && string.CompareOrdinal(key, end) >= 0) return StoreError.InvalidAuthManagement;
        if (!_roles.TryGetValue(role, out var permissions)) return StoreError.RoleNotFound;
        permissions[(key, end)] = kind;
        return Changed();
    }
}
