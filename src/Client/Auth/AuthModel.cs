using System.Collections.Immutable;

namespace Conclave.Client;

/// <summary>What a permission allows.</summary>
public enum PermissionKind
{
    Read = 0,
    Write = 1,
    ReadWrite = 2,
}

/// <summary>What a role may do with a range of keys.</summary>
/// <param name="Kind">Read, write, or both.</param>
/// <param name="Range">The keys.</param>
public sealed record Permission(PermissionKind Kind, KeyRange Range);

/// <param name="Header">Where the answer comes from.</param>
/// <param name="Enabled">Whether users have to log in.</param>
/// <param name="Revision">Grows with each change of users and roles.</param>
public sealed record AuthStatus(ResponseHeader Header, bool Enabled, ulong Revision);

/// <param name="Header">Where the answer comes from.</param>
/// <param name="Items">In order.</param>
public sealed record AuthList<T>(ResponseHeader Header, ImmutableArray<T> Items);
