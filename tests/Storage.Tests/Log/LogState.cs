using System.Text;
using Conclave.Raft;

namespace Conclave.Storage.Tests;

/// <summary>What a log holds, as an obviously correct value.</summary>
internal sealed record LogState(EntryId Base, HardState HardState, IReadOnlyList<Entry> Entries)
{
    internal static readonly LogState Empty = new(EntryId.Zero, default, []);

    internal EntryId Last => Entries.Count == 0 ? Base : Entries[^1].Id;

    internal static LogState Of(RecoveredLog log) => new(log.Base, log.HardState, log.Entries);

    internal LogState After(PersistOp op)
    {
        var entries = new List<Entry>(Entries);
        if (op.TruncateFrom is { } from)
            entries.RemoveAll(entry => entry.Index >= from);
        entries.AddRange(op.Entries.Span);
        return this with { HardState = op.HardState ?? HardState, Entries = entries };
    }

    internal LogState CompactedTo(EntryId upTo) => this with { Base = upTo, Entries = [.. Entries.Where(entry => entry.Index > upTo.Index)] };

    /// <summary>Base, term and vote, and all entries with their payloads are the same.</summary>
    internal bool Matches(LogState other)
    {
        if (Base != other.Base || HardState != other.HardState || Entries.Count != other.Entries.Count)
            return false;
        for (int i = 0; i < Entries.Count; i++)
            if (Entries[i].Id != other.Entries[i].Id || Entries[i].Kind != other.Entries[i].Kind || !Entries[i].Payload.Span.SequenceEqual(other.Entries[i].Payload.Span))
                return false;
        return true;
    }

    public override string ToString()
    {
        var text = new StringBuilder($"base {Base}, term {HardState.Term} vote {HardState.VotedFor}, entries");
        foreach (Entry entry in Entries)
            text.Append($" {entry.Id}/{entry.Payload.Length}");
        return text.ToString();
    }
}
