using System.Globalization;
using Conclave.Raft;
using Conclave.Storage;

namespace Conclave.Node.Peers;

/// <summary>The file "peers" in the data directory, and its copy beside it: one line per member.</summary>
/// <remarks>
/// <code>
///  conclave-peers 3
///  1f3a99c0d2e4b587 0b5e2c1e-6a58-4c0e-9d3f-5f1f0c6a7b21 12 c7f9...-... kept starts   member id, incarnation, boot, its nonce; kept, reverted or vouched; starts if it shows them
///  2b4477d0e3f5c698 removed                                                               a member that is gone for ever; after the others
///  crc32c 8a91b0c3                                                                        over everything above this line
/// </code>
/// Version 1 had the id and the incarnation only, version 2 no word after the fifth; both are read.
/// </remarks>
internal static class IncarnationFile
{
    private static readonly TwinFile File = new("peers", ["conclave-peers 3", "conclave-peers 2", "conclave-peers 1"],
        "It says which data directories the other members came with. If none of them has lost its directory, delete the files peers and peers.copy and start the node again: "
        + "it then learns them anew.");

    /// <summary>Empty when there is no such file yet.</summary>
    /// <exception cref="StorageException">The file and its copy are damaged.</exception>
    /// <exception cref="FileSystemException">They cannot be read.</exception>
    public static KnownMembers Read(IFileSystem files, string directory) => File.Read(files, directory, (lines, format) => Parse(lines, format, directory)) ?? KnownMembers.None;

    /// <summary>Durable when it returns.</summary>
    /// <exception cref="FileSystemException">What is read next is what was there before, or this.</exception>
    public static void Write(IFileSystem files, string directory, KnownMembers known) => File.Write(files, directory, Lines(known));

    /// <inheritdoc cref="TwinFile.Mend"/>
    public static string Mend(IFileSystem files, string directory, KnownMembers known) => File.Mend(files, directory, Lines(known));

    private static IEnumerable<string> Lines(KnownMembers known)
    {
        foreach ((NodeId member, RememberedMember m) in known.Members)
        {
            string words = m.LogReverted ? "reverted" : m.Vouched ? "vouched" : "kept";
            if (m.KeepsStarts) words += " starts";
            yield return string.Create(CultureInfo.InvariantCulture, $"{member.Value:x16} {m.Incarnation:D} {m.Boot} {m.BootNonce:D} {words}");
        }

        foreach (NodeId member in known.Removed) yield return string.Create(CultureInfo.InvariantCulture, $"{member.Value:x16} removed");
    }

    private static KnownMembers Parse(string[] lines, int format, string directory)
    {
        KnownMembers known = KnownMembers.None;
        foreach (string line in lines)
        {
            string[] words = line.Split(' ');
            if (!ulong.TryParse(words[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong id)) throw Strange(directory, line);
            var member = new NodeId(id);
            if (words is [_, "removed"])
                known = known with { Removed = known.Removed.Add(member) };
            else if (TryParseMember(words, isFirstFormat: format == 2, out RememberedMember remembered) && !known.Members.ContainsKey(member))
                known = known with { Members = known.Members.Add(member, remembered) };
            else
                throw Strange(directory, line);
        }

        return known;
    }

    private static bool TryParseMember(string[] words, bool isFirstFormat, out RememberedMember member)
    {
        member = default;
        if (words.Length < 2 || !Guid.TryParseExact(words[1], "D", out Guid incarnation)) return false;
        member = new RememberedMember(incarnation, 0, Guid.Empty, LogReverted: false);
        if (isFirstFormat) return words.Length == 2;
        if (words is not ([_, _, _, _, "kept" or "reverted" or "vouched"] or [_, _, _, _, "kept" or "reverted" or "vouched", "starts"])
            || !ulong.TryParse(words[2], NumberStyles.None, CultureInfo.InvariantCulture, out ulong boot)
            || !Guid.TryParseExact(words[3], "D", out Guid nonce))
            return false;
        member = new RememberedMember(incarnation, boot, nonce, words[4] == "reverted", words[4] == "vouched", KeepsStarts: words.Length == 6);
        return true;
    }

    private static StorageException Strange(string directory, string line) => File.Strange(directory, line, "a member and what is remembered of it");
}
