namespace Conclave.Storage.Tests;

public class ScrubberTests
{
    private const string Directory = LogSession.Directory;
    private readonly SimulatedFileSystem _disk = new(seed: 31);

    [Theory, InlineData(1), InlineData(700), InlineData(1 << 20)]
    public void A_sound_directory_has_no_findings_however_small_the_steps(int bytes)
    {
        using LogSession session = Filled();
        var store = new SnapshotStore(_disk, Directory);
        SnapshotStoreTests.Write(store, 3, SnapshotStoreTests.Content(100_000)).Dispose();
        using var scrubber = new Scrubber(_disk, Directory, store);
        for (int round = 0; round < 2; round++)
        {
            Assert.InRange(Round(scrubber, bytes, out List<ScrubFinding> findings), 130_000, 400_000);
            Assert.Empty(findings);
        }
    }

    [Fact]
    public void Every_flipped_bit_that_recovery_would_miss_is_found_with_its_entries()
    {
        using LogSession session = Filled();
        const string Segment = "/data/wal-0000000001.log";
        var store = new SnapshotStore(_disk, Directory);
        byte[] bytes = _disk.ReadAll(Segment);
        long used = bytes.Length - bytes.Reverse().TakeWhile(value => value == 0).Count();
        for (long at = 0; at < used; at += 37)
        {
            if (bytes[at] == 0 && at is > 512 and < 4096)
                continue; // between header and content nothing is written
            _disk.FlipBit(Segment, at * 8);
            using var scrubber = new Scrubber(_disk, Directory, store);
            List<ScrubFinding> findings = Findings(scrubber);
            bool isPadding = findings.Count == 0;
            if (isPadding) // then recovery does not mind either
                DurableLog.Open(_disk.Copy(1), Directory, LogSession.SmallFiles, out _).Dispose();
            else
                Assert.Equal((Segment, ScrubRemedy.SnapshotAndCompact), (findings[0].File, findings[0].Remedy));
            _disk.FlipBit(Segment, at * 8);
        }
    }

    [Fact]
    public void A_snapshot_and_a_compaction_heal_a_damaged_segment_without_a_restart()
    {
        using LogSession session = Filled();
        _disk.FlipBit("/data/wal-0000000002.log", (4096 + 200) * 8);
        var store = new SnapshotStore(_disk, Directory);
        using var scrubber = new Scrubber(_disk, Directory, store);
        ScrubFinding finding = Assert.Single(Findings(scrubber));
        Assert.InRange(finding.Last.Index.Value, finding.First.Value, session.Log.Last.Index.Value - 1);

        SnapshotStoreTests.Write(store, finding.Last.Index.Value, [1, 2, 3]).Dispose();
        session.CompactTo(finding.Last);
        Assert.Empty(Findings(scrubber));
        session.Reopen();
    }

    [Fact]
    public void A_damaged_snapshot_is_replaced_and_taken_out_of_use()
    {
        using LogSession session = Filled();
        var store = new SnapshotStore(_disk, Directory);
        string path;
        using (SnapshotFile file = SnapshotStoreTests.Write(store, 3, SnapshotStoreTests.Content(200_000)))
            path = file.Path;
        _disk.FlipBit(path, 150_000 * 8);
        using var scrubber = new Scrubber(_disk, Directory, store);
        ScrubFinding finding = Assert.Single(Findings(scrubber));
        Assert.Equal((path, ScrubRemedy.ReplaceSnapshot, 3UL), (finding.File, finding.Remedy, finding.Last.Index.Value));
        SnapshotStoreTests.Write(store, 4, SnapshotStoreTests.Content(200_000)).Dispose();
        Assert.Null(store.Quarantine(finding.Last, session.Log.Boot));
        Assert.Empty(Findings(scrubber));
        Assert.Single(_disk.List(Directory + "/quarantine"));
    }

    [Fact]
    public void What_is_recycled_meanwhile_and_what_is_still_written_to_is_no_finding()
    {
        using LogSession session = Filled();
        var store = new SnapshotStore(_disk, Directory);
        using var scrubber = new Scrubber(_disk, Directory, store);
        for (int i = 0; i < 300; i++)
        {
            Assert.Null(scrubber.Step(600).Finding);
            session.Append(900);
            if (i % 4 == 0)
                session.CompactTo(session.Acknowledged.Last);
            session.Log.Prepare(); // fills recycled files with zeros
        }
    }

    [Fact]
    public void A_file_that_cannot_be_read_is_a_finding()
    {
        using LogSession session = Filled();
        using var scrubber = new Scrubber(_disk, Directory, new SnapshotStore(_disk, Directory));
        _disk.Faults.Fail(DiskOperation.Read, nameContains: "wal-0000000002", after: 2, times: 1000);
        Assert.Contains(Findings(scrubber), finding => finding.Problem.Contains("cannot be read", StringComparison.Ordinal));
    }

    private LogSession Filled()
    {
        var session = new LogSession(_disk);
        session.Open();
        for (int i = 0; i < 40; i++)
            session.Append(100 + i * 20, i);
        Assert.InRange(_disk.List(Directory).Count(name => name.StartsWith("wal-", StringComparison.Ordinal)), 3, 10);
        return session;
    }

    private static List<ScrubFinding> Findings(Scrubber scrubber)
    {
        Round(scrubber, 1000, out List<ScrubFinding> findings);
        return findings;
    }

    private static long Round(Scrubber scrubber, int bytes, out List<ScrubFinding> findings)
    {
        findings = [];
        long read = 0;
        ScrubStep step;
        do
        {
            step = scrubber.Step(bytes);
            read += step.BytesRead;
            if (step.Finding is not null)
                findings.Add(step.Finding);
        }
        while (!step.IsRoundComplete);
        return read;
    }
}
