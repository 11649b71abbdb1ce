using Conclave.Raft;

namespace Conclave.Exhaustive;

internal enum NodeInputKind : byte
{
    /// <summary>A message arrives; the argument is its number in the <see cref="MessageTable"/>.</summary>
    Deliver,

    /// <summary>The oldest write that waits becomes durable, and what depends on it leaves.</summary>
    Persist,

    /// <summary>Time passes until the node campaigns.</summary>
    Campaign,

    /// <summary>An election timeout passes without a word of the leader, and the own, longer one is not over: the node may vote against its leader and does not campaign.</summary>
    Doubt,

    /// <summary>A heartbeat interval passes at a leader.</summary>
    Heartbeat,

    /// <summary>An election timeout passes at a leader: it looks whether a majority was heard.</summary>
    QuorumCheck,

    /// <summary>A client writes; the argument is the number of the write.</summary>
    Propose,

    /// <summary>A client reads; the argument is the number of the read.</summary>
    Read,

    /// <summary>Somebody wants other members; the argument says which, see <see cref="NodeInput.Change"/>.</summary>
    ChangeMembership,

    /// <summary>Leadership is to go to the member with this id.</summary>
    Transfer,

    /// <summary>Power fails: what is not durable is lost, and the node starts again.</summary>
    Crash,
}

/// <summary>One thing that happens to one node.</summary>
internal readonly record struct NodeInput(NodeInputKind Kind, int Argument)
{
    /// <summary>Argument of a <see cref="NodeInputKind.ChangeMembership"/>.</summary>
    public static int Change(MembershipChangeKind kind, NodeId node) => (int)kind << 4 | (int)node.Value;

    public static MembershipChange ChangeOf(int argument) => new((MembershipChangeKind)(argument >> 4), new NodeId((ulong)argument & 15), []);

    public int Packed => (int)Kind << 24 | Argument;

    public static NodeInput FromPacked(int packed) => new((NodeInputKind)(packed >> 24), packed & 0xFFFFFF);
}

/// <summary>An entry that a node reports as committed, and the members who decided it: bit n stands for member n.</summary>
internal readonly record struct Commitment(Entry Entry, ulong Voters, ulong VotersOutgoing);

/// <summary>What one input did, apart from changing the node.</summary>
internal sealed class NodeEffects
{
    public List<Message> Messages { get; } = [];

    /// <summary>Newly committed, in order.</summary>
    public List<Commitment> Committed { get; } = [];

    /// <summary>Reads that may be served, and at which index.</summary>
    public List<ReadVerdict> Reads { get; } = [];

    /// <summary>A rule that this node alone can be seen to break; null when none is.</summary>
    public string? Violation { get; set; }

    public void Break(string what) => Violation ??= what;
}
