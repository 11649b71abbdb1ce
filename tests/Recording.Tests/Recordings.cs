using Conclave.Raft;

namespace Conclave.Recording.Tests;

/// <summary>Reads and rewrites whole recordings.</summary>
internal static class Recordings
{
    public static List<ReplayedBatch> Run(RecordingReader reader)
    {
        ReplayRun run = new(reader);
        List<ReplayedBatch> batches = [];
        while (run.Next() is { } batch) batches.Add(batch);
        return batches;
    }

    /// <summary>A copy with right checksums and another content.</summary>
    public static void Rewrite(Stream file, Stream target, Func<RecordingStart, RecordingStart> change, Func<RecordedStep, bool>? drop = null)
    {
        using RecordingReader reader = RecordingReader.Open(file, "original");
        BodyWriter body = new();
        target.Write(RecordingFormat.Magic);
        StartCodec.Write(body, change(reader.Start));
        Block(BlockKind.Start);
        foreach (Entry entry in reader.Start.Recovered.Entries)
        {
            body.Entry(entry);
            Block(BlockKind.Entries);
        }

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
