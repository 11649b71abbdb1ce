using System.Globalization;

namespace Conclave.Storage;

/// <summary>Names of the files in a log's directory.</summary>
internal sealed class LogFiles(IFileSystem files, string directory)
{
    internal const string LockName = "LOCK", SuperblockName = "superblock", TemporarySuffix = ".tmp";
    private const string SegmentPrefix = "wal-", SparePrefix = "spare-", Suffix = ".log";

    internal IFileSystem Files { get; } = files;

    internal string Directory { get; } = directory;

    internal string PathOf(string name) => Path.Combine(Directory, name);

    internal string SegmentPath(ulong sequence) => PathOf(Name(SegmentPrefix, sequence));

    internal string SparePath(ulong number) => PathOf(Name(SparePrefix, number));

    internal static bool TryParseSegment(string name, out ulong sequence) => TryParse(name, SegmentPrefix, out sequence);

    internal static bool TryParseSpare(string name, out ulong number) => TryParse(name, SparePrefix, out number);

    private static string Name(string prefix, ulong number) => string.Create(CultureInfo.InvariantCulture, $"{prefix}{number:D10}{Suffix}");

    // Only the exact spelling counts: a copy that somebody named wal-7.log must not stand in for wal-0000000007.log.
    private static bool TryParse(string name, string prefix, out ulong number)
    {
        number = 0;
        return name.StartsWith(prefix, StringComparison.Ordinal) && name.EndsWith(Suffix, StringComparison.Ordinal)
            && ulong.TryParse(name.AsSpan(prefix.Length, name.Length - prefix.Length - Suffix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out number)
            && name == Name(prefix, number);
    }
}
