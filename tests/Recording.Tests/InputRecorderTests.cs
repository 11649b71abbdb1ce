using Conclave.Raft;

namespace Conclave.Recording.Tests;

public sealed class InputRecorderTests : IDisposable
{
    private static readonly RaftOptions Options = new() { Self = new NodeId(1), Seed = 5 };
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("conclave-recording-");
    private readonly List<string> _said = [];
    private readonly RecoveredState _recovered = new() { HardState = default, Bootstrap = Membership.Of(new NodeId(1)) };

    [Fact]
    public void At_its_bound_a_recording_ends_with_a_word_and_replays()
    {
        InputRecorder recorder = Open(bytesMax: 1 << 20);
        RaftCore core = new(Options, _recovered);
        RunUntilEnded(recorder, core, payloadBytes: 5_000);
        recorder.Dispose();

        using RecordingReader reader = RecordingReader.Open(recorder.Path);
        List<ReplayedBatch> batches = Recordings.Run(reader);

        Assert.Equal(RecordingEnd.BoundReached, reader.End);
        Assert.NotEmpty(batches);
        Assert.All(batches, batch => Assert.Null(batch.Difference));
        Assert.True(new FileInfo(recorder.Path).Length <= 1 << 19);
        Assert.Single(_said, line => line.Contains("has reached its bound", StringComparison.Ordinal));
    }

    [Fact]
    public void A_disk_that_cannot_keep_up_ends_the_recording_and_nothing_else()
    {
        InputRecorder recorder = Open(bytesMax: 1L << 30, queueBytesMax: 1);   // nothing fits: as if the disk took nothing
        RaftCore core = new(Options, _recovered);
        RunUntilEnded(recorder, core, payloadBytes: 100);
        recorder.Dispose();

        using RecordingReader reader = RecordingReader.Open(recorder.Path);
        Assert.All(Recordings.Run(reader), batch => Assert.Null(batch.Difference));
        Assert.Equal(RecordingEnd.FellBehind, reader.End);
        Assert.Single(_said, line => line.Contains("could not keep up", StringComparison.Ordinal));
    }

    [Fact]
    public void Old_recordings_go_when_there_are_too_many_bytes_the_oldest_first()
    {
        foreach (int day in (int[])[1, 2, 3]) File.WriteAllBytes(Path.Combine(_directory.FullName, $"2020010{day}T000000.0-1{RecordingDirectory.Extension}"), new byte[200 << 10]);
        File.WriteAllText(Path.Combine(_directory.FullName, "notes.txt"), "mine");
        File.WriteAllBytes(Path.Combine(_directory.FullName, "20000101T000000.0-2.inputs"), new byte[600 << 10]);   // another node's

        Open(bytesMax: 1 << 20).Dispose();

        Assert.Equal(["20000101T000000.0-2.inputs", "20200102T000000.0-1.inputs", "20200103T000000.0-1.inputs"], RecordingDirectory.List(_directory.FullName).SkipLast(1).Select(file => file.Name));
        Assert.True(File.Exists(Path.Combine(_directory.FullName, "notes.txt")));
    }

    [Fact]
    public void A_start_that_is_larger_than_the_bound_is_not_recorded()
    {
        RecoveredState large = _recovered with { Entries = [new Entry(new LogIndex(1), new Term(1), EntryKind.Command, new byte[1 << 20])] };
        using InputRecorder recorder = new(new RecorderOptions { Directory = _directory.FullName, BytesMax = 1 << 20 }, new RecordingStart(0, "test", Options, large), Say);

        Assert.True(SpinWait.SpinUntil(() => !recorder.IsRecording, TimeSpan.FromSeconds(20)));
        Assert.Contains(_said, line => line.StartsWith("Nothing is recorded", StringComparison.Ordinal));
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private InputRecorder Open(long bytesMax, long queueBytesMax = 64 << 20) =>
        new(new RecorderOptions { Directory = _directory.FullName, BytesMax = bytesMax, QueueBytesMax = queueBytesMax }, new RecordingStart(0, "test", Options, _recovered), Say);

    private void Say(string line)
    {
        lock (_said) _said.Add(line);
    }

    private static void RunUntilEnded(InputRecorder recorder, RaftCore core, int payloadBytes)
    {
        RaftOutput output = new();
        long started = System.Diagnostics.Stopwatch.GetTimestamp();
        for (ulong i = 1; recorder.IsRecording; i++)
        {
            Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(20), "the recording never ends");
            RaftInput[] inputs = [RaftInput.Tick(), RaftInput.Propose(new[] { new Proposal(i, new byte[payloadBytes]) })];
            foreach (RaftInput input in inputs)
            {
                recorder.Step(input);
                core.Step(input, output);
            }

            core.Flush(output);
            recorder.Flush(output, core);
            IoTicket? last = output.Persists.Count > 0 ? output.Persists[^1].Ticket : null;
            output.Clear();
            if (last is not { } ticket) continue;
            recorder.Step(RaftInput.Persisted(ticket));
            core.Step(RaftInput.Persisted(ticket), output);
            core.Flush(output);
            recorder.Flush(output, core);
            output.Clear();
        }
    }
}
