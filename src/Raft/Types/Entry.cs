namespace Conclave.Raft;

/// <summary>What an entry is for. The numbers are part of the disk and wire formats.</summary>
public enum EntryKind : byte
{
    /// <summary>Payload for the state machine; the core never looks inside.</summary>
    Command = 0,

    /// <summary>First entry of every leader: it lets the leader commit what earlier terms left behind. No payload.</summary>
    NoOp = 1,

    /// <summary>Payload is an encoded <see cref="Raft.Membership"/>.</summary>
    Membership = 2,
}

/// <summary>One entry of the replicated log.</summary>
/// <remarks>The bytes behind <see cref="Payload"/> are shared by the log, the disk and the network and never change after creation.</remarks>
public readonly struct Entry(LogIndex index, Term term, EntryKind kind, ReadOnlyMemory<byte> payload)
{
    public LogIndex Index { get; } = index;
    public Term Term { get; } = term;
    public EntryKind Kind { get; } = kind;
    public ReadOnlyMemory<byte> Payload { get; } = payload;

    public EntryId Id => new(Index, Term);
    public override string ToString() => $"{Id} {Kind} {Payload.Length} B";
}
