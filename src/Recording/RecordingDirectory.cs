using System.Globalization;
using Conclave.Raft;

namespace Conclave.Recording;

/// <summary>The recordings of a directory: files that are parts of runs. Their names sort by time.</summary>
/// <remarks><c>20260131T235959.1234567-0000000042-1f.inputs</c>: when the run began, number of the part, id of the member.</remarks>
public static class RecordingDirectory
{
    public const string Extension = ".inputs";

    /// <summary>Of a part whose beginning is not whole yet.</summary>
    internal const string UnfinishedExtension = ".new";

    internal static string NameEnd(NodeId node) => $"-{node}{Extension}";

    internal static string NameOf(DateTimeOffset run, long part, NodeId node) =>
        string.Create(CultureInfo.InvariantCulture, $"{run:yyyyMMdd'T'HHmmss.fffffff}-{part:D10}{NameEnd(node)}");

    /// <summary>All parts of all recordings, the oldest first.</summary>
    public static IReadOnlyList<FileInfo> List(string directory) =>
        [.. new DirectoryInfo(directory).EnumerateFiles("*" + Extension).OrderBy(file => file.Name, StringComparer.Ordinal)];

    /// <summary>What can be replayed of the newest recording: its parts without a gap up to the newest, the oldest first. Empty when there is none.</summary>
    public static IReadOnlyList<string> Newest(string directory)
    {
        IReadOnlyList<FileInfo> all = List(directory);
        if (all.Count == 0) return [];
        List<string> parts = [all[^1].FullName];
        while (Neighbour(parts[0], -1) is { } before && File.Exists(before)) parts.Insert(0, before);
        return parts;
    }

    /// <summary>The part after this one in its run, if it is there.</summary>
    public static string? Next(string path) => Neighbour(path, +1) is { } next && File.Exists(next) ? next : null;

    private static string? Neighbour(string path, long step)
    {
        string[] words = Path.GetFileName(path).Split('-');
        if (words.Length != 3 || !long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out long part) || part + step < 0) return null;
        words[1] = (part + step).ToString("D10", CultureInfo.InvariantCulture);
        return Path.Combine(Path.GetDirectoryName(path) ?? "", string.Join('-', words));
    }
}
