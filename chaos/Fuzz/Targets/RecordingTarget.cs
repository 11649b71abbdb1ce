using System.Buffers.Binary;
using Conclave.Fuzz.Engine;
using Conclave.Raft;
using Conclave.Recording;

namespace Conclave.Fuzz.Targets;

/// <summary>Recordings of a core's inputs, as somebody sends them for replay.</summary>
internal sealed class RecordingTarget : FuzzTarget
{
    public override string Name => "recording";

    public override (long Fixed, long PerByte) MemoryMax => (4 << 20, 80 << 10);   // a block of 35 bytes may say that the clock ticked 16,384 times; it is given back before the next is read

    public override IReadOnlyList<byte[]> Corpus()
    {
        var body = new BodyWriter();
        var run = new RecordingStart(1_700_000_000_000, "0.1.0", new RaftOptions { Self = new NodeId(1), Seed = 7 });
        var snapshot = new SnapshotId(RaftSamples.Last, RaftSamples.Memberships[2]);
        StartCodec.Write(body, new PartStart(run, 1_700_000_001_000, 3, 400, 5_000));
        byte[] first = body.Body.ToArray();
        body.Clear();
        new RaftCore(run.Options, new RecoveredState { HardState = new HardState(new Term(4), new NodeId(2)), Snapshot = snapshot, Bootstrap = RaftSamples.Memberships[1], Base = RaftSamples.Last, Entries = RaftSamples.Entries }).Save().Write(body.Buffer, payloads: false);
        byte[] core = body.Body.ToArray();
        body.Clear();
        for (uint part = 0; part < 5; part++) body.Fixed32(part);
        InputCodec.Write(body,
        [
            RaftInput.Tick(), RaftInput.Tick(), .. RaftSamples.Messages.Select(RaftInput.Received), RaftInput.Propose(new Proposal[] { new(3, new byte[] { 1, 2 }) }), RaftInput.Read(4), RaftInput.Persisted(new IoTicket(5)),
            RaftInput.Applied(new LogIndex(9)), RaftInput.SnapshotTaken(snapshot), RaftInput.SnapshotReceived(new NodeId(2), new Term(4), snapshot), RaftInput.SnapshotSendFinished(new NodeId(2), true),
            RaftInput.LinkUp(new NodeId(2)), .. RaftSamples.Changes.Select((change, i) => RaftInput.ChangeMembership((ulong)i, change)), RaftInput.Transfer(new NodeId(3)),
        ]);
        byte[] batch = body.Body.ToArray();
        body.Clear();
        body.Byte(1);
        body.Text("");
        byte[] end = body.Body.ToArray();
        return [File((BlockKind.Start, first), (BlockKind.Core, core), (BlockKind.Batch, batch), (BlockKind.End, end)), File((BlockKind.Start, first), (BlockKind.Core, core), (BlockKind.Unfinished, batch[20..]), (BlockKind.End, end))];
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
            if (IsSound(reader.Start.Run.Options)) _ = RaftCore.TryLoad(reader.Start.Run.Options, reader.Core, out _);
            while (reader.Read() is { } step) Holds(step.Inputs.Count >= 0, "inputs are counted");
        }
        catch (RecordingException)
        {
            // Not to be read, as it says.
        }
    }

    private static bool IsSound(RaftOptions options) => !options.Problems().Any();

    private static byte[] File(params (BlockKind Kind, byte[] Body)[] blocks)
    {
        var file = new MemoryStream();
        file.Write(RecordingFormat.Magic);
        foreach ((BlockKind kind, byte[] body) in blocks) RecordingFormat.WriteBlock(file, kind, body);
        return file.ToArray();
    }
}
