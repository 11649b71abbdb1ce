namespace Conclave.Store.Auth;

/// <summary>What the roles of one user add up to.</summary>
internal sealed record GrantedRanges(KeyIntervals Readable, KeyIntervals Writable)
{
    public static GrantedRanges Of(AuthUser user, AuthState auth)
    {
        var permissions = new List<AuthPermission>();
        foreach (string name in user.Roles)
        {
            if (auth.Roles.TryGetValue(name, out AuthRole? role))
                permissions.AddRange(role.Permissions);
        }

        return new GrantedRanges(
            KeyIntervals.Of(permissions.Where(p => p.Kind is PermissionKind.Read or PermissionKind.ReadWrite)),
            KeyIntervals.Of(permissions.Where(p => p.Kind is PermissionKind.Write or PermissionKind.ReadWrite)));
    }
}
