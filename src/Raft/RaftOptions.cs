namespace Conclave.Raft;

/// <summary>Everything a core is told from outside. One tick is whatever the driver makes it, 10 ms by default.</summary>
public sealed record RaftOptions
{
    public required NodeId Self { get; init; }

    /// <summary>
    /// Source of all randomness in the core. Must differ between nodes, or their elections collide, and between starts of one
    /// node, or an answer to a read request of the previous run could be taken for one of this run.
    /// </summary>
    public required ulong Seed { get; init; }

    /// <summary>Silence after which a follower campaigns, drawn from [value, 2 x value). Also the period in which a leader must hear a majority. Default 100.</summary>
    public int ElectionTimeoutTicks { get; init; } = 100;

    /// <summary>
    /// Priority of this node as a leader, the other way round: ticks that it waits longer than others before it campaigns. It delays, and never keeps a node from
    /// leading when nobody else can. Default 0.
    /// </summary>
    public int CampaignDelayTicks { get; init; }

    /// <summary>Interval of the leader's heartbeats. Default 10.</summary>
    public int HeartbeatTicks { get; init; } = 10;

    /// <summary>Payload bytes in one append message; a single larger entry still travels, alone. Default 1 MiB.</summary>
    public int AppendBytesMax { get; init; } = 1 << 20;

    /// <summary>Payload bytes sent to one peer and not yet acknowledged. Default 8 MiB.</summary>
    public long InflightBytesMax { get; init; } = 8L << 20;

    /// <summary>Append messages sent to one peer and not yet acknowledged. Default 256.</summary>
    public int InflightCountMax { get; init; } = 256;

    /// <summary>Largest payload of one proposal. Default 2 MiB.</summary>
    public int ProposalBytesMax { get; init; } = 2 << 20;

    /// <summary>Payload bytes a leader accepts ahead of the commit index; beyond it proposals are refused as busy. Default 64 MiB.</summary>
    public long UncommittedBytesMax { get; init; } = 64L << 20;

    /// <summary>Reads that may wait for an index at once, own and other nodes' together; more are refused. Default 100,000.</summary>
    public int ReadsPendingMax { get; init; } = 100_000;

    /// <summary>Longest wait of a read for its index before it is refused. Default 300.</summary>
    public int ReadTimeoutTicks { get; init; } = 300;

    /// <summary>Entries kept behind a snapshot, so that a slow follower needs no snapshot. Default 5,000.</summary>
    public int SnapshotTrailingEntries { get; init; } = 5_000;

    /// <summary>Payload bytes kept behind a snapshot. Default 16 MiB.</summary>
    public long SnapshotTrailingBytesMax { get; init; } = 16L << 20;

    /// <summary>
    /// Age of the oldest unfinished write at which a leader gives up and a follower stops campaigning: a node that cannot write
    /// must not keep the others from electing one that can. Default 300.
    /// </summary>
    public int DiskStallTicks { get; init; } = 300;

    /// <summary>Everything that is wrong with these options, for a person; empty when they can be used.</summary>
    public IEnumerable<string> Problems()
    {
        if (Self == NodeId.None)
            yield return "Self is 0, which stands for nobody; use the member's own id.";
        if (HeartbeatTicks < 1)
            yield return $"HeartbeatTicks is {HeartbeatTicks}; use 1 or more.";
        if (ElectionTimeoutTicks < 5 * HeartbeatTicks)
            yield return $"ElectionTimeoutTicks is {ElectionTimeoutTicks}: so close to the heartbeat, lost messages start elections. Use {5 * HeartbeatTicks} or more.";
        if (CampaignDelayTicks is < 0 or > 100_000)
            yield return $"CampaignDelayTicks is {CampaignDelayTicks}; use 0 to 100000.";
        if (AppendBytesMax < 1)
            yield return $"AppendBytesMax is {AppendBytesMax}; use 1 or more.";
        if (InflightBytesMax < 1)
            yield return $"InflightBytesMax is {InflightBytesMax}; use 1 or more.";
        if (InflightCountMax is < 1 or > 65_536)
            yield return $"InflightCountMax is {InflightCountMax}; use 1 to 65536.";
        if (ProposalBytesMax < 1)
            yield return $"ProposalBytesMax is {ProposalBytesMax}; use 1 or more.";
        if (UncommittedBytesMax < ProposalBytesMax)
            yield return $"UncommittedBytesMax is {UncommittedBytesMax}, less than one proposal may have ({ProposalBytesMax}).";
        if (ReadsPendingMax < 1)
            yield return $"ReadsPendingMax is {ReadsPendingMax}; use 1 or more.";
        if (ReadTimeoutTicks < HeartbeatTicks)
            yield return $"ReadTimeoutTicks is {ReadTimeoutTicks}, shorter than a heartbeat ({HeartbeatTicks}): a read whose message is lost could not be asked again.";
        if (SnapshotTrailingEntries < 0)
            yield return $"SnapshotTrailingEntries is {SnapshotTrailingEntries}; use 0 or more.";
        if (SnapshotTrailingBytesMax < 0)
            yield return $"SnapshotTrailingBytesMax is {SnapshotTrailingBytesMax}; use 0 or more.";
        if (DiskStallTicks < ElectionTimeoutTicks)
            yield return $"DiskStallTicks is {DiskStallTicks}, shorter than an election timeout ({ElectionTimeoutTicks}): one slow sync would depose the leader.";
    }
}
