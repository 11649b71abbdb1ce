namespace Conclave.Store;

/// <summary>Who asked for something, and the auth revision that was known when it was found out.</summary>
/// <remarks>Whether a user may do what it asks is decided where the command is applied, against the state there.</remarks>
public readonly record struct CommandIdentity
{
    private CommandIdentity(string user, ulong authRevision) => (User, AuthRevision) = (user, authRevision);

    /// <summary>A member asks on its own behalf, for example because its disk is full. May do everything.</summary>
    public static CommandIdentity Member { get; } = new("", 0);

    /// <summary>Name of the user; empty for a member, null for nobody.</summary>
    public string? User { get; }

    /// <summary>At least 1 for a user.</summary>
    public ulong AuthRevision { get; }

    /// <summary>Nobody said who it is.</summary>
    public bool IsNone => User is null;

    public bool IsMember => User is { Length: 0 };

    /// <param name="user">Name of a user, not empty. It need not exist.</param>
    /// <param name="authRevision">The auth revision at which it was recognised, at least 1.</param>
    public static CommandIdentity Of(string user, ulong authRevision)
    {
        ArgumentException.ThrowIfNullOrEmpty(user);
        ArgumentOutOfRangeException.ThrowIfZero(authRevision);
        return new CommandIdentity(user, authRevision);
    }
}
