using System.Text;

namespace Conclave.Store.Tests.Auth;

/// <summary>Auth commands as a person would write them down, and their encoding.</summary>
public sealed record AuthCommand(CommandKind Kind, byte[] Body, string Text)
{
    public static readonly byte[] Key = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];

    public static AuthCommand Enable() => new(CommandKind.AuthEnable, CommandBody.AuthEnable(Key), "enable");

    public static AuthCommand Disable() => new(CommandKind.AuthDisable, [], "disable");

    public static AuthCommand AddUser(string name, bool withoutPassword = false, string hash = "$hash") =>
        new(CommandKind.UserAdd, new Proto().Utf8(1, name).Message(3, new Proto().Flag(1, withoutPassword)).Utf8(4, withoutPassword ? "" : hash).ToArray(), $"add user {name} {withoutPassword}");

    public static AuthCommand DeleteUser(string name) => new(CommandKind.UserDelete, new Proto().Utf8(1, name).ToArray(), $"delete user {name}");

    public static AuthCommand ChangePassword(string name, string hash = "$new") => new(CommandKind.UserChangePassword, new Proto().Utf8(1, name).Utf8(3, hash).ToArray(), $"change password {name} {hash}");

    public static AuthCommand GrantRole(string user, string role) => new(CommandKind.UserGrantRole, new Proto().Utf8(1, user).Utf8(2, role).ToArray(), $"grant {role} to {user}");

    public static AuthCommand RevokeRole(string user, string role) => new(CommandKind.UserRevokeRole, new Proto().Utf8(1, user).Utf8(2, role).ToArray(), $"revoke {role} from {user}");

    public static AuthCommand AddRole(string name) => new(CommandKind.RoleAdd, new Proto().Utf8(1, name).ToArray(), $"add role {name}");

    public static AuthCommand DeleteRole(string name) => new(CommandKind.RoleDelete, new Proto().Utf8(1, name).ToArray(), $"delete role {name}");

    public static AuthCommand Permit(string role, PermissionKind kind, string key, string end = "") =>
        new(CommandKind.RoleGrantPermission, new Proto().Utf8(1, role).Message(2, new Proto().Number(1, (int)kind).Text(2, key).Text(3, end)).ToArray(), $"permit {role} {kind} [{key}, {end})");

    public static AuthCommand Forbid(string role, string key, string end = "") =>
        new(CommandKind.RoleRevokePermission, new Proto().Utf8(1, role).Text(2, key).Text(3, end).ToArray(), $"forbid {role} [{key}, {end})");

    public override string ToString() => Text;
}

internal static class AuthTestStore
{
    public static CommandIdentity Root(this KeyValueStore store) => store.As("root");

    /// <summary>A user who was recognised just now.</summary>
    public static CommandIdentity As(this KeyValueStore store, string user)
    {
        store.Publish();
        return CommandIdentity.Of(user, store.View.Auth.Revision);
    }

    public static StoreError Do(this KeyValueStore store, AuthCommand command, CommandIdentity who = default) => store.Do(command.Kind, command.Body, who);

    public static StoreError Do(this KeyValueStore store, Request request, CommandIdentity who = default) => store.Do(StorePair.KindOf(request), request.ToBytes(), who);

    public static StoreError Do(this KeyValueStore store, CommandKind kind, byte[] body, CommandIdentity who = default, ulong origin = 1)
    {
        // Through the bytes, as in the log.
        Assert.True(Command.TryDecode(Command.Encode(kind, origin, 1, body, default, who), out Command command));
        return store.Apply(store.AppliedIndex + 1, 1, command, wantResponse: true).Error;
    }

    /// <summary>Users root and alice; alice has role app, which may do what is given.</summary>
    public static KeyValueStore WithAlice(params (PermissionKind Kind, string Key, string End)[] permissions)
    {
        var store = new KeyValueStore(new StoreOptions());
        AuthCommand[] commands =
        [
            AuthCommand.AddUser("root"), AuthCommand.GrantRole("root", "root"), AuthCommand.AddUser("alice"), AuthCommand.AddRole("app"), AuthCommand.GrantRole("alice", "app"),
            .. permissions.Select(p => AuthCommand.Permit("app", p.Kind, p.Key, p.End)), AuthCommand.Enable(),
        ];
        foreach (AuthCommand command in commands)
            Assert.Equal(StoreError.None, store.Do(command));
        store.Publish();
        return store;
    }

    public static Proto Utf8(this Proto proto, int field, string text) => text.Length == 0 ? proto : proto.Bytes(field, Encoding.UTF8.GetBytes(text));
}
