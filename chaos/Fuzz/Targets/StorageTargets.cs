using System.Buffers.Binary;
using Conclave.Fuzz.Engine;
using Conclave.Raft;
using Conclave.Storage;

namespace Conclave.Fuzz.Targets;

/// <summary>The superblock of the log: one sector.</summary>
internal sealed class SuperblockTarget : FuzzTarget
{
    public override string Name => "log-superblock";

    public override IReadOnlyList<byte[]> Corpus() => [.. RaftSamples.Memberships.Select(membership => Sector(new SuperblockContent
    {
        Identity = new StorageIdentity(1, 2, Guid.Empty), Sequence = 5, ParentChecksum = 9, OldestSegment = 1, NewestSegment = 3, Base = RaftSamples.Last,
        HardState = new HardState(new Term(4), new NodeId(2)), LostEnd = RaftSamples.Last, Boot = 3, Bootstrap = membership,
    }))];

    public override byte[] Seal(byte[] input, ref FuzzRandom random)
    {
        Array.Resize(ref input, SuperblockContent.Bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(input.AsSpan(8), Crc32C.Of(input.AsSpan(12)));
        return input;
    }

    public override void Read(byte[] input)
    {
        if (input.Length < SuperblockContent.Bytes) return;   // a whole sector is read before it is looked at
        if (SuperblockContent.TryRead(input, out SuperblockContent? content, out string problem) != HeaderCheck.Good)
        {
            Holds(problem.Length > 0, "a refusal says why");
            return;
        }

        byte[] written = Sector(content!);   // not null: good
        Holds(SuperblockContent.TryRead(written, out SuperblockContent? again, out _) == HeaderCheck.Good, "what was read can be written and read");
        Holds(Sector(again!).AsSpan().SequenceEqual(written), "and is the same");
    }

    private static byte[] Sector(SuperblockContent content)
    {
        byte[] sector = new byte[SuperblockContent.Bytes];
        content.Write(sector);
        return sector;
    }
}

/// <summary>A data directory with damage all over it. The first byte chooses the directory, then come edits: file, kind, place (four bytes), count, and the bytes to write.</summary>
internal sealed class LogFilesTarget : FuzzTarget
{
    private const string Folder = "/data";

    private static readonly DurableLogOptions Options = new()
    {
        ClusterId = 0xC1,
        NodeId = 7,
        Incarnation = new Guid(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
        Bootstrap = Membership.Of(new NodeId(7), new NodeId(8), new NodeId(9)),
        SegmentBytes = 16 << 10,
        BatchAlignmentBytes = 512,
        BatchBytesMax = 8 << 10,
        ZeroFillBytes = 4 << 10,
        BootNonce = new Guid(9, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
    };

    private readonly SimulatedFileSystem[] _disks = [Disk(2, isClosed: true), Disk(2, isClosed: false), Disk(12, isClosed: false), Disk(12, isClosed: true, isCompacted: true)];

    public override string Name => "log-files";

    public override int BytesMax => 256;

    public override (long Fixed, long PerByte) MemoryMax => (16 << 20, 0);   // a directory of its own, opened three times; what it says of lengths is up to the mutation

    public override IReadOnlyList<byte[]> Corpus()
    {
        var inputs = new List<byte[]>();
        for (byte disk = 0; disk < _disks.Length; disk++)
        {
            inputs.Add([disk]);
            for (byte kind = 0; kind < 8; kind++)
                foreach (byte file in (byte[])[0, 1, 2, 3])
                    inputs.Add([disk, file, kind, 70, 16, 0, 0, 4, 1, 2, 3, 4, file, 7, 0, 0, 0, 0, 0]);
        }

        return inputs;
    }

    public override void Read(byte[] input)
    {
        if (input.Length == 0) return;
        SimulatedFileSystem disk = _disks[input[0] % _disks.Length].Copy(1);
        for (ReadOnlySpan<byte> rest = input.AsSpan(1); rest.Length >= 7;)
        {
            int count = Math.Min(rest[6], rest.Length - 7);
            Edit(disk, rest[0], rest[1], BinaryPrimitives.ReadUInt32LittleEndian(rest[2..]), rest.Slice(7, count));
            rest = rest[(7 + count)..];
        }

        foreach (bool repair in (bool[])[false, true])
        {
            SimulatedFileSystem copy = disk.Copy(2);
            try
            {
                Use(copy, Options with { AllowRepair = repair });
            }
            catch (StorageException refusal)
            {
                Holds(refusal.Remedy.Length > 0, "a refusal says what to do");
            }
        }
    }

    private static void Use(SimulatedFileSystem disk, DurableLogOptions options)
    {
        EntryId last;
        using (DurableLog log = DurableLog.Open(disk, Folder, options, out RecoveredLog recovered))
        {
            LogIndex index = recovered.Base.Index;
            foreach (Entry entry in recovered.Entries) Holds(entry.Index == (index = index.Next), "entries follow each other");
            Holds(recovered.Last == log.Last, "what was recovered is what the log says");
            last = Append(log, 100);
        }

        using DurableLog again = DurableLog.Open(disk, Folder, options, out RecoveredLog reopened);
        Holds(reopened.Last == last, "what was written after the damage is there");
    }

    private static EntryId Append(DurableLog log, int payloadBytes)
    {
        var entry = new Entry(log.Last.Index.Next, log.HardState.Term > log.Last.Term ? log.HardState.Term : log.Last.Term, EntryKind.Command, new byte[payloadBytes]);
        log.Persist([new PersistOp(new IoTicket(1), null, null, new[] { entry }, [])], []);
        return entry.Id;
    }

    private static void Edit(SimulatedFileSystem disk, byte file, byte kind, uint place, ReadOnlySpan<byte> bytes)
    {
        string[] names = [.. disk.List(Folder).Where(name => name != "LOCK").Order(StringComparer.Ordinal)];
        if (names.Length == 0) return;
        string path = $"{Folder}/{names[file % names.Length]}";
        byte[] content = disk.ReadAll(path);
        if (content.Length == 0) return;
        int at = (int)(place % (uint)content.Length);
        bytes = bytes[..Math.Min(bytes.Length, content.Length - at)];
        switch (kind % 8)
        {
            case 0: disk.Overwrite(path, at, bytes); break;
            case 1: disk.FlipBit(path, place % ((long)content.Length * 8)); break;
            case 2: disk.Truncate(path, at); break;
            case 3: disk.Remove(path); break;
            case 4: disk.Overwrite(path, at / 512 * 512, new byte[Math.Min(512, content.Length - at / 512 * 512)]); break;   // a sector is missing
            case 5:   // another place's bytes
                int from = at * 31 % content.Length / 512 * 512, to = at / 512 * 512;
                disk.Overwrite(path, to, content.AsSpan(from, Math.Min(512, content.Length - Math.Max(from, to))));
                break;
            case 6:   // the beginning of another file
                byte[] other = disk.ReadAll($"{Folder}/{names[at % names.Length]}");
                disk.Overwrite(path, 0, other.AsSpan(0, Math.Min(512, Math.Min(content.Length, other.Length))));
                break;
            default:   // changed, and the checksum of the header made right again
                int start = names[file % names.Length] == "superblock" ? at / 4096 * 4096 : 0;
                if (content.Length < start + 512) return;
                Span<byte> header = content.AsSpan(start, 512);
                bytes[..Math.Min(bytes.Length, 512 - at % 512)].CopyTo(header[(at % 512)..]);
                BinaryPrimitives.WriteUInt32LittleEndian(header[8..], Crc32C.Of(header[12..]));
                disk.Overwrite(path, start, header);
                break;
        }
    }

    private static SimulatedFileSystem Disk(int batches, bool isClosed, bool isCompacted = false)
    {
        var disk = new SimulatedFileSystem(5);
        DurableLog log = DurableLog.Open(disk, Folder, Options, out _);
        for (int i = 0; i < batches; i++)
        {
            var term = new Term((ulong)i / 4 + 1);
            LogIndex next = log.Last.Index.Next;
            Entry[] entries = [new(next, term, EntryKind.Command, new byte[i * 300]), new(next + 1, term, EntryKind.NoOp, default)];
            log.Persist([new PersistOp(new IoTicket((ulong)i + 1), new HardState(term, new NodeId(8)), i == 5 ? next : null, entries, [])], []);
        }

        if (isCompacted) log.CompactTo(new EntryId(new LogIndex(9), new Term(2)));
        if (isClosed) log.Dispose();
        else disk.KillProcess();
        return disk;
    }
}

/// <summary>A snapshot as a file and as it comes from another member: the manifest, then chunks.</summary>
internal sealed class SnapshotTarget : FuzzTarget
{
    private const string Folder = "/d";

    public override string Name => "snapshot";

    public override (long Fixed, long PerByte) MemoryMax => (16 << 20, 1024);   // a manifest may ask for chunks of 1 MiB, on both ways

    public override IReadOnlyList<byte[]> Corpus() => [Snapshot(0, 64), Snapshot(40, 64), Snapshot(200, 64), Snapshot(1000, 64 << 10), Snapshot(3, 1)];

    public override byte[] Seal(byte[] input, ref FuzzRandom random)
    {
        if (input.Length < SnapshotManifest.Bytes) return input;
        BinaryPrimitives.WriteUInt32LittleEndian(input.AsSpan(8), Crc32C.Of(input.AsSpan(12, SnapshotManifest.Bytes - 12)));
        if (!SnapshotManifest.TryDecode(input.AsSpan(0, SnapshotManifest.Bytes), out SnapshotManifest? manifest)) return input;
        int chunkBytes = SnapshotChunk.HeaderBytes + manifest.ChunkBytes, number = 0;
        ulong hash = 0;
        for (int at = SnapshotManifest.Bytes; input.Length - at > SnapshotChunk.HeaderBytes; at += chunkBytes)
        {
            Span<byte> chunk = input.AsSpan(at, Math.Min(chunkBytes, input.Length - at));
            SnapshotChunk.Seal(chunk, manifest.Id.Last, number++);
            hash = SnapshotChunk.Hash(hash, chunk[SnapshotChunk.HeaderBytes..]);
        }

        BinaryPrimitives.WriteUInt64LittleEndian(input.AsSpan(48), hash);
        if (!random.OneIn(3)) BinaryPrimitives.WriteInt64LittleEndian(input.AsSpan(40), Math.Max(0, input.Length - SnapshotManifest.Bytes - number * SnapshotChunk.HeaderBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(input.AsSpan(8), Crc32C.Of(input.AsSpan(12, SnapshotManifest.Bytes - 12)));
        return input;
    }

    public override void Read(byte[] input)
    {
        bool isManifest = SnapshotManifest.TryDecode(input.AsSpan(0, Math.Min(input.Length, SnapshotManifest.Bytes)), out SnapshotManifest? manifest);
        EntryId last = isManifest ? manifest!.Id.Last : RaftSamples.Last;   // not null: decoded
        var files = new SimulatedFileSystem(1);
        files.CreateDirectory(Folder);
        using (IStorageFile file = files.Create($"{Folder}/{SnapshotName.Of(last)}"))
        {
            file.Write(0, input);
            file.Sync();
        }

        byte[]? fromFile = null, received = null;
        try
        {
            var store = new SnapshotStore(files, Folder);
            Holds(store.List().Count == 1, "a damaged file is listed as well");
            fromFile = store.LoadNewest(EntryId.Zero, Content, []);
        }
        catch (StorageException refusal)
        {
            Holds(refusal.Remedy.Length > 0, "a refusal says what to do");
        }

        if (!isManifest) return;
        try
        {
            received = Receive(new SnapshotStore(new SimulatedFileSystem(2), Folder), manifest!, input.AsSpan(SnapshotManifest.Bytes));
        }
        catch (StorageException refusal)
        {
            Holds(refusal.Remedy.Length > 0, "a refusal says what to do");
        }

        Holds(fromFile is null == received is null && fromFile.AsSpan().SequenceEqual(received), "what is good as a file is good when it is received, and nothing else");
    }

    private static byte[]? Receive(SnapshotStore store, SnapshotManifest manifest, ReadOnlySpan<byte> body)
    {
        using SnapshotReceiver receiver = store.BeginReceive(manifest);
        for (int at = 0; at < body.Length;)
        {
            int count = Math.Min(1 + body.Length / 3, body.Length - at);
            if (receiver.Append(at, body.Slice(at, count)) != SnapshotReceipt.Accepted) return null;
            at += count;
        }

        if (!receiver.IsComplete) return null;
        using SnapshotFile file = receiver.Finish();
        return Content(file);
    }

    private static byte[] Content(SnapshotFile file)
    {
        using Stream content = file.OpenContent();
        var all = new MemoryStream();
        content.CopyTo(all, 4096);
        return all.ToArray();
    }

    private static byte[] Snapshot(int contentBytes, int chunkBytes)
    {
        byte[] content = new byte[contentBytes];
        for (int i = 0; i < contentBytes; i++) content[i] = (byte)(i * 7);
        var body = new List<byte>();
        int number = 0;
        foreach (byte[] piece in content.Chunk(chunkBytes))
        {
            byte[] chunk = [.. new byte[SnapshotChunk.HeaderBytes], .. piece];
            SnapshotChunk.Seal(chunk, RaftSamples.Last, number++);
            body.AddRange(chunk);
        }

        ulong hash = 0;
        foreach (byte[] piece in content.Chunk(chunkBytes)) hash = SnapshotChunk.Hash(hash, piece);
        var manifest = new SnapshotManifest { ClusterId = 1, Id = new SnapshotId(RaftSamples.Last, RaftSamples.Memberships[2]), ContentBytes = contentBytes, ContentHash = hash, ChunkBytes = chunkBytes };
        return [.. manifest.Encode(), .. body];
    }
}
