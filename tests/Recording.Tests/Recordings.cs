using System.Buffers;

namespace Conclave.Recording.Tests;

/// <summary>Reads and rewrites whole recordings.</summary>
internal static class Recordings
{
    public static List<ReplayedBatch> Run(RecordingReader reader)
    {
        using ReplayRun run = new(reader);
        List<ReplayedBatch> batches = [];
        while (run.Next() is { } batch) batches.Add(batch);
        return batches;
    }

    /// <summary>A saved core with another source of chance: its state is behind the id of the node, 32 bytes.</summary>
    public static byte[] WithSeed(byte[] core, byte seed)
    {
        byte[] changed = [.. core];
        Assert.Equal((byte)0, changed[1]);   // no payloads
        int state = 2;
        while (changed[state] >= 0x80) state++;   // the length of the state, then the id, which is a small number here
        foreach (ref byte word in changed.AsSpan(state + 2, 32)) word ^= seed;
        return changed;
    }

    /// <summary>A copy with right checksums and another content.</summary>
    public static void Rewrite(Stream file, Stream target, Func<byte[], byte[]> change, Func<RecordedStep, bool>? drop = null)
    {
        using RecordingReader reader = RecordingReader.Open(file, "original");
        BodyWriter body = new();
        target.Write(RecordingFormat.Magic);
        StartCodec.Write(body, reader.Start);
        Block(BlockKind.Start);
        body.Buffer.Write(change(reader.Core.ToArray()));
        Block(BlockKind.Core);
        bool dropped = drop is null;
        while (reader.Read() is { } step)
        {
            if (!dropped && (dropped = drop!(step))) continue;   // not null: nothing is dropped otherwise
            OutputDigest digest = step.Digest!.Value;   // no core failed here
            foreach (uint part in (uint[])[digest.Messages, digest.Writes, digest.Committed, digest.Answers, digest.State]) body.Fixed32(part);
            InputCodec.Write(body, [.. step.Inputs]);
            Block(BlockKind.Batch);
        }

        Assert.True(dropped);
        target.Position = 0;

        void Block(BlockKind kind)
        {
            RecordingFormat.WriteBlock(target, kind, body.Body);
            body.Clear();
        }
    }
}
