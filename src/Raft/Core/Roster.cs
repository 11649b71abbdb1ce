using System.Collections.Immutable;

namespace Conclave.Raft;

/// <summary>The members as numbered slots, so that sets of them are bits and what is known of each is an array away.</summary>
internal sealed class Roster
{
    private readonly ImmutableArray<NodeId> _members;
    private readonly ulong _voters, _outgoing;
    private readonly ulong _counted; // new voters, as far as commits go
    private readonly int _selfSlot;
    private readonly CoreFaults _faults;

    /// <param name="membership">In force from now on.</param>
    /// <param name="options">Of this node.</param>
    /// <param name="faults">Of this node.</param>
    /// <param name="previous">Where what is known of members that stay is taken from.</param>
    public Roster(Membership membership, RaftOptions options, CoreFaults faults = CoreFaults.None, Roster? previous = null)
    {
        _faults = faults;
        _members = membership.Members();
        if (_members.Length > Membership.MembersMax)
            throw new ArgumentException($"{_members.Length} members; the limit is {Membership.MembersMax}.", nameof(membership));
        _selfSlot = SlotOf(options.Self);
        _voters = SetOf(membership.Voters);
        _outgoing = SetOf(membership.VotersOutgoing);
        _counted = (faults & CoreFaults.LearnerCounts) != 0 ? _voters | SetOf(membership.Learners) : _voters;
        Peers = new Progress[_members.Length - (_selfSlot < 0 ? 0 : 1)];
        int at = 0;
        foreach (NodeId node in _members)
            if (node != options.Self) Peers[at++] = previous?.Find(node) ?? new Progress(node, options, faults);
    }

    /// <summary>Everybody else, in ascending order.</summary>
    public Progress[] Peers { get; }

    public bool SelfVotes => _selfSlot >= 0 && IsVoter(_selfSlot);

    /// <summary>This node alone decides everything.</summary>
    public bool IsSoleVoter => SelfVotes && (_voters | _outgoing) == 1UL << _selfSlot;

    public int SlotOf(NodeId node)
    {
        for (int i = 0; i < _members.Length; i++)
            if (_members[i] == node) return i;
        return -1;
    }

    public Progress? Find(NodeId node)
    {
        foreach (Progress peer in Peers)
            if (peer.Node == node) return peer;
        return null;
    }

    public bool IsVoter(NodeId node) => SlotOf(node) is >= 0 and int slot && IsVoter(slot);

    /// <summary>Whether these slots decide, in both halves of a joint configuration.</summary>
    public bool HasMajority(ulong slots) => (_faults & CoreFaults.ElectByUnion) != 0
        ? Quorum.HasMajority(_voters | _outgoing, slots)
        : Quorum.HasMajority(_voters, slots) && Quorum.HasMajority(_outgoing, slots);

    /// <summary>The highest value a majority reached, in both halves of a joint configuration. <paramref name="values"/> has one per slot.</summary>
    public ulong HighestHeld(ReadOnlySpan<ulong> values) => (_faults & CoreFaults.CommitByNewVoters) != 0
        ? Quorum.HighestHeld(_counted, values)
        : Math.Min(Quorum.HighestHeld(_counted, values), Quorum.HighestHeld(_outgoing, values));

    public int Slots => _members.Length;
    public NodeId At(int slot) => _members[slot];

    private bool IsVoter(int slot) => ((_voters | _outgoing) >> slot & 1) != 0;

    private ulong SetOf(ImmutableArray<NodeId> nodes)
    {
        ulong set = 0;
        foreach (NodeId node in nodes) set |= 1UL << SlotOf(node);
        return set;
    }
}
