using Conclave.Raft;

namespace Conclave.Recording.Tests;

public sealed class InputRecorderTests : IDisposable
{
    private static readonly RaftOptions Options = new() { Self = new NodeId(1), Seed = 5 };
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("conclave-recording-");
    private readonly List<string> _said = [];
    private readonly RecoveredState _recovered = new() { HardState = default, Bootstrap = Membership.Of(new NodeId(1)) };
    private readonly ManualTime _time = new();
    private readonly RaftOutput _output = new();
    private ulong _number;

    [Fact]
    public void At_its_bound_the_oldest_parts_go_and_what_is_kept_replays_from_each_part()
    {
        const long BytesMax = 1 << 20;
        RaftCore core = new(Options, _recovered);
        InputRecorder recorder = Open(core, BytesMax);
        for (int i = 0; i < 1_500; i++)
        {
            Propose(recorder, core, payloadBytes: 5_000);
            WaitUntilWritten(recorder);
            if (i % 50 == 0) Assert.InRange(Files().Sum(file => file.Length), 1, BytesMax);
        }

        recorder.Dispose();

        IReadOnlyList<string> parts = RecordingDirectory.Newest(_directory.FullName);
        Assert.Equal(Files().Count, parts.Count);
        Assert.InRange(Files().Sum(file => file.Length), BytesMax * 6 / 10, BytesMax);
        foreach (string part in parts)
        {
            using ReplayRun run = ReplayRun.Open(part);
            Assert.True(run.Batches > 1_000);   // those before are gone
            while (run.Next() is { } batch) Assert.Null(batch.Difference);
            Assert.Equal((RecordingEnd.Stopped, core.LastEntry, core.Commit), (run.Reader.End, run.Core.LastEntry, run.Core.Commit));
        }

        Assert.Single(_said, line => line.Contains("keeping the newest 1 MiB", StringComparison.Ordinal));
        Assert.Single(_said);
    }

    [Fact]
    public void A_killed_process_leaves_what_replays_up_to_the_last_whole_batch()
    {
        RaftCore core = new(Options, _recovered);
        InputRecorder recorder = Open(core, 1 << 20);
        for (int i = 0; i < 600; i++) Propose(recorder, core, payloadBytes: 1_000);
        recorder.Dispose();
        IReadOnlyList<string> parts = RecordingDirectory.Newest(_directory.FullName);
        Assert.True(parts.Count > 3);
        byte[] last = File.ReadAllBytes(parts[^1]);
        long batches = 0;
        // The file ends anywhere behind its core: it gets its name when that is written.
        foreach (int cut in (int[])[2_000, last.Length / 2, last.Length - 1])
        {
            File.WriteAllBytes(parts[^1], last[..cut]);
            using ReplayRun run = ReplayRun.Open(parts[0]);
            while (run.Next() is { } batch) Assert.Null(batch.Difference);
            Assert.Equal(RecordingEnd.Killed, run.Reader.End);
            Assert.True(run.Batches > batches);
            batches = run.Batches;
        }

        // Or between two parts: the newest has no name yet.
        File.Move(parts[^1], parts[^1] + ".new");
        using (ReplayRun run = ReplayRun.Open(RecordingDirectory.Newest(_directory.FullName)[0]))
        {
            while (run.Next() is { } batch) Assert.Null(batch.Difference);
            Assert.Equal(RecordingEnd.Continued, run.Reader.End);
        }

        Open(new RaftCore(Options, _recovered), 1 << 20).Dispose();
        Assert.Empty(_directory.EnumerateFiles("*.new"));
    }

    [Fact]
    public void A_disk_that_cannot_keep_up_ends_the_recording_and_after_a_pause_another_begins()
    {
        RaftCore core = new(Options, _recovered);
        InputRecorder recorder = Open(core, 1 << 20, queueBytesMax: 1);   // nothing fits: as if the disk took nothing
        Propose(recorder, core, payloadBytes: 100);
        Assert.False(recorder.IsRecording);
        _time.Advance(TimeSpan.FromSeconds(29));
        Propose(recorder, core, payloadBytes: 100);
        Assert.False(recorder.IsRecording);
        _time.Advance(TimeSpan.FromSeconds(2));
        Flush(recorder, core);
        Assert.True(recorder.IsRecording);
        recorder.Dispose();

        string[] files = [.. Files().Select(file => file.FullName)];
        Assert.Equal(2, files.Length);
        Assert.Equal(RecordingEnd.FellBehind, Replay(files[0], out _));
        Assert.Equal(RecordingEnd.Stopped, Replay(files[1], out RaftCore again));
        Assert.Equal((core.Role, core.LastEntry), (again.Role, again.LastEntry));   // it begins with the core as it was by then
        Assert.Single(_said, line => line.Contains("could not keep up", StringComparison.Ordinal));
    }

    [Fact]
    public void A_batch_without_room_ends_the_recording_and_the_next_begins_behind_it()
    {
        RaftCore core = new(Options, _recovered);
        InputRecorder recorder = Open(core, 1 << 20);
        Propose(recorder, core, payloadBytes: 100);
        Propose(recorder, core, payloadBytes: 2 << 20);
        Assert.True(SpinWait.SpinUntil(() => !recorder.IsRecording, TimeSpan.FromSeconds(60)));
        Flush(recorder, core);   // it finds out here, and waits
        WaitUntilWritten(recorder);   // until then it does not begin again
        _time.Advance(TimeSpan.FromSeconds(31));
        Flush(recorder, core);
        Propose(recorder, core, payloadBytes: 100);
        recorder.Dispose();

        string newest = Assert.Single(RecordingDirectory.Newest(_directory.FullName));
        Assert.Equal(RecordingEnd.Stopped, Replay(newest, out RaftCore again));
        Assert.Equal(core.LastEntry, again.LastEntry);
        Assert.Contains(_said, line => line.Contains("a batch of 2048 KiB has no room", StringComparison.Ordinal));
        Assert.Contains(_said, line => line.StartsWith("Recording inputs again", StringComparison.Ordinal));
    }

    [Fact]
    public void A_write_that_fails_ends_the_recording_and_after_a_pause_another_begins()
    {
        RaftCore core = new(Options, _recovered);
        InputRecorder recorder = Open(core, 1 << 20);
        string moved = _directory.FullName + "-moved";
        Directory.Move(_directory.FullName, moved);   // the next part cannot be made
        for (int i = 0; i < 300 && recorder.IsRecording; i++)
        {
            Propose(recorder, core, payloadBytes: 5_000);
            WaitUntilWritten(recorder);
        }

        Assert.True(SpinWait.SpinUntil(() => !recorder.IsRecording, TimeSpan.FromSeconds(60)));
        Directory.Move(moved, _directory.FullName);
        Flush(recorder, core);
        WaitUntilWritten(recorder);
        _time.Advance(TimeSpan.FromSeconds(31));
        Flush(recorder, core);
        Propose(recorder, core, payloadBytes: 100);
        recorder.Dispose();

        Assert.Equal(RecordingEnd.Stopped, Replay(RecordingDirectory.Newest(_directory.FullName)[0], out RaftCore again));
        Assert.Equal(core.LastEntry, again.LastEntry);
        Assert.Single(_said, line => line.StartsWith("Recording inputs stops", StringComparison.Ordinal));
    }

    [Fact]
    public void Recordings_of_earlier_runs_go_first_and_nobody_elses()
    {
        foreach (int day in (int[])[1, 2, 3]) File.WriteAllBytes(Path.Combine(_directory.FullName, $"2020010{day}T000000.0-0000000000-1{RecordingDirectory.Extension}"), new byte[400 << 10]);
        File.WriteAllText(Path.Combine(_directory.FullName, "notes.txt"), "mine");
        File.WriteAllBytes(Path.Combine(_directory.FullName, "20000101T000000.0-0000000000-2.inputs"), new byte[600 << 10]);   // another node's

        Open(new RaftCore(Options, _recovered), 1 << 20).Dispose();

        Assert.Equal(["20000101T000000.0-0000000000-2.inputs", "20200102T000000.0-0000000000-1.inputs", "20200103T000000.0-0000000000-1.inputs"], Files().SkipLast(1).Select(file => file.Name));
        Assert.True(File.Exists(Path.Combine(_directory.FullName, "notes.txt")));
    }

    [Fact]
    public void A_core_that_is_larger_than_the_bound_is_not_recorded()
    {
        // No two entries in a row have payloads of one length, so that there is nothing to put together.
        Entry[] entries = [.. Enumerable.Range(1, 600_000).Select(i => new Entry(new LogIndex((ulong)i), new Term(1), EntryKind.Command, new byte[i & 1]))];
        using InputRecorder recorder = Open(new RaftCore(Options, _recovered with { Entries = entries }), 1 << 20);

        Assert.False(recorder.IsRecording);
        Assert.Contains(_said, line => line.StartsWith("Recording inputs stops: the state of the core alone has", StringComparison.Ordinal));
        Assert.Empty(Files());
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private IReadOnlyList<FileInfo> Files() => RecordingDirectory.List(_directory.FullName);

    private InputRecorder Open(RaftCore core, long bytesMax, long queueBytesMax = 64 << 20) =>
        new(new RecorderOptions { Directory = _directory.FullName, BytesMax = bytesMax, QueueBytesMax = queueBytesMax, Time = _time }, new RecordingStart(0, "test", Options), core, Say);

    private void Say(string line)
    {
        lock (_said) _said.Add(line);
    }

    private static RecordingEnd Replay(string path, out RaftCore core)
    {
        using ReplayRun run = ReplayRun.Open(path);
        while (run.Next() is { } batch) Assert.Null(batch.Difference);
        core = run.Core;
        return run.Reader.End;
    }

    /// <summary>What the test looks at is what the disk has.</summary>
    private static void WaitUntilWritten(InputRecorder recorder) => Assert.True(SpinWait.SpinUntil(() => recorder.Queued == 0, TimeSpan.FromSeconds(60)), "the recording is never written");

    private void Propose(InputRecorder recorder, RaftCore core, int payloadBytes)
    {
        IoTicket? last = Flush(recorder, core, RaftInput.Tick(), RaftInput.Propose(new[] { new Proposal(++_number, new byte[payloadBytes]) }));
        if (last is { } ticket) Flush(recorder, core, RaftInput.Persisted(ticket), RaftInput.Applied(core.Commit));
        if (_number % 100 == 0 && core.Commit > (core.Snapshot?.Last.Index ?? LogIndex.Zero))
            Flush(recorder, core, RaftInput.SnapshotTaken(new SnapshotId(new EntryId(core.Commit, core.Term), core.Membership)));
    }

    private IoTicket? Flush(InputRecorder recorder, RaftCore core, params ReadOnlySpan<RaftInput> inputs)
    {
        foreach (ref readonly RaftInput input in inputs)
        {
            recorder.Step(input);
            core.Step(input, _output);
        }

        core.Flush(_output);
        recorder.Flush(_output, core);
        IoTicket? last = _output.Persists.Count > 0 ? _output.Persists[^1].Ticket : null;
        _output.Clear();
        return last;
    }
}
