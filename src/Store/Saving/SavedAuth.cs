using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;

namespace Conclave.Store.Saving;

/// <summary>Users and roles in a saved state.</summary>
/// <remarks>
/// <code>
/// head:   is enabled u8 | revision u64 | token key                                         one record
/// users:  0 u8 | generation u64 | is without password u8 | name bytes u32 | name | password hash      by name; behind each its
///         1 u8 | role                                                                      by name
/// roles:  0 u8 | name                                                                      by name; behind each its
///         1 u8 | kind i32 | key bytes u32 | key | range end                                by key and range end
/// </code>
/// Four sections, of which the last is empty: room for what is thought of later.
/// </remarks>
internal static class SavedAuth
{
    private const byte Owner = 0, Item = 1;
    private const int HeadBytesMin = 9, UserBytesMin = 14, PermissionBytesMin = 9;
    private const ushort Nobody = ushort.MaxValue;

    /// <summary>All records, with an empty one at the end of each section.</summary>
    public static IEnumerable<byte[]> Records(AuthState auth)
    {
        byte[] head = new byte[HeadBytesMin + auth.TokenKey.Length];
        head[0] = auth.IsEnabled ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt64LittleEndian(head.AsSpan(1), auth.Revision);
        auth.TokenKey.CopyTo(head.AsMemory(HeadBytesMin));
        yield return head;
        yield return [];
        foreach (AuthUser user in auth.Users.Values)
        {
            yield return Of(user);
            foreach (string role in user.Roles)
                yield return [Item, .. Encoding.UTF8.GetBytes(role)];
        }

        yield return [];
        foreach (AuthRole role in auth.Roles.Values)
        {
            yield return [Owner, .. Encoding.UTF8.GetBytes(role.Name)];
            foreach (AuthPermission permission in role.Permissions)
                yield return Of(permission);
        }

        yield return [];
        yield return [];
    }

    public static AuthState Load(SavedReader reader)
    {
        reader.Expect(reader.TryRecord(out ReadOnlySpan<byte> head) && head.Length >= HeadBytesMin && head[0] <= 1, "The head of users and roles does not fit");
        (bool isEnabled, ulong revision, byte[] tokenKey) = (head[0] == 1, BinaryPrimitives.ReadUInt64LittleEndian(head[1..]), head[HeadBytesMin..].ToArray());
        reader.Expect(revision > 1 && (isEnabled ? tokenKey.Length >= AuthState.TokenKeyBytesMin : tokenKey.Length == 0), "The head of users and roles does not fit");
        reader.Expect(!reader.TryRecord(out _), "There is more than one head of users and roles");
        ImmutableSortedDictionary<string, AuthUser> users = LoadUsers(reader, revision);
        ImmutableSortedDictionary<string, AuthRole> roles = LoadRoles(reader);
        reader.Expect(!reader.TryRecord(out _), "There is something behind the roles that this version does not know");
        return new AuthState { IsEnabled = isEnabled, Revision = revision, TokenKey = tokenKey, Users = users, Roles = roles };
    }

    /// <summary>The owner of a session's answer, as it stands before the answer.</summary>
    public static byte[] SessionUser(string? user)
    {
        byte[] name = Encoding.UTF8.GetBytes(user ?? "");
        byte[] record = new byte[sizeof(ushort) + name.Length];
        BinaryPrimitives.WriteUInt16LittleEndian(record, user is null ? Nobody : (ushort)name.Length);
        name.CopyTo(record, sizeof(ushort));
        return record;
    }

    /// <summary>Reads what <see cref="SessionUser"/> made, and moves on to what stands behind.</summary>
    public static bool TryReadSessionUser(ref ReadOnlySpan<byte> record, out string? user)
    {
        user = null;
        if (record.Length < sizeof(ushort))
            return false;
        ushort length = BinaryPrimitives.ReadUInt16LittleEndian(record);
        record = record[sizeof(ushort)..];
        if (length == Nobody)
            return true;
        if (record.Length < length || !AuthNames.TryRead(record[..length], out string name))
            return false;
        user = name;
        record = record[length..];
        return true;
    }

    private static byte[] Of(AuthUser user)
    {
        byte[] name = Encoding.UTF8.GetBytes(user.Name), hash = Encoding.UTF8.GetBytes(user.PasswordHash);
        byte[] record = new byte[UserBytesMin + name.Length + hash.Length];
        record[0] = Owner;
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(1), user.Generation);
        record[9] = user.IsWithoutPassword ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(10), name.Length);
        name.CopyTo(record, UserBytesMin);
        hash.CopyTo(record, UserBytesMin + name.Length);
        return record;
    }

    private static byte[] Of(in AuthPermission permission)
    {
        byte[] record = new byte[PermissionBytesMin + permission.Key.Length + permission.RangeEnd.Length];
        record[0] = Item;
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(1), (int)permission.Kind);
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(5), permission.Key.Length);
        permission.Key.CopyTo(record.AsMemory(PermissionBytesMin));
        permission.RangeEnd.CopyTo(record.AsMemory(PermissionBytesMin + permission.Key.Length));
        return record;
    }

    private static ImmutableSortedDictionary<string, AuthUser> LoadUsers(SavedReader reader, ulong revision)
    {
        var users = ImmutableSortedDictionary.CreateBuilder<string, AuthUser>(AuthNames.Order);
        AuthUser? last = null;
        while (reader.TryRecord(out ReadOnlySpan<byte> record))
        {
            if (record[0] == Item)
            {
                reader.Expect(last is not null && AuthNames.TryRead(record[1..], out _), "A role is granted to nobody");
                AuthNames.TryRead(record[1..], out string role);
                reader.Expect(last!.Roles.IsEmpty || AuthNames.Order.Compare(last.Roles[^1], role) < 0, "The roles of a user are out of order");
                users[last.Name] = last = last with { Roles = last.Roles.Add(role) };
                continue;
            }

            AuthUser? user = UserIn(record);
            reader.Expect(user is not null && user.Generation > 1 && user.Generation <= revision, "A user does not fit");
            reader.Expect(last is null || AuthNames.Order.Compare(last.Name, user!.Name) < 0, "Users are out of order");
            last = user!;   // not null: see above
            users.Add(last.Name, last);
        }

        return users.ToImmutable();
    }

    private static AuthUser? UserIn(ReadOnlySpan<byte> record)
    {
        if (record.Length < UserBytesMin || record[0] != Owner || record[9] > 1)
            return null;
        int nameBytes = BinaryPrimitives.ReadInt32LittleEndian(record[10..]);
        ReadOnlySpan<byte> rest = record[UserBytesMin..];
        if (nameBytes <= 0 || nameBytes > rest.Length || !AuthNames.TryRead(rest[..nameBytes], out string name) || !AuthNames.TryRead(rest[nameBytes..], out string hash))
            return null;
        return new AuthUser { Name = name, PasswordHash = hash, IsWithoutPassword = record[9] == 1, Generation = BinaryPrimitives.ReadUInt64LittleEndian(record[1..]) };
    }

    private static ImmutableSortedDictionary<string, AuthRole> LoadRoles(SavedReader reader)
    {
        var roles = ImmutableSortedDictionary.CreateBuilder<string, AuthRole>(AuthNames.Order);
        AuthRole? last = null;
        while (reader.TryRecord(out ReadOnlySpan<byte> record))
        {
            if (record[0] == Owner)
            {
                reader.Expect(AuthNames.TryRead(record[1..], out string name) && name.Length > 0 && (last is null || AuthNames.Order.Compare(last.Name, name) < 0), "Roles are out of order");
                last = new AuthRole(name, []);
                roles.Add(name, last);
                continue;
            }

            reader.Expect(last is not null && record[0] == Item && record.Length >= PermissionBytesMin, "A permission does not fit");
            int keyBytes = BinaryPrimitives.ReadInt32LittleEndian(record[5..]);
            ReadOnlySpan<byte> rest = record[PermissionBytesMin..];
            reader.Expect(keyBytes > 0 && keyBytes <= rest.Length, "A permission does not fit");
            var permission = new AuthPermission((PermissionKind)BinaryPrimitives.ReadInt32LittleEndian(record[1..]), rest[..keyBytes].ToArray(), rest[keyBytes..].ToArray());
            reader.Expect(last!.Permissions.IsEmpty || IsBefore(last.Permissions[^1], permission), "The permissions of a role are out of order");
            roles[last.Name] = last = last with { Permissions = last.Permissions.Add(permission) };
        }

        return roles.ToImmutable();
    }

    private static bool IsBefore(in AuthPermission a, in AuthPermission b)
    {
        int order = a.Key.Span.SequenceCompareTo(b.Key.Span);
        return order < 0 || (order == 0 && a.RangeEnd.Span.SequenceCompareTo(b.RangeEnd.Span) < 0);
    }
}
