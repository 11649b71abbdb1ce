namespace Conclave.Raft;

public sealed partial class RaftCore
{
    private LogIndex _emitted; // last index given out to be applied
    private LogIndex _termStart; // leader: its own no-op
    private long _uncommittedBytes; // leader: payload bytes after the commit index

    /// <summary>The leader has committed something of its own term, so it knows everything that was committed before.</summary>
    private bool HasCommittedOwnTerm => Commit >= _termStart;

    private void AdvanceCommit()
    {
        Span<ulong> held = stackalloc ulong[_roster.Slots];
        for (int slot = 0; slot < held.Length; slot++)
        {
            NodeId node = _roster.At(slot);
            // The leader's own copy counts like any other: when it is durable, and not before.
            if (node == Self) held[slot] = (HasFault(CoreFaults.CountUnflushedOwn) ? _log.Last.Index : _durable).Value;
            else held[slot] = _roster.Find(node)!.Counted.Value; // every other slot has a peer
        }
        var index = new LogIndex(_roster.HighestHeld(held));
        if (index <= Commit) return;
        // Entries of earlier terms are committed only through one of this term: a majority may hold them and still be
        // outvoted by a node with an entry of a term in between (figure 8 of the Raft paper).
        if (index < _termStart && !HasFault(CoreFaults.CommitPriorTermByCount)) return;
        if (Takes(RarePath.CommitLater)) return;
        CommitTo(index);
    }

    private void CommitTo(LogIndex index)
    {
        Invariant.Holds(index >= Commit, "The commit index never goes back.");
        Invariant.Holds(index <= _log.Last.Index, "Only what is in the log is committed.");
        Commit = index;
        if (HasFault(CoreFaults.ConfigAtApply)) PutInForce();
    }

    private void EmitCommitted()
    {
        if (_emitted == Commit) return;
        int firstRun = _output.Committed.Count;
        _log.AddRuns(_emitted.Next, Commit, _output.Committed);
        _emitted = Commit;
        if (Role != RaftRole.Leader) return;
        for (int i = firstRun; i < _output.Committed.Count; i++)
            foreach (ref readonly Entry entry in _output.Committed[i].Span) _uncommittedBytes -= entry.Payload.Length;
        Invariant.Holds(_uncommittedBytes >= 0, "Bytes that are committed were counted when they were appended.");
    }
}
