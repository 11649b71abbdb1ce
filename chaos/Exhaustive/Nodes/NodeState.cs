using Conclave.Raft;

namespace Conclave.Exhaustive;

/// <summary>An entry, for comparing: where it stands is known from where it is found.</summary>
internal readonly record struct EntryMark(ulong Term, ulong Content)
{
    public static EntryMark Of(in Entry entry)
    {
        Hash128 hash = default(Hash128).Then((ulong)entry.Kind);
        foreach (byte value in entry.Payload.Span) hash = hash.Then(value);
        return new EntryMark(entry.Term.Value, hash.A);
    }
}

/// <summary>A state that some node was in: how to get there again, and what the invariants look at.</summary>
internal sealed class NodeState
{
    public required int Id { get; init; }
    public required int Slot { get; init; }

    /// <summary>The state before <see cref="Via"/>; null for a fresh node.</summary>
    public required NodeState? Parent { get; init; }
    public required NodeInput Via { get; init; }

    /// <summary>One per renaming, ready to be added to those of the other parts of a state.</summary>
    public required Hash128[] Hashes { get; init; }

    public required RaftRole Role { get; init; }
    public required ulong Term { get; init; }
    public required ulong DurableTerm { get; init; }
    public required ulong Round { get; init; }
    public required int Commit { get; init; }
    public required bool InDoubt { get; init; }
    public required bool KnowsLeader { get; init; }
    public required bool SelfVotes { get; init; }
    public required bool HasPendingWrite { get; init; }
    public required EntryMark[] Log { get; init; }
    public required EntryMark[] DurableLog { get; init; }

    /// <summary>Of a leader: match by slot; empty otherwise.</summary>
    public required int[] Matches { get; init; }

    /// <summary>Bit n stands for member n.</summary>
    public required ulong Voters { get; init; }
    public required ulong VotersOutgoing { get; init; }

    public Dictionary<int, NodeTransition> Transitions { get; } = [];

    public static ulong SetOf(IEnumerable<NodeId> nodes) => nodes.Aggregate(0UL, (set, node) => set | 1UL << (int)node.Value);

    public NodeId Node => new((ulong)Slot + 1);
}

/// <summary>What an input does to a node in some state.</summary>
internal sealed record NodeTransition(NodeState Next, KnownMessage[] Messages, Commitment[] Committed, ReadVerdict[] Reads, string? Violation)
{
    /// <summary>It leads a term that it did not lead before.</summary>
    public required bool StartsToLead { get; init; }

    /// <summary>Votes that it gives, its own among them, by term.</summary>
    public required (ulong Term, NodeId Candidate)[] Votes { get; init; }

    public bool IsSilent => Messages.Length == 0 && Committed.Length == 0 && Reads.Length == 0 && Votes.Length == 0 && !StartsToLead;
}
