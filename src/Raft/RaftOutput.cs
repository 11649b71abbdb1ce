namespace Conclave.Raft;

/// <summary>
/// Everything that should now happen. The driver steps a batch of inputs into one output, calls <see cref="RaftCore.Flush"/>,
/// carries the output out and clears it.
/// </summary>
/// <remarks>
/// Order that matters: <see cref="Persists"/> go to the log writer in order, and behind everything handed over earlier;
/// <see cref="InstallSnapshot"/> comes after the <see cref="Persists"/> of the same output and before those of later ones;
/// <see cref="Committed"/> goes to the apply loop in order. <see cref="Messages"/> depend on nothing and may leave first.
/// </remarks>
public sealed class RaftOutput
{
    /// <summary>Free to leave at once, before anything below is written.</summary>
    public List<OutboundMessage> Messages { get; } = [];

    /// <summary>In ticket order. <see cref="RaftCore.Flush"/> adds at most one.</summary>
    public List<PersistOp> Persists { get; } = [];

    /// <summary>Newly committed entries in log order, each once, as consecutive runs. The memory never changes; it may be kept and read from other threads.</summary>
    public List<ReadOnlyMemory<Entry>> Committed { get; } = [];

    public List<ReadVerdict> Reads { get; } = [];

    public List<ProposalVerdict> Proposals { get; } = [];

    public List<MembershipVerdict> MembershipVerdicts { get; } = [];

    /// <summary>
    /// The membership in force after this batch, when it changed in it: on append, on a truncation that took it back, with a snapshot. It may not be
    /// committed yet, but its members are to be reached from now on.
    /// </summary>
    public Membership? Membership { get; set; }

    /// <summary>
    /// Leader: members whose log has gone back behind what they acknowledged in this term. Their disk lost writes; the core counts them no
    /// more until they are linked anew. Each is named once per link.
    /// </summary>
    public List<NodeId> LogReverted { get; } = [];

    /// <summary>The last change of role, term or leader in this batch.</summary>
    public RoleChange? RoleChange { get; set; }

    /// <summary>
    /// Leader: stream the newest snapshot to each of these and report with <see cref="RaftInput.SnapshotSendFinished"/>.
    /// A peer may be named again while its stream runs (the core asks again in case the request was lost); ignore that.
    /// </summary>
    public List<NodeId> SnapshotsWanted { get; } = [];

    /// <summary>
    /// Replace log and state machine by this snapshot, which is already durable, then report
    /// <see cref="RaftInput.SnapshotInstalled"/>. Operations handed over earlier are written first.
    /// </summary>
    public SnapshotId? InstallSnapshot { get; set; }

    /// <summary>Entries up to and including this one are durable, covered by a durable snapshot and wanted by nobody: the log may drop them.</summary>
    public EntryId? CompactTo { get; set; }

    public bool IsEmpty => Messages.Count == 0 && Persists.Count == 0 && Committed.Count == 0 && Reads.Count == 0 && Proposals.Count == 0
        && MembershipVerdicts.Count == 0 && Membership is null && LogReverted.Count == 0
        && RoleChange is null && SnapshotsWanted.Count == 0 && InstallSnapshot is null && CompactTo is null;

    public void Clear()
    {
        Messages.Clear();
        Persists.Clear();
        Committed.Clear();
        Reads.Clear();
        Proposals.Clear();
        MembershipVerdicts.Clear();
        Membership = null;
        LogReverted.Clear();
        RoleChange = null;
        SnapshotsWanted.Clear();
        InstallSnapshot = null;
        CompactTo = null;
    }
}
