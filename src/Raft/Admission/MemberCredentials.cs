using System.Collections.Immutable;

namespace Conclave.Raft;

/// <summary>What a member shows of itself on every connection, so that others can tell whether its disk still holds what it promised.</summary>
/// <param name="Incarnation">Drawn at random when the data directory was formatted.</param>
/// <param name="Boot">How often the directory has been opened; 0 when that is not counted.</param>
/// <param name="BootNonce">Drawn at random at this very start: two processes with one directory, or a copy of it, differ in it.</param>
/// <param name="Durable">Last entry that is durable there, log or snapshot.</param>
/// <param name="LostEnd">As <see cref="RecoveredState.LostEnd"/>: the member knows that its disk lost writes, and behaves accordingly. Zero when nothing is missing.</param>
public readonly record struct MemberCredentials(Guid Incarnation, ulong Boot, Guid BootNonce, LogIndex Durable, EntryId LostEnd)
{
    /// <summary>The starts that led to this one, as <see cref="StartHistory.ShownTo"/> gives them. Default (not empty) from a release that keeps no history.</summary>
    public ImmutableArray<MemberStart> Starts { get; init; }
}

/// <summary>What is remembered of a member, durably, between its connections.</summary>
/// <param name="Incarnation">Of the directory that it came with first; empty when the next one is to be taken as it is.</param>
/// <param name="Boot">The highest that was accepted.</param>
/// <param name="BootNonce">That belongs to <paramref name="Boot"/>.</param>
/// <param name="LogReverted">A leader saw its log end before what it had acknowledged; see <see cref="RaftOutput.LogReverted"/>.</param>
/// <param name="Vouched">An operator said that its disk is lost and the others have everything: until it has caught up with the record, its log may end before it.</param>
/// <param name="KeepsStarts">It showed a history of its starts, so it always will: <paramref name="Boot"/> must be in what it shows next.</param>
public readonly record struct RememberedMember(Guid Incarnation, ulong Boot, Guid BootNonce, bool LogReverted, bool Vouched = false, bool KeepsStarts = false)
{
    /// <summary>What is left of a member whose disk an operator told this node to forget.</summary>
    public static RememberedMember Forgotten { get; } = new(Guid.Empty, 0, Guid.Empty, LogReverted: false, Vouched: true);
}

/// <summary>What the membership says of somebody who wants to talk.</summary>
public enum MemberStanding : byte
{
    /// <summary>A member, or perhaps one: this node may lack the entry that added it.</summary>
    Member = 0,

    /// <summary>No member, as far as this node knows, and it would know.</summary>
    Unknown = 1,

    /// <summary>Was a member; its removal is committed.</summary>
    Removed = 2,
}
