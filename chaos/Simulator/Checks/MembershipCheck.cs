using System.Collections.Immutable;
using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>
/// I12: what counts on a node is the last membership in its log, or that of its snapshot; and whatever two memberships follow each other, each majority of one
/// meets each majority of the other.
/// </summary>
internal sealed class MembershipCheck
{
    private readonly List<(LogIndex Index, Membership Membership)>[] _logs = [.. Enumerable.Range(0, SimWorld.SlotsMax).Select(_ => new List<(LogIndex, Membership)>())];
    private readonly Dictionary<EntryId, Membership> _entries = [];
    private readonly HashSet<NodeId> _appended = [];

    /// <summary>Whether the node was ever a member, if only in the log of one leader: its id is not to be used again.</summary>
    public bool WasMember(NodeId node) => _appended.Contains(node);

    public void OnStart(SimNode node, RecoveredState recovered)
    {
        List<(LogIndex Index, Membership Membership)> log = _logs[node.Slot];
        log.Clear();
        log.Add((recovered.Snapshot?.Last.Index ?? LogIndex.Zero, recovered.Snapshot?.Membership ?? recovered.Bootstrap));
        foreach (NodeId member in log[0].Membership.Members()) _appended.Add(member);
        foreach (Entry entry in recovered.Entries)
            if (entry.Index > log[0].Index) OnEntry(node, entry);
        AfterBatch(node);
    }

    public void OnPersist(SimNode node, PersistOp op)
    {
        List<(LogIndex Index, Membership Membership)> log = _logs[node.Slot];
        if (op.TruncateFrom is { } from)
            while (log.Count > 1 && log[^1].Index >= from) log.RemoveAt(log.Count - 1);
        foreach (ref readonly Entry entry in op.Entries.Span) OnEntry(node, entry);
    }

    public void OnInstalled(SimNode node, SnapshotId id)
    {
        _logs[node.Slot].Clear();
        _logs[node.Slot].Add((id.Last.Index, id.Membership));
    }

    public void AfterBatch(SimNode node)
    {
        Membership expected = _logs[node.Slot][^1].Membership, actual = node.Core.Membership;
        if (!ReferenceEquals(expected, actual) && !expected.Equals(actual)) throw new SimulationFailure($"I12: {node.Id} counts by {Describe(actual)}; the last in its log is {Describe(expected)}.");
    }

    public static string Describe(Membership membership)
    {
        string text = $"[{string.Join(' ', membership.Voters)}]";
        if (membership.IsJoint) text += $" and [{string.Join(' ', membership.VotersOutgoing)}]";
        return membership.Learners.IsEmpty ? text : $"{text} learners [{string.Join(' ', membership.Learners)}]";
    }

    private void OnEntry(SimNode node, in Entry entry)
    {
        if (entry.Kind != EntryKind.Membership) return;
        if (!Membership.TryDecode(entry.Payload.Span, out Membership? membership)) throw new SimulationFailure($"I12: {node.Id} holds {entry.Id}, which is no membership.");
        List<(LogIndex Index, Membership Membership)> log = _logs[node.Slot];
        Membership previous = log[^1].Membership;
        // A node that joins knows no membership before its first.
        if (!previous.Voters.IsEmpty && !Meet(previous, membership))
            throw new SimulationFailure($"I12: {node.Id} goes from {Describe(previous)} to {Describe(membership)} with {entry.Id}: a majority of one need not meet a majority of the other.");
        if (!_entries.TryAdd(entry.Id, membership) && !_entries[entry.Id].Equals(membership))
            throw new SimulationFailure($"I3: {node.Id} has {entry.Id} with {Describe(membership)}; elsewhere it is {Describe(_entries[entry.Id])}.");
        foreach (NodeId member in membership.Members()) _appended.Add(member);
        log.Add((entry.Index, membership));
    }

    /// <summary>A majority of a joint configuration holds one of each of its lists, so two lists that meet are enough.</summary>
    private static bool Meet(Membership a, Membership b) =>
        Meet(a.Voters, b.Voters) || Meet(a.Voters, b.VotersOutgoing) || Meet(a.VotersOutgoing, b.Voters) || Meet(a.VotersOutgoing, b.VotersOutgoing);

    /// <summary>Two majorities can avoid each other only if there are enough voters for both.</summary>
    private static bool Meet(ImmutableArray<NodeId> a, ImmutableArray<NodeId> b) =>
        a.Length > 0 && b.Length > 0 && a.Length / 2 + 1 + b.Length / 2 + 1 > a.Union(b).Count();
}
