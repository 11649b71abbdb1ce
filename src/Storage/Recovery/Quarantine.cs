using System.Globalization;

namespace Conclave.Storage;

/// <summary>Copies of damaged files, for a person to look at. The directory <c>quarantine</c> holds a few, the newest.</summary>
internal static class Quarantine
{
    internal const string DirectoryName = "quarantine";
    internal const int FilesMax = 4;
    private const int BlockBytes = 256 << 10;

    /// <summary>Copies the file, durably. The copy is called after the boot at which the damage was found, so names sort by age.</summary>
    /// <returns>A note when there is no copy; null when there is one, or no file to copy.</returns>
    /// <exception cref="FileSystemException">The disk failed. A full disk is not an error here: the repair is worth more than the evidence.</exception>
    internal static string? Keep(IFileSystem files, string directory, string path, ulong boot, StorageFaults faults = StorageFaults.None)
    {
        if (!files.List(directory).Contains(Path.GetFileName(path)))
            return null;
        string folder = Path.Combine(directory, DirectoryName);
        string target = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{boot:D10}-{Path.GetFileName(path)}"));
        files.CreateDirectory(folder);
        Delete(files, target); // an interrupted attempt
        int keep = (faults & StorageFaults.KeepQuarantined) == 0 ? FilesMax - 1 : int.MaxValue;
        foreach (string old in files.List(folder).SkipLast(keep))
            Delete(files, Path.Combine(folder, old));
        try
        {
            Copy(files, path, target);
            files.SyncDirectory(folder);
            return null;
        }
        catch (FileSystemException failure) when (failure.Error == FileError.NoSpace)
        {
            Delete(files, target);
            return $"{path}: no copy of the damaged file was kept, because the disk is full.";
        }
    }

    private static void Copy(IFileSystem files, string source, string target)
    {
        using IStorageFile from = files.Open(source), to = files.Create(target);
        byte[] block = new byte[BlockBytes];
        int read;
        for (long at = 0; (read = TolerantReading.Read(from, at, block)) > 0; at += read)
            to.Write(at, block.AsSpan(0, read));
        to.Sync();
    }

    private static void Delete(IFileSystem files, string path)
    {
        if (files.List(Path.GetDirectoryName(path)!).Contains(Path.GetFileName(path))) // a path inside a directory
            files.Delete(path);
    }
}
