namespace Conclave.Raft;

/// <summary>Leader to follower: append these entries right after <see cref="Previous"/>.</summary>
public sealed record AppendRequest : Message
{
    /// <summary>The entry just before <see cref="Entries"/>. A follower that lacks it refuses the whole request.</summary>
    public required EntryId Previous { get; init; }

    /// <summary>Consecutive entries; empty asks only whether the follower has <see cref="Previous"/>.</summary>
    public required ReadOnlyMemory<Entry> Entries { get; init; }

    /// <summary>Highest index the leader knows is committed. May lie beyond the last entry sent.</summary>
    public required LogIndex Commit { get; init; }

    /// <summary>Unique and rising in the leader's term; the reply repeats it, so a late reply is recognized as such.</summary>
    public required ulong Sequence { get; init; }

    /// <summary>Index of the last entry this request speaks of. The follower acknowledges this and nothing beyond.</summary>
    public LogIndex LastIndex => Previous.Index + Entries.Length;

    public override string ToString() => $"AppendRequest {From}->{To} term {Term} previous {Previous} entries {Entries.Length} commit {Commit} sequence {Sequence}";
}

/// <summary>Answer to an <see cref="AppendRequest"/>. Success leaves only after everything it claims is durable.</summary>
public sealed record AppendReply : Message
{
    /// <summary>From the request; 0 when that was of an older term, so that this answer says nothing but the term.</summary>
    public required ulong Sequence { get; init; }

    /// <summary>False: the follower lacks <see cref="AppendRequest.Previous"/>.</summary>
    public required bool Success { get; init; }

    /// <summary>On success: the follower's log equals the leader's up to here, durably. The last index of the request, not of the follower's log.</summary>
    public required LogIndex Match { get; init; }

    /// <summary>
    /// On refusal: the last entry of the follower at or before the refused place whose term is not above the refused one. Only a hint
    /// where to try next.
    /// </summary>
    public EntryId Hint { get; init; }
}

/// <summary>Leader to follower: more is committed. Sent when there is nothing to append; needs no answer.</summary>
/// <remarks>
/// A follower answers its own clients after its own apply, so it should not have to wait for the next append or heartbeat.
/// Losing this message costs time only: heartbeats carry the same news.
/// </remarks>
public sealed record CommitNotice : Message
{
    /// <summary>If the follower's log has this entry, it equals the leader's up to here.</summary>
    public required EntryId Verified { get; init; }

    public required LogIndex Commit { get; init; }
}

/// <summary>Leader to follower: I lead. Also one round of the confirmation that linearizable reads need.</summary>
public sealed record HeartbeatRequest : Message
{
    /// <summary>The smaller of the leader's commit and what this follower was proven to hold: never an index its log may disagree on.</summary>
    public required LogIndex Commit { get; init; }

    /// <summary>Number of the newest read confirmation round, unique and rising in the leader's process.</summary>
    public required ulong ReadEpoch { get; init; }
}

/// <summary>Answer to a <see cref="HeartbeatRequest"/>: the sender had not heard of a later term when it got the request.</summary>
public sealed record HeartbeatReply : Message
{
    /// <summary>From the request; 0 when that was of an older term, so that this answer says nothing but the term.</summary>
    public required ulong ReadEpoch { get; init; }

    /// <summary>The request's commit lies beyond what this leader has proven to the sender's present process. An append will do.</summary>
    public bool Unproven { get; init; }

    /// <summary>The sender's disk lost entries that it may have acknowledged, and it does not have them back yet (<see cref="RaftCore.IsRecovering"/>).</summary>
    public bool Recovering { get; init; }
}

/// <summary>Follower to leader, after a streamed snapshot: where the follower stands.</summary>
public sealed record SnapshotReply : Message
{
    /// <summary>The follower's log starts at or reaches this committed index. Only a hint where to try next; an append proves it.</summary>
    public required LogIndex Last { get; init; }
}
