using System.Globalization;
using System.Text;
using Conclave.Raft;
using Conclave.Storage;

namespace Conclave.Node.Peers;

/// <summary>The file "peers" in the data directory, and its copy beside it: one line per member, for people to read and for the node alone to write.</summary>
/// <remarks>
/// <code>
///  conclave-peers 2
///  1f3a99c0d2e4b587 0b5e2c1e-6a58-4c0e-9d3f-5f1f0c6a7b21 12 c7f9...-... kept   member id, incarnation, boot, its nonce; kept, reverted or vouched
///  2b4477d0e3f5c698 removed                                                        a member that is gone for ever; after the others
///  crc32c 8a91b0c3                                                                 over everything above this line
/// </code>
/// Both are overwritten in place, first the copy and then the file, each synced before the next step. So one of the two is whole at any moment, and a write needs no
/// room on the disk once they exist: members have to meet again after a power cut also when all disks are full.
/// Version 1 had the id and the incarnation only, and is read.
/// </remarks>
internal static class IncarnationFile
{
    public const string Name = "peers";

    internal const string CopyName = "peers.copy";

    private const string Heading = "conclave-peers 2", HeadingBefore = "conclave-peers 1";
    private const int BytesMax = 64 << 10;   // a line has under 120; checked before the length is trusted

    /// <summary>Empty when there is no such file yet.</summary>
    /// <exception cref="StorageException">The file and its copy are damaged.</exception>
    /// <exception cref="FileSystemException">They cannot be read.</exception>
    public static KnownMembers Read(IFileSystem files, string directory)
    {
        IReadOnlyList<string> names = files.List(directory);
        KnownMembers? copy = names.Contains(CopyName) ? TryRead(files, directory, CopyName, out _) : null;
        // Without the file, the very first write ended early: nobody was let in on what the copy holds or was to hold.
        if (!names.Contains(Name)) return copy ?? KnownMembers.None;
        return TryRead(files, directory, Name, out StorageException? damage) ?? copy ?? throw damage!;   // null comes with a damage
    }

    /// <summary>Durable when it returns.</summary>
    /// <exception cref="FileSystemException">What is read next is what was there before, or this.</exception>
    public static void Write(IFileSystem files, string directory, KnownMembers known)
    {
        byte[] text = Format(known);
        Overwrite(files, directory, CopyName, text);
        Overwrite(files, directory, Name, text);
    }

    /// <summary>Makes both equal again after a crash or a damage: the next write must find the file whole before it touches the copy.</summary>
    /// <exception cref="FileSystemException">The file could not be written.</exception>
    /// <returns>Why there is no copy; empty when there is one.</returns>
    public static string Mend(IFileSystem files, string directory, KnownMembers known)
    {
        byte[] text = Format(known);
        if (!Holds(files, directory, Name, text)) Overwrite(files, directory, Name, text);
        try
        {
            if (!Holds(files, directory, CopyName, text)) Overwrite(files, directory, CopyName, text);
            return "";
        }
        catch (FileSystemException failure)
        {
            return failure.Message;
        }
    }

    private static byte[] Format(KnownMembers known)
    {
        var text = new StringBuilder(Heading).Append('\n');
        foreach ((NodeId member, RememberedMember m) in known.Members)
            text.Append(CultureInfo.InvariantCulture, $"{member.Value:x16} {m.Incarnation:D} {m.Boot} {m.BootNonce:D} {(m.LogReverted ? "reverted" : m.Vouched ? "vouched" : "kept")}\n");
        foreach (NodeId member in known.Removed) text.Append(CultureInfo.InvariantCulture, $"{member.Value:x16} removed\n");
        text.Append(CheckLine(text.ToString()));
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static void Overwrite(IFileSystem files, string directory, string name, byte[] text)
    {
        string path = Path.Combine(directory, name);
        bool isNew = !files.List(directory).Contains(name);
        using (IStorageFile file = isNew ? files.Create(path) : files.Open(path))
        {
            file.Write(0, text);
            if (file.Length > text.Length) file.SetLength(text.Length);
            file.Sync();
        }

        if (isNew) files.SyncDirectory(directory);
    }

    private static KnownMembers? TryRead(IFileSystem files, string directory, string name, out StorageException? damage)
    {
        damage = null;
        try
        {
            return Parse(Encoding.UTF8.GetString(Bytes(files, directory, name)), Path.Combine(directory, name));
        }
        catch (StorageException found)
        {
            damage = found;
            return null;
        }
    }

    private static bool Holds(IFileSystem files, string directory, string name, byte[] text)
    {
        if (!files.List(directory).Contains(name)) return false;
        using IStorageFile file = files.Open(Path.Combine(directory, name));
        byte[] bytes = new byte[text.Length];
        return file.Length == bytes.Length && file.Read(0, bytes) == bytes.Length && bytes.AsSpan().SequenceEqual(text);
    }

    private static byte[] Bytes(IFileSystem files, string directory, string name)
    {
        string path = Path.Combine(directory, name);
        using IStorageFile file = files.Open(path);
        if (file.Length > BytesMax) throw Damaged(path, $"It has {file.Length} bytes, which is too many.");
        byte[] bytes = new byte[file.Length];
        if (file.Read(0, bytes) != bytes.Length) throw Damaged(path, "It could not be read to its end.");
        return bytes;
    }

    private static KnownMembers Parse(string text, string path)
    {
        int check = text.LastIndexOf("crc32c ", StringComparison.Ordinal);
        string heading = text.StartsWith(HeadingBefore + "\n", StringComparison.Ordinal) ? HeadingBefore : Heading;
        if (!text.StartsWith(heading + "\n", StringComparison.Ordinal) || check < 0) throw Damaged(path, $"It does not begin with '{Heading}' and end with a checksum.");
        if (text[check..] != CheckLine(text[..check])) throw Damaged(path, "Its checksum is wrong.");

        KnownMembers known = KnownMembers.None;
        foreach (string line in text[(heading.Length + 1)..check].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] words = line.Split(' ');
            if (!ulong.TryParse(words[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong id)) throw Strange(path, line);
            var member = new NodeId(id);
            if (words is [_, "removed"])
                known = known with { Removed = known.Removed.Add(member) };
            else if (TryParseMember(words, isFirstFormat: heading == HeadingBefore, out RememberedMember remembered) && !known.Members.ContainsKey(member))
                known = known with { Members = known.Members.Add(member, remembered) };
            else
                throw Strange(path, line);
        }

        return known;
    }

    private static bool TryParseMember(string[] words, bool isFirstFormat, out RememberedMember member)
    {
        member = default;
        if (words.Length < 2 || !Guid.TryParseExact(words[1], "D", out Guid incarnation)) return false;
        member = new RememberedMember(incarnation, 0, Guid.Empty, LogReverted: false);
        if (isFirstFormat) return words.Length == 2;
        if (words.Length != 5 || words[4] is not ("kept" or "reverted" or "vouched")
            || !ulong.TryParse(words[2], NumberStyles.None, CultureInfo.InvariantCulture, out ulong boot)
            || !Guid.TryParseExact(words[3], "D", out Guid nonce))
            return false;
        member = new RememberedMember(incarnation, boot, nonce, words[4] == "reverted", words[4] == "vouched");
        return true;
    }

    private static string CheckLine(string above) =>
        string.Create(CultureInfo.InvariantCulture, $"crc32c {PeerFrame.Crc(Encoding.UTF8.GetBytes(above)):x8}\n");

    private static StorageException Strange(string path, string line) => Damaged(path, $"The line '{line}' is not a member and what is remembered of it.");

    private static StorageException Damaged(string path, string problem) => new(StorageErrorKind.Corrupt, path, null, problem,
        "It says which data directories the other members came with. If none of them has lost its directory, delete the files peers and peers.copy and start the node again: "
        + "it then learns them anew.");
}
