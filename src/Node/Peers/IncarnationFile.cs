using System.Globalization;
using System.Text;
using Conclave.Node.Options;
using Conclave.Storage;

namespace Conclave.Node.Peers;

/// <summary>The file "peers" in the data directory: one line per member, for people to read and for the node alone to write.</summary>
/// <remarks>
/// <code>
///  conclave-peers 1
///  1f3a99c0d2e4b587 0b5e2c1e-6a58-4c0e-9d3f-5f1f0c6a7b21      member id, incarnation; in the order of ids
///  crc32c 8a91b0c3                                            over everything above this line
/// </code>
/// Replaced as a whole: a new file is written and synced beside it and takes its name, so a crash leaves the old one or the new one.
/// </remarks>
internal static class IncarnationFile
{
    public const string Name = "peers";

    private const string TemporaryName = "peers.tmp", Heading = "conclave-peers 1";
    private const int BytesMax = 64 << 10;   // a line has 54; checked before the length is trusted

    /// <summary>Empty when there is no such file yet.</summary>
    /// <exception cref="StorageException">The file is damaged.</exception>
    /// <exception cref="FileSystemException">It cannot be read.</exception>
    public static SortedDictionary<ulong, Guid> Read(IFileSystem files, string directory, ClusterIdentity cluster)
    {
        if (!files.List(directory).Contains(Name)) return [];
        string path = Path.Combine(directory, Name);
        using IStorageFile file = files.Open(path);
        if (file.Length > BytesMax) throw Damaged(path, $"It has {file.Length} bytes, which is too many.");
        byte[] bytes = new byte[file.Length];
        if (file.Read(0, bytes) != bytes.Length) throw Damaged(path, "It could not be read to its end.");
        return Parse(Encoding.UTF8.GetString(bytes), path, cluster);
    }

    /// <summary>Durable when it returns.</summary>
    /// <exception cref="FileSystemException">The file may be the old one or the new one.</exception>
    public static void Write(IFileSystem files, string directory, SortedDictionary<ulong, Guid> incarnations)
    {
        var text = new StringBuilder(Heading).Append('\n');
        foreach ((ulong member, Guid incarnation) in incarnations)
            text.Append(CultureInfo.InvariantCulture, $"{member:x16} {incarnation:D}\n");
        text.Append(CheckLine(text.ToString()));

        string temporary = Path.Combine(directory, TemporaryName);
        if (files.List(directory).Contains(TemporaryName)) files.Delete(temporary);   // of a try that failed
        using (IStorageFile file = files.Create(temporary))
        {
            file.Write(0, Encoding.UTF8.GetBytes(text.ToString()));
            file.Sync();
        }

        files.Rename(temporary, Path.Combine(directory, Name));
        files.SyncDirectory(directory);
    }

    private static SortedDictionary<ulong, Guid> Parse(string text, string path, ClusterIdentity cluster)
    {
        int check = text.LastIndexOf("crc32c ", StringComparison.Ordinal);
        if (!text.StartsWith(Heading + "\n", StringComparison.Ordinal) || check < 0) throw Damaged(path, $"It does not begin with '{Heading}' and end with a checksum.");
        if (text[check..] != CheckLine(text[..check])) throw Damaged(path, "Its checksum is wrong.");

        var incarnations = new SortedDictionary<ulong, Guid>();
        foreach (string line in text[(Heading.Length + 1)..check].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] words = line.Split(' ');
            if (words.Length != 2 || !ulong.TryParse(words[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong member)
                || !Guid.TryParseExact(words[1], "D", out Guid incarnation) || !incarnations.TryAdd(member, incarnation))
                throw Damaged(path, $"The line '{line}' is not a member and its incarnation.");
            if (!cluster.Members.Any(m => m.Id.Value == member)) throw Damaged(path, $"It names {member:x16}, which is not a member of this cluster.");
        }

        return incarnations;
    }

    private static string CheckLine(string above) =>
        string.Create(CultureInfo.InvariantCulture, $"crc32c {PeerFrame.Crc(Encoding.UTF8.GetBytes(above)):x8}\n");

    private static StorageException Damaged(string path, string problem) => new(StorageErrorKind.Corrupt, path, null, problem,
        "It says which data directories the other members came with. If none of them has lost its directory, delete this one file and start the node again: "
        + "it then learns them anew.");
}
