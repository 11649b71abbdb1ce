using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>How a log is opened, and how it lays out its files.</summary>
public sealed record DurableLogOptions
{
    /// <summary>The cluster that the data must belong to; 0 accepts any, but cannot format an empty directory.</summary>
    public ulong ClusterId { get; init; }

    /// <summary>The member that the data must belong to; 0 accepts any, but cannot format an empty directory.</summary>
    public ulong NodeId { get; init; }

    /// <summary>Identity of this disk, used when an empty directory is formatted. The default draws a random one.</summary>
    public Guid Incarnation { get; init; }

    /// <summary>The membership to start from, stored when an empty directory is formatted. At most 46 members.</summary>
    public Membership Bootstrap { get; init; } = Membership.Of();

    /// <summary>
    /// Size of a new segment file, a multiple of 4096 from 16 KiB to 1 GiB; default 16 MiB. Compaction frees whole segments, so a
    /// log holds up to two more than its entries need. A batch that does not fit gets a larger segment of its own.
    /// </summary>
    public int SegmentBytes { get; init; } = 16 << 20;

    /// <summary>
    /// Each batch starts at a multiple of this: 4096 (the default) or 512. With 4096 no page that holds acknowledged
    /// bytes is ever written again; with 512 a log of single small entries takes an eighth of the space, but relies on
    /// the disk not to damage old sectors when it rewrites a page with the same bytes and loses power.
    /// </summary>
    public int BatchAlignmentBytes { get; init; } = 4096;

    /// <summary>Operations are gathered into one batch until it holds this much, 4 KiB to 64 MiB; default 4 MiB. A single larger operation is still written whole.</summary>
    public int BatchBytesMax { get; init; } = 4 << 20;

    /// <summary>How much is filled with zeros at once ahead of the write position, 4 KiB to 16 MiB; default 1 MiB.</summary>
    public int ZeroFillBytes { get; init; } = 1 << 20;

    /// <summary>Freed segments kept for reuse, 1 to 16; default 1. More are deleted.</summary>
    public int SpareSegmentsMax { get; init; } = 1;

    /// <summary>
    /// Whether a log that has lost acknowledged entries may be cut and opened, so that the other members bring them back; default false. Only for a
    /// member of a cluster of several: see <see cref="RecoveredLog.LostEnd"/> for what the node owes the others then. Without it the log refuses to open.
    /// </summary>
    public bool AllowRepair { get; init; }

    /// <summary>Names this one opening of the directory; the default draws a random one. For simulations that must repeat themselves.</summary>
    public Guid BootNonce { get; init; }

    /// <summary>Deliberate mistakes, for tests.</summary>
    internal StorageFaults Faults { get; init; }

    /// <summary>Everything that is wrong with these options; the log refuses to open then.</summary>
    public IEnumerable<string> Problems()
    {
        if (SegmentBytes is < 16 << 10 or > 1 << 30 || SegmentBytes % 4096 != 0)
            yield return $"SegmentBytes is {SegmentBytes}; use a multiple of 4096 from {16 << 10} to {1 << 30}.";
        if (BatchAlignmentBytes is not (512 or 4096))
            yield return $"BatchAlignmentBytes is {BatchAlignmentBytes}; use 512 or 4096.";
        if (BatchBytesMax is < 4 << 10 or > 64 << 20)
            yield return $"BatchBytesMax is {BatchBytesMax}; use {4 << 10} to {64 << 20}.";
        if (ZeroFillBytes is < 4 << 10 or > 16 << 20 || ZeroFillBytes % 4096 != 0)
            yield return $"ZeroFillBytes is {ZeroFillBytes}; use a multiple of 4096 from {4 << 10} to {16 << 20}.";
        if (SpareSegmentsMax is < 1 or > 16)
            yield return $"SpareSegmentsMax is {SpareSegmentsMax}; use 1 to 16.";
        if (Bootstrap.Encode().Length > SuperblockContent.MembershipBytesMax)
            yield return $"Bootstrap has more members than fit into the superblock ({SuperblockContent.MembershipBytesMax} bytes).";
    }
}
