using System.Buffers.Binary;
using Conclave.Fuzz.Engine;
using Conclave.Raft;
using Conclave.Recording;

namespace Conclave.Fuzz.Targets;

/// <summary>Recordings of a core's inputs, as somebody sends them for replay.</summary>
internal sealed class RecordingTarget : FuzzTarget
{
    public override string Name => "recording";

    public override (long Fixed, long PerByte) MemoryMax => (256 << 10, 2048);

    public override IReadOnlyList<byte[]> Corpus()
    {
        var body = new BodyWriter();
        var start = new RecordingStart(1_700_000_000_000, "0.1.0", new RaftOptions { Self = new NodeId(1), Seed = 7 }, new RecoveredState
        {
            HardState = new HardState(new Term(4), new NodeId(2)),
            Snapshot = new SnapshotId(RaftSamples.Last, RaftSamples.Memberships[2]),
            Bootstrap = RaftSamples.Memberships[1],
            Base = RaftSamples.Last,
            Entries = RaftSamples.Entries,
        });
        StartCodec.Write(body, start);
        byte[] first = body.Body.ToArray();
        body.Clear();
        foreach (Entry entry in RaftSamples.Entries) body.Entry(entry);
        byte[] entries = body.Body.ToArray();
        body.Clear();
        for (uint part = 0; part < 5; part++) body.Fixed32(part);
        InputCodec.Write(body,
        [
            RaftInput.Tick(), RaftInput.Tick(), .. RaftSamples.Messages.Select(RaftInput.Received), RaftInput.Propose(new Proposal[] { new(3, new byte[] { 1, 2 }) }), RaftInput.Read(4), RaftInput.Persisted(new IoTicket(5)),
            RaftInput.Applied(new LogIndex(9)), RaftInput.SnapshotTaken(start.Recovered.Snapshot!), RaftInput.SnapshotReceived(new NodeId(2), new Term(4), start.Recovered.Snapshot!), RaftInput.SnapshotSendFinished(new NodeId(2), true),
            RaftInput.LinkUp(new NodeId(2)), .. RaftSamples.Changes.Select((change, i) => RaftInput.ChangeMembership((ulong)i, change)), RaftInput.Transfer(new NodeId(3)),
        ]);
        byte[] batch = body.Body.ToArray();
        body.Clear();
        body.Byte(1);
        body.Text("");
        byte[] end = body.Body.ToArray();
        return [File((BlockKind.Start, first), (BlockKind.Entries, entries), (BlockKind.Batch, batch), (BlockKind.End, end)), File((BlockKind.Start, first), (BlockKind.Entries, entries), (BlockKind.Unfinished, batch[20..]), (BlockKind.End, end))];
    }

    public override IReadOnlyList<byte[]> Words => Texts("Self", "ElectionTicks", "HeartbeatTicks", "PreVote", "1", "-1", "x", "99999999999999999999");

    /// <summary>Checksums of all blocks whose lengths still hold.</summary>
    public override byte[] Seal(byte[] input, ref FuzzRandom random)
    {
        for (int at = RecordingFormat.Magic.Length; input.Length - at >= RecordingFormat.BlockHeaderBytes;)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(input.AsSpan(at)), left = input.Length - at - RecordingFormat.BlockHeaderBytes;
            if (length < 0 || length > left)
            {
                if (random.OneIn(2)) break;
                length = left;
                BinaryPrimitives.WriteInt32LittleEndian(input.AsSpan(at), length);
            }

            BinaryPrimitives.WriteUInt32LittleEndian(input.AsSpan(at + 4), RecordingFormat.Checksum(input[at + 8], input.AsSpan(at + RecordingFormat.BlockHeaderBytes, length)));
            at += RecordingFormat.BlockHeaderBytes + length;
        }

        return input;
    }

    public override void Read(byte[] input)
    {
        try
        {
            using RecordingReader reader = RecordingReader.Open(new MemoryStream(input), "it");
            while (reader.Read() is { } step) Holds(step.Inputs.Count >= 0, "inputs are counted");
        }
        catch (RecordingException)
        {
            // Not to be read, as it says.
        }
    }

    private static byte[] File(params (BlockKind Kind, byte[] Body)[] blocks)
    {
        var file = new MemoryStream();
        file.Write(RecordingFormat.Magic);
        foreach ((BlockKind kind, byte[] body) in blocks) RecordingFormat.WriteBlock(file, kind, body);
        return file.ToArray();
    }
}
