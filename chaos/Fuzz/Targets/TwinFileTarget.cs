using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Conclave.Fuzz.Engine;
using Conclave.Node.Peers;
using Conclave.Raft;
using Conclave.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Conclave.Fuzz.Targets;

/// <summary>The small files of which there are two copies: who was met, and which starts there were. The first byte chooses, and whether the copy is good.</summary>
internal sealed class TwinFileTarget : FuzzTarget
{
    private const string Folder = "/d";
    private static readonly Guid Incarnation = new(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);

    private static readonly KnownMembers Known = new(
        ImmutableSortedDictionary<NodeId, RememberedMember>.Empty.Add(new NodeId(1), new RememberedMember(Incarnation, 4, Incarnation, false, KeepsStarts: true)).Add(new NodeId(2), RememberedMember.Forgotten), [new NodeId(9)]);

    private static readonly MemberStart Present = new(3, Guid.Empty);

    public override string Name => "twin-file";

    public override (long Fixed, long PerByte) MemoryMax => (1 << 20, 1024);   // a file system of its own

    public override IReadOnlyList<byte[]> Corpus()
    {
        var files = new SimulatedFileSystem(1);
        files.CreateDirectory(Folder);
        IncarnationFile.Write(files, Folder, Known);
        OwnStarts starts = OwnStarts.Open(files, Folder, Incarnation, new MemberStart(1, Incarnation), NullLogger.Instance);
        starts.Confirm(new NodeId(2));
        byte[] peers = files.ReadAll("/d/peers"), own = files.ReadAll("/d/starts");
        own = Encoding.ASCII.GetBytes(Regex(Encoding.ASCII.GetString(own)));   // without the empty lines that fill the file up
        return [[0, .. peers], [1, .. own], [2, .. peers], [3, .. own]];

        static string Regex(string text) => string.Join('\n', text.Split('\n', StringSplitOptions.RemoveEmptyEntries)) + "\n";
    }

    public override IReadOnlyList<byte[]> Words => Texts("conclave-peers 1\n", "conclave-peers 2\n", "kept", "vouched", " starts", "removed\n", "crc32c ", "start 1 ", "confirmed ", "\n", " ", "ffffffffffffffff", "00000000-0000-0000-0000-000000000000", "18446744073709551615");

    public override byte[] Seal(byte[] input, ref FuzzRandom random)
    {
        int line = input.AsSpan().LastIndexOf("crc32c "u8);
        if (line < 1) line = input.Length;
        if (line == 0) return input;
        // The check is of the text, in which bytes that are no UTF-8 have become others.
        uint check = PeerFrame.Crc(Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(input.AsSpan(1, line - 1))));
        return [.. input.AsSpan(0, line), .. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"crc32c {check:x8}\n"))];
    }

    public override void Read(byte[] input)
    {
        if (input.Length == 0) return;
        bool isStarts = (input[0] & 1) != 0;
        string name = isStarts ? "starts" : "peers";
        var files = new SimulatedFileSystem(1);
        files.CreateDirectory(Folder);
        if ((input[0] & 2) != 0)
        {
            if (isStarts) OwnStarts.Open(files, Folder, Incarnation, Present, NullLogger.Instance);
            else IncarnationFile.Write(files, Folder, Known);
            files.Remove($"{Folder}/{name}");
        }

        using (IStorageFile file = files.Create($"{Folder}/{name}"))
        {
            file.Write(0, input.AsSpan(1));
            file.Sync();
        }

        try
        {
            if (isStarts) Starts(files);
            else Peers(files);
        }
        catch (StorageException refusal)
        {
            Holds(refusal.Remedy.Length > 0, "a refusal says what to do");
            Holds((input[0] & 2) == 0, "there was a good copy");
        }
    }

    private static void Peers(SimulatedFileSystem files)
    {
        KnownMembers known = IncarnationFile.Read(files, Folder);
        IncarnationFile.Write(files, Folder, known);
        KnownMembers again = IncarnationFile.Read(files, Folder);
        Holds(again.Members.SequenceEqual(known.Members) && again.Removed.SequenceEqual(known.Removed), "what was read is written and read as the same");
    }

    private static void Starts(SimulatedFileSystem files)
    {
        OwnStarts starts = OwnStarts.Open(files, Folder, Incarnation, Present, NullLogger.Instance);
        starts.Confirm(new NodeId(5));
        Holds(OwnStarts.Open(files, Folder, Incarnation, new MemberStart(4, Guid.Empty), NullLogger.Instance).ShownTo(new NodeId(5)).Contains(Present), "a start that was written is shown");
    }
}
