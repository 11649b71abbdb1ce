using System.Collections.Immutable;

namespace Conclave.Store;

/// <summary>A user: how to recognise it, and what it is.</summary>
public sealed record AuthUser
{
    public required string Name { get; init; }

    /// <summary>
    /// What the key derivation made of the password, with its parameters, as text; opaque here. Empty when there is none. The password
    /// itself never comes near the log.
    /// </summary>
    public required string PasswordHash { get; init; }

    /// <summary>Cannot log in by password, whatever is set: known by its client certificate alone.</summary>
    public required bool IsWithoutPassword { get; init; }

    /// <summary>The auth revision at which the user came into being or got its password. Never the same again, even for a user of the same name.</summary>
    public required ulong Generation { get; init; }

    /// <summary>Names of its roles, each once, in the order of <see cref="AuthNames.Order"/>.</summary>
    public ImmutableArray<string> Roles { get; init; } = [];

    /// <summary>Whether it may do everything.</summary>
    public bool IsRoot => Has(AuthState.Root);

    public bool Has(string role) => Roles.BinarySearch(role, AuthNames.Order) >= 0;
}

/// <summary>A role: a name for permissions.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Permissions">By key and range end, each pair once.</param>
public sealed record AuthRole(string Name, ImmutableArray<AuthPermission> Permissions);
