namespace Conclave.Raft;

public enum RaftInputKind : byte
{
    Tick, Received, Propose, Read, Persisted, Applied, SnapshotTaken, SnapshotReceived, SnapshotInstalled, SnapshotSendFinished, LinkUp, LinkDown,
    ChangeMembership, Transfer,
}

/// <summary>One thing that happened. A run of a core is a list of these, so recording them is enough to replay it.</summary>
public readonly struct RaftInput
{
    public RaftInputKind Kind { get; private init; }
    public Message? Message { get; private init; }
    public ReadOnlyMemory<Proposal> Proposals { get; private init; }
    public SnapshotId? Snapshot { get; private init; }
    public MembershipChange? Change { get; private init; }
    public NodeId Node { get; private init; }
    public Term Term { get; private init; }
    public bool Succeeded { get; private init; }

    /// <summary>Read id, ticket, index or id of a change, by <see cref="Kind"/>.</summary>
    public ulong Number { get; private init; }

    /// <summary>One tick passed. Nothing in the core knows time otherwise.</summary>
    public static RaftInput Tick() => new() { Kind = RaftInputKind.Tick };

    /// <summary>A message arrived, from the peer it names, over a link that proved who that peer is.</summary>
    public static RaftInput Received(Message message) => new() { Kind = RaftInputKind.Received, Message = message };

    /// <summary>Commands of this node's own clients. Each gets a <see cref="ProposalVerdict"/> in the same output.</summary>
    public static RaftInput Propose(ReadOnlyMemory<Proposal> batch) => new() { Kind = RaftInputKind.Propose, Proposals = batch };

    /// <summary>Wanted: an index such that reading after applying it is linearizable. Works on leader and follower; gets one <see cref="ReadVerdict"/>, later.</summary>
    public static RaftInput Read(ulong readId) => new() { Kind = RaftInputKind.Read, Number = readId };

    /// <summary>Every operation up to this ticket is durable. Tickets are reported in order; some may be skipped, none repeated.</summary>
    public static RaftInput Persisted(IoTicket upTo) => new() { Kind = RaftInputKind.Persisted, Number = upTo.Sequence };

    /// <summary>The state machine has applied everything up to here.</summary>
    public static RaftInput Applied(LogIndex upTo) => new() { Kind = RaftInputKind.Applied, Number = upTo.Value };

    /// <summary>A snapshot of the own state machine is durable on disk.</summary>
    public static RaftInput SnapshotTaken(SnapshotId id) => new() { Kind = RaftInputKind.SnapshotTaken, Snapshot = id };

    /// <summary>A snapshot streamed by <paramref name="from"/>, leader of <paramref name="term"/>, is whole, verified and durable on disk.</summary>
    public static RaftInput SnapshotReceived(NodeId from, Term term, SnapshotId id) =>
        new() { Kind = RaftInputKind.SnapshotReceived, Node = from, Term = term, Snapshot = id };

    /// <summary>What <see cref="RaftOutput.InstallSnapshot"/> asked for is done: log reset on disk, state machine swapped.</summary>
    public static RaftInput SnapshotInstalled(SnapshotId id) => new() { Kind = RaftInputKind.SnapshotInstalled, Snapshot = id };

    /// <summary>The stream that <see cref="RaftOutput.SnapshotsWanted"/> asked for ended, well or not.</summary>
    public static RaftInput SnapshotSendFinished(NodeId to, bool ok) => new() { Kind = RaftInputKind.SnapshotSendFinished, Node = to, Succeeded = ok };

    /// <summary>A connection to the peer stands. What was sent before may be lost.</summary>
    public static RaftInput LinkUp(NodeId peer) => new() { Kind = RaftInputKind.LinkUp, Node = peer };

    /// <summary>The connection to the peer closed. A follower whose leader this is campaigns after a short wait instead of a whole election timeout.</summary>
    public static RaftInput LinkDown(NodeId peer) => new() { Kind = RaftInputKind.LinkDown, Node = peer };

    /// <summary>Somebody wants other members. Gets a <see cref="MembershipVerdict"/> in the same output.</summary>
    public static RaftInput ChangeMembership(ulong id, MembershipChange change) =>
        new() { Kind = RaftInputKind.ChangeMembership, Number = id, Change = change };

    /// <summary>
    /// Leader: hand over to <paramref name="target"/>, or to the best follower if that is None. Given up after an election timeout; a
    /// <see cref="RoleChange"/> tells of success. No effect on other roles.
    /// </summary>
    public static RaftInput Transfer(NodeId target) => new() { Kind = RaftInputKind.Transfer, Node = target };

    public override string ToString() => Kind switch
    {
        RaftInputKind.Received => $"Received {Message}",
        RaftInputKind.Propose => $"Propose {Proposals.Length}",
        RaftInputKind.Read or RaftInputKind.Persisted or RaftInputKind.Applied => $"{Kind} {Number}",
        RaftInputKind.SnapshotTaken or RaftInputKind.SnapshotReceived or RaftInputKind.SnapshotInstalled => $"{Kind} {Snapshot?.Last}",
        RaftInputKind.SnapshotSendFinished => $"{Kind} {Node} {Succeeded}",
        RaftInputKind.LinkUp or RaftInputKind.LinkDown or RaftInputKind.Transfer => $"{Kind} {Node}",
        RaftInputKind.ChangeMembership => $"{Kind} {Number} {Change?.Kind} {Change?.Node}",
        _ => Kind.ToString(),
    };
}
