namespace Conclave.Recording;

/// <summary>The recordings of a directory. Their names sort by time.</summary>
public static class RecordingDirectory
{
    public const string Extension = ".inputs";

    /// <summary>All recordings, the oldest first.</summary>
    public static IReadOnlyList<FileInfo> List(string directory) =>
        [.. new DirectoryInfo(directory).EnumerateFiles("*" + Extension).OrderBy(file => file.Name, StringComparer.Ordinal)];

    /// <summary>Deletes the oldest recordings until the rest has at most so many bytes.</summary>
    internal static void Prune(string directory, long bytesMax)
    {
        IReadOnlyList<FileInfo> files = List(directory);
        long bytes = files.Sum(file => file.Length);
        foreach (FileInfo file in files)
        {
            if (bytes <= bytesMax) return;
            bytes -= file.Length;
            file.Delete();
        }
    }
}
