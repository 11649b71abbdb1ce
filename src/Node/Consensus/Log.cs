using Conclave.Raft;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Consensus;

internal static partial class Log
{
    [LoggerMessage(2101, LogLevel.Information, "Now {Role} in term {Term}; the leader is {Leader}.")]
    public static partial void RoleChanged(ILogger logger, RaftRole role, ulong term, string leader);

    [LoggerMessage(2115, LogLevel.Warning, "No leader for {Seconds} s: {Why}. Writes and linearizable reads wait until a majority of the voting members runs and is connected.")]
    public static partial void NoLeader(ILogger logger, long seconds, string why);

    [LoggerMessage(2102, LogLevel.Warning, "This process did not run for {Milliseconds} ms. Elections go on as if that time had not passed, and leases get their full time again.")]
    public static partial void Paused(ILogger logger, long milliseconds);

    [LoggerMessage(2103, LogLevel.Information, "Snapshot at index {Index} written: {Bytes} bytes in {Milliseconds} ms.")]
    public static partial void SnapshotWritten(ILogger logger, ulong index, long bytes, long milliseconds);

    [LoggerMessage(2104, LogLevel.Information, "Sent snapshot {Index} ({Bytes} bytes) to {Peer}.")]
    public static partial void SnapshotSent(ILogger logger, ulong index, long bytes, NodeId peer);

    [LoggerMessage(2105, LogLevel.Warning, "Could not send a snapshot to {Peer}: {Problem}. It is tried again.")]
    public static partial void SnapshotNotSent(ILogger logger, NodeId peer, string problem);

    [LoggerMessage(2106, LogLevel.Information, "Took over snapshot {Index} from {Peer}: this member had fallen behind the log.")]
    public static partial void SnapshotTakenOver(ILogger logger, ulong index, string peer);

    [LoggerMessage(2107, LogLevel.Critical, "Stopping: {Problem}")]
    public static partial void Fatal(ILogger logger, string problem, Exception cause);

    [LoggerMessage(2108, LogLevel.Warning, "A snapshot could not be written: {Problem}. The log grows until one can; the next try follows.")]
    public static partial void SnapshotFailed(ILogger logger, string problem);

    [LoggerMessage(2112, LogLevel.Error, "The disk does not give back what was written to {File}: {Problem}. The state in memory has all of it; a snapshot is written now and takes its place. Check the disk.")]
    public static partial void DamageFound(ILogger logger, string file, string problem);

    [LoggerMessage(2113, LogLevel.Information, "{File} is not needed any more: the snapshot at {Snapshot} covers it.")]
    public static partial void DamageReplaced(ILogger logger, string file, EntryId snapshot);

    [LoggerMessage(2114, LogLevel.Warning, "Cold files could not be read again: {Problem}. The next round follows.")]
    public static partial void ScrubFailed(ILogger logger, string problem);

    [LoggerMessage(2111, LogLevel.Error, "{Message} Stopping.")]
    public static partial void Removed(ILogger logger, string message);

    [LoggerMessage(2109, LogLevel.Warning, "A snapshot from {Peer} could not be taken: {Problem}. The leader tries again.")]
    public static partial void SnapshotNotReceived(ILogger logger, NodeId peer, string problem);

    [LoggerMessage(2124, LogLevel.Information, "{Note}")]
    public static partial void RecordingNote(ILogger logger, string note);
}
