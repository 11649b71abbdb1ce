namespace Conclave.Raft;

public enum RaftRole : byte
{
    Follower = 0,

    /// <summary>Asks whether an election could be won, without disturbing anybody's term.</summary>
    PreCandidate = 1,
    Candidate = 2,
    Leader = 3,
}

/// <param name="Role">The role now.</param>
/// <param name="Term">The term now.</param>
/// <param name="Leader">Who leads that term, or <see cref="NodeId.None"/> when this node does not know.</param>
public readonly record struct RoleChange(RaftRole Role, Term Term, NodeId Leader);

public enum ReadOutcome : byte
{
    /// <summary>A read of the state after applying <see cref="ReadVerdict.Index"/> is linearizable.</summary>
    Ready = 0,

    /// <summary>No leader could be confirmed in time, or too many reads wait. Nothing happened; retry.</summary>
    Refused = 1,
}

/// <param name="ReadId">From <see cref="RaftInput.Read"/>.</param>
/// <param name="Outcome">Whether <paramref name="Index"/> may be used.</param>
/// <param name="Index">Serve after applying this; zero when refused.</param>
public readonly record struct ReadVerdict(ulong ReadId, ReadOutcome Outcome, LogIndex Index);

public enum ProposalOutcome : byte
{
    /// <summary>In this leader's log at <see cref="ProposalVerdict.Entry"/>. It may still be lost: only that very entry coming out committed proves success.</summary>
    Appended = 0,

    /// <summary>Certainly not appended. <see cref="ProposalVerdict.Leader"/> is who to ask, when known.</summary>
    NotLeader = 1,

    /// <summary>Certainly not appended: too many bytes wait for a commit. Retry later.</summary>
    TooBusy = 2,

    /// <summary>Certainly not appended: larger than <see cref="RaftOptions.ProposalBytesMax"/>.</summary>
    TooLarge = 3,
}

/// <param name="Id">From <see cref="Proposal.Id"/>.</param>
/// <param name="Outcome">What became of it so far.</param>
/// <param name="Entry">Its place when <see cref="ProposalOutcome.Appended"/>.</param>
/// <param name="Leader">Known leader when <see cref="ProposalOutcome.NotLeader"/>, or None.</param>
public readonly record struct ProposalVerdict(ulong Id, ProposalOutcome Outcome, EntryId Entry, NodeId Leader);
