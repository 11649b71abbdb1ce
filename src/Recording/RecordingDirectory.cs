using Conclave.Raft;

namespace Conclave.Recording;

/// <summary>The recordings of a directory. Their names sort by time.</summary>
public static class RecordingDirectory
{
    public const string Extension = ".inputs";

    internal static string NameEnd(NodeId node) => $"-{node}{Extension}";

    /// <summary>All recordings, the oldest first.</summary>
    public static IReadOnlyList<FileInfo> List(string directory) =>
        [.. new DirectoryInfo(directory).EnumerateFiles("*" + Extension).OrderBy(file => file.Name, StringComparer.Ordinal)];

    /// <summary>Deletes the oldest recordings of one node until the rest has at most so many bytes. Other nodes may be recording there too.</summary>
    internal static void Prune(string directory, NodeId node, long bytesMax)
    {
        FileInfo[] files = [.. List(directory).Where(file => file.Name.EndsWith(NameEnd(node), StringComparison.Ordinal))];
        long bytes = files.Sum(file => file.Length);
        foreach (FileInfo file in files)
        {
            if (bytes <= bytesMax) return;
            bytes -= file.Length;
            file.Delete();
        }
    }
}
