using System.Globalization;
using System.Text;
using Conclave.Raft;
using Conclave.Storage;

namespace Conclave.Node.Peers;

/// <summary>The file "peers" in the data directory: one line per member, for people to read and for the node alone to write.</summary>
/// <remarks>
/// <code>
///  conclave-peers 2
///  1f3a99c0d2e4b587 0b5e2c1e-6a58-4c0e-9d3f-5f1f0c6a7b21 12 c7f9...-... kept   member id, incarnation, boot, its nonce; kept, reverted or vouched
///  2b4477d0e3f5c698 removed                                                        a member that is gone for ever; after the others
///  crc32c 8a91b0c3                                                                 over everything above this line
/// </code>
/// Replaced as a whole: a new file is written and synced beside it and takes its name, so a crash leaves the old one or the new one.
/// Version 1 had the id and the incarnation only, and is read.
/// </remarks>
internal static class IncarnationFile
{
    public const string Name = "peers";

    private const string TemporaryName = "peers.tmp", Heading = "conclave-peers 2", HeadingBefore = "conclave-peers 1";
    private const int BytesMax = 64 << 10;   // a line has under 120; checked before the length is trusted

    /// <summary>Empty when there is no such file yet.</summary>
    /// <exception cref="StorageException">The file is damaged.</exception>
    /// <exception cref="FileSystemException">It cannot be read.</exception>
    public static KnownMembers Read(IFileSystem files, string directory)
    {
        if (!files.List(directory).Contains(Name)) return KnownMembers.None;
        string path = Path.Combine(directory, Name);
        using IStorageFile file = files.Open(path);
        if (file.Length > BytesMax) throw Damaged(path, $"It has {file.Length} bytes, which is too many.");
        byte[] bytes = new byte[file.Length];
        if (file.Read(0, bytes) != bytes.Length) throw Damaged(path, "It could not be read to its end.");
        return Parse(Encoding.UTF8.GetString(bytes), path);
    }

    /// <summary>Durable when it returns.</summary>
    /// <exception cref="FileSystemException">The file may be the old one or the new one.</exception>
    public static void Write(IFileSystem files, string directory, KnownMembers known)
    {
        var text = new StringBuilder(Heading).Append('\n');
        foreach ((NodeId member, RememberedMember m) in known.Members)
            text.Append(CultureInfo.InvariantCulture, $"{member.Value:x16} {m.Incarnation:D} {m.Boot} {m.BootNonce:D} {(m.LogReverted ? "reverted" : m.Vouched ? "vouched" : "kept")}\n");
        foreach (NodeId member in known.Removed) text.Append(CultureInfo.InvariantCulture, $"{member.Value:x16} removed\n");
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
        "It says which data directories the other members came with. If none of them has lost its directory, delete this one file and start the node again: "
        + "it then learns them anew.");
}
