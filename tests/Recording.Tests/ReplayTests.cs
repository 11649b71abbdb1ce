using Conclave.Raft;
using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Recording.Tests;

public class ReplayTests(ITestOutputHelper output)
{
    [Fact]
    public void Whatever_happened_to_a_cluster_every_recording_replays_to_the_same_outputs() =>
        Properties.Holds(Prop.ForAll((int seed) =>
        {
            using RecordedCluster cluster = new(seed);
            cluster.Run(steps: 300);
            (RaftRole Role, EntryId Last, LogIndex Commit)[] ends = [.. cluster.Nodes.Select(node => (node.Core.Role, node.Core.LastEntry, node.Core.Commit))];
            cluster.Stop();
            foreach (string recording in cluster.Recordings) Replay(recording);
            // The last recording of each node ends where the node did.
            Assert.Equal(ends, cluster.Nodes.Select(node => Replay(node.Recordings[^1])).Select(core => (core.Role, core.LastEntry, core.Commit)));
            Assert.Contains(cluster.Nodes, node => node.Core.Commit > new LogIndex(5));   // or nothing was recorded worth it
        }), output, tests: 25);

    [Fact]
    public void In_however_many_parts_a_recording_is_it_replays_from_each_of_them() =>
        Properties.Holds(Prop.ForAll((int seed) =>
        {
            using RecordedCluster cluster = new(seed, partBytes: 1);
            cluster.Run(steps: 150);
            (EntryId Last, LogIndex Commit)[] ends = [.. cluster.Nodes.Select(node => (node.Core.LastEntry, node.Core.Commit))];
            cluster.Stop();
            foreach (RecordedNode node in cluster.Nodes)
            {
                IReadOnlyList<string> parts = RecordingDirectory.Newest(Path.GetDirectoryName(node.Recordings[^1])!);   // files are in directories
                Assert.Equal(node.Recordings[^1], parts[0]);
                foreach (string part in (string[])[parts[0], parts[parts.Count / 3], parts[^1]])
                {
                    RaftCore core = Replay(part);
                    Assert.Equal(ends[Array.IndexOf(cluster.Nodes, node)], (core.LastEntry, core.Commit));
                }
            }

            foreach (string recording in cluster.Recordings) Replay(recording);
            Assert.Contains(cluster.Nodes, node => RecordingDirectory.Newest(Path.GetDirectoryName(node.Recordings[^1])!).Count > 5);   // as above
        }), output, tests: 6);

    [Fact]
    public void A_part_that_begins_with_another_core_is_noticed()
    {
        using RecordedCluster cluster = new(4, partBytes: 1);
        cluster.Run(steps: 100);
        cluster.Stop();
        string first = cluster.Nodes[0].Recordings[^1];
        string second = RecordingDirectory.Next(first)!;   // there are some
        using MemoryStream changed = new();
        using (FileStream file = File.OpenRead(second)) Recordings.Rewrite(file, changed, core => Recordings.WithSeed(core, 0x5A));

        using ReplayRun run = new(RecordingReader.Open(first), _ => RecordingReader.Open(changed, "changed"));
        ReplayedBatch? last = null;
        while (run.Next() is { } batch) last = batch;

        Assert.Equal("the core that part 1 begins with", last?.Difference);
    }

    [Fact]
    public void A_run_under_another_seed_is_another_run_and_the_first_difference_is_named()
    {
        using RecordedCluster cluster = new(1);
        cluster.Run(steps: 200);
        cluster.Stop();
        using MemoryStream changed = new();
        using (FileStream file = File.OpenRead(cluster.Nodes[0].Recordings[0])) Recordings.Rewrite(file, changed, core => Recordings.WithSeed(core, 0x5A));

        using RecordingReader reader = RecordingReader.Open(changed, "changed");
        List<ReplayedBatch> batches = Recordings.Run(reader);

        Assert.NotNull(batches[^1].Difference);
        Assert.All(batches.SkipLast(1), batch => Assert.Null(batch.Difference));
        Assert.Contains(TraceText.Lines(batches[^1]), line => line.Contains("DIFFERENT from the recorded run", StringComparison.Ordinal));
    }

    [Fact]
    public void A_missing_batch_is_noticed()
    {
        using RecordedCluster cluster = new(2);
        cluster.Run(steps: 200);
        cluster.Stop();
        using MemoryStream changed = new();
        using (FileStream file = File.OpenRead(cluster.Nodes.First(node => node.Core.Role != RaftRole.Leader).Recordings[^1]))
        {
            Recordings.Rewrite(file, changed, core => core, step => step.Inputs.Any(input => input.Message is AppendRequest { Entries.IsEmpty: false }));
        }

        using RecordingReader reader = RecordingReader.Open(changed, "changed");

        Assert.NotNull(Recordings.Run(reader)[^1].Difference);
    }

    [Fact]
    public void A_core_that_failed_fails_again_in_the_replay()
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("conclave-recording-");
        try
        {
            RaftOptions options = new() { Self = new NodeId(1), Seed = 5 };
            RecoveredState recovered = new() { HardState = default, Bootstrap = Membership.Of(new NodeId(1), new NodeId(2)) };
            RaftCore core = new(options, recovered);
            RaftOutput output = new();
            InputRecorder recorder = new(new RecorderOptions { Directory = directory.FullName }, new RecordingStart(0, "test", options), core, _ => { });
            RaftInput impossible = RaftInput.Applied(new LogIndex(99));
            recorder.Step(impossible);
            InvariantViolationException failure = Assert.Throws<InvariantViolationException>(() => core.Step(impossible, output));
            recorder.Fail(failure);
            recorder.Dispose();

            using RecordingReader reader = RecordingReader.Open(recorder.Path);
            ReplayedBatch last = Recordings.Run(reader)[^1];

            Assert.Equal(failure.Message, last.Failure?.Message);
            Assert.Null(last.Difference);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static RaftCore Replay(string path)
    {
        using ReplayRun run = ReplayRun.Open(path);
        while (run.Next() is { } batch)
        {
            if (batch.Difference is not null || batch.Failure is not null) Assert.Fail($"{path}:\n{string.Join('\n', TraceText.Lines(batch))}");
        }

        Assert.Equal(RecordingEnd.Stopped, run.Reader.End);
        return run.Core;
    }
}
