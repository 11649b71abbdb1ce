namespace Conclave.Processes.Locks;

/// <summary>How a call to Lock or Campaign ended.</summary>
public enum LockEnd
{
    /// <summary>It was told that it holds.</summary>
    Granted,

    /// <summary>It was told that it does not.</summary>
    Refused,

    /// <summary>The client gave up, or the connection broke.</summary>
    Broken,

    /// <summary>No word for so long that something is wrong.</summary>
    NeverEnded,
}

/// <summary>One call to Lock or Campaign. Times are those of the monotonic clock, which all processes of a machine share.</summary>
public sealed record LockAttempt
{
    public required int Client { get; init; }

    /// <summary>Of the lock or the election.</summary>
    public required string Name { get; init; }

    public required long Lease { get; init; }

    /// <summary>Timestamp before the call.</summary>
    public required long Called { get; init; }

    /// <summary>Timestamp after the answer.</summary>
    public required long Ended { get; init; }

    public required LockEnd End { get; init; }

    /// <summary>Status text of what was not granted.</summary>
    public string Said { get; init; } = "";

    /// <summary>Own key, when granted.</summary>
    public string Key { get; init; } = "";

    /// <summary>header.revision of the grant; 0 when the server does not tell the state in which it looked.</summary>
    public long Revision { get; init; }

    /// <summary>Create revision of the own key; 0 when it was gone before it could be read.</summary>
    public long Token { get; init; }

    /// <summary>
    /// Timestamp up to which the client surely holds: the sending of its last renewal that was acknowledged, plus the time to live; but no longer than until it
    /// began to give the lock back. May lie before <see cref="Ended"/>: then there is no moment of which that can be said.
    /// </summary>
    public long HeldUntil { get; init; }
}

/// <summary>What became of a write that compares the token.</summary>
public enum GuardedEnd
{
    Done,

    /// <summary>The token was not the one of the key.</summary>
    Refused,

    Unknown,
}

/// <summary>A put under the condition that the key's create revision is the token.</summary>
public sealed record GuardedWrite(int Client, string Name, string Key, long Token, long Called, GuardedEnd End, long Revision);

/// <summary>A leader as an observer was told of it.</summary>
/// <param name="Observer">Who was told, in order.</param>
/// <param name="Name">Of the election.</param>
/// <param name="Token">Create revision of the leader's key.</param>
public sealed record LeaderSeen(int Observer, string Name, long Token);

/// <summary>The life of a key in a queue, from the store's history.</summary>
/// <param name="Key">Lock or election name, slash, lease.</param>
/// <param name="Created">Revision.</param>
/// <param name="Deleted">Revision; null when it is there still.</param>
public sealed record QueueTurn(string Key, long Created, long? Deleted);

/// <summary>What the clients of one process were told.</summary>
public sealed record LockHistory
{
    public IReadOnlyList<LockAttempt> Attempts { get; init; } = [];

    public IReadOnlyList<GuardedWrite> Writes { get; init; } = [];

    public IReadOnlyList<LeaderSeen> Leaders { get; init; } = [];

    /// <summary>All together.</summary>
    public static LockHistory Of(IEnumerable<LockHistory> parts)
    {
        LockHistory[] all = [.. parts];
        return new LockHistory
        {
            Attempts = [.. all.SelectMany(part => part.Attempts)],
            Writes = [.. all.SelectMany(part => part.Writes)],
            Leaders = [.. all.SelectMany(part => part.Leaders)],
        };
    }
}
