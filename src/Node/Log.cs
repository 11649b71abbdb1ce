using Microsoft.Extensions.Logging;

namespace Conclave.Node;

internal static partial class Log
{
    [LoggerMessage(2201, LogLevel.Information, "conclave-node {Version}, member {Name} ({Member}) of cluster {Cluster}: {Members} members, data in {DataDir}.")]
    public static partial void Starting(ILogger logger, string version, string name, string member, string cluster, int members, string dataDir);

    [LoggerMessage(2202, LogLevel.Information, "Serving clients on {Urls}.")]
    public static partial void Serving(ILogger logger, string urls);

    [LoggerMessage(2203, LogLevel.Information, "Recovered {Entries} log entries after index {Base}, term {Term}, store revision {Revision}.")]
    public static partial void Recovered(ILogger logger, int entries, ulong @base, ulong term, long revision);

    [LoggerMessage(2211, LogLevel.Warning, "The log lost its end, {Reach}, to a damaged disk. This member does not lead, and votes with care, until it has caught up from the others. Check the disk.")]
    public static partial void LogLostEnd(ILogger logger, string reach);

    [LoggerMessage(2212, LogLevel.Warning, "This member lost the end of its log and waits for a leader that brings it {Awaited}; it has {Last}. It cannot lead before. Members out of reach: {Missing}. Start them: a majority that lost nothing is needed.")]
    public static partial void WaitingToRecover(ILogger logger, string awaited, ulong last, string missing);

    [LoggerMessage(2204, LogLevel.Warning, "Recovery: {Note}")]
    public static partial void RecoveryNote(ILogger logger, string note);

    [LoggerMessage(2205, LogLevel.Warning, "{Size} bytes are stored, the quota is {Quota}: raising the NOSPACE alarm. Compact and delete, then disarm it; reads and deletes still work.")]
    public static partial void QuotaExceeded(ILogger logger, long size, long quota);

    [LoggerMessage(2208, LogLevel.Error, "The disk under {DataDir} is full: raising the NOSPACE alarm. Reads and deletes still work; make room, and writes go on by themselves.")]
    public static partial void DiskFull(ILogger logger, string dataDir);

    [LoggerMessage(2209, LogLevel.Information, "There is room again under {DataDir}: clearing the NOSPACE alarm.")]
    public static partial void DiskHasRoom(ILogger logger, string dataDir);

    [LoggerMessage(2213, LogLevel.Warning, "The reason of the NOSPACE alarm could not be written down: {Problem}. If this member is restarted, it may clear an alarm that it raised for the quota.")]
    public static partial void QuotaNotMarked(ILogger logger, string problem);

    [LoggerMessage(2207, LogLevel.Error, "A pass over time limits and leases failed; the next one follows.")]
    public static partial void HousekeepingFailed(ILogger logger, Exception exception);

    [LoggerMessage(2206, LogLevel.Information, "Stopped.")]
    public static partial void Stopped(ILogger logger);
}
