namespace Conclave.Processes.Damage;

/// <summary>What can be done to the files of a member that does not run. Knows their names from docs/protocol/storage-format.md and nothing of their content.</summary>
internal sealed class DataDirectory(string path, Random random)
{
    private const int SectorBytes = 512;

    private string Member => Path.Combine(path, "member");

    /// <summary>Whether the member has written a snapshot yet.</summary>
    public bool HasSnapshot => Find("snapshot-*").Length > 0;

    /// <summary>Whether the member has put damaged files aside.</summary>
    public bool HasQuarantine => Directory.Exists(Path.Combine(Member, "quarantine")) && Directory.EnumerateFileSystemEntries(Path.Combine(Member, "quarantine")).Any();

    /// <summary>Flips a bit in the written part of the newest segment: in its middle, where everything was acknowledged long ago, or in its last sector.</summary>
    public string FlipInLog(bool atEnd)
    {
        string file = Find("wal-*.log")[^1];
        List<long> sectors = WrittenSectors(file);
        return Flip(file, atEnd ? sectors[^1] : sectors[sectors.Count / 2]);
    }

    public string FlipInSnapshot()
    {
        string file = Find("snapshot-*")[^1];
        List<long> sectors = WrittenSectors(file);
        return Flip(file, sectors[random.Next(sectors.Count)]);
    }

    public string FlipInSuperblock()
    {
        string file = Path.Combine(Member, "superblock");
        List<long> sectors = WrittenSectors(file);
        return Flip(file, sectors[random.Next(sectors.Count)]);
    }

    public string Wipe()
    {
        Directory.Delete(path, recursive: true);
        return "an empty directory";
    }

    /// <summary>Takes all room that is left on a disk.</summary>
    /// <returns>Bytes that were free.</returns>
    public static long Fill(string filler)
    {
        using FileStream file = new(filler, FileMode.CreateNew, FileAccess.Write, FileShare.Delete, bufferSize: 0);
        byte[] block = new byte[64 << 10];
        Array.Fill(block, (byte)1);
        for (int size = block.Length; size > 0; size /= 2)
        {
            try
            {
                while (true) file.Write(block, 0, size);
            }
            catch (IOException)
            {
                // No room for that much: then less.
            }
        }
        return file.Length;
    }

    public void CopyTo(string target)
    {
        foreach (string file in Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories))
        {
            string to = Path.Combine(target, Path.GetRelativePath(path, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);   // below the target
            File.Copy(file, to);
        }
    }

    private string[] Find(string pattern) => [.. Directory.EnumerateFiles(Member, pattern).Where(file => !file.EndsWith(".tmp", StringComparison.Ordinal) && !file.EndsWith(".part", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    private static List<long> WrittenSectors(string file)
    {
        byte[] content = File.ReadAllBytes(file);
        List<long> written = [];
        for (int at = 0; at < content.Length; at += SectorBytes)
        {
            if (content.AsSpan(at, Math.Min(SectorBytes, content.Length - at)).ContainsAnyExcept((byte)0))
                written.Add(at);
        }
        return written;
    }

    private string Flip(string file, long sector)
    {
        using FileStream stream = new(file, FileMode.Open, FileAccess.ReadWrite);
        byte[] content = new byte[(int)Math.Min(SectorBytes, stream.Length - sector)];
        stream.Position = sector;
        stream.ReadExactly(content);
        // A byte that was written: the rest of the sector may be padding that nothing covers.
        int[] used = [.. Enumerable.Range(0, content.Length).Where(i => content[i] != 0)];
        int at = used[random.Next(used.Length)], bit = random.Next(8);
        stream.Position = sector + at;
        stream.WriteByte((byte)(content[at] ^ (1 << bit)));
        return $"bit {bit} of byte {sector + at} of {Path.GetFileName(file)}";
    }
}
