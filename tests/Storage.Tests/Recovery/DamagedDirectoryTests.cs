using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Storage.Tests;

/// <summary>Real directories, damaged in several places at random, opened with and without repair.</summary>
public class DamagedDirectoryTests(ITestOutputHelper output)
{
    [Fact]
    public void Whatever_is_damaged_the_log_is_whole_or_says_what_it_lost_or_refuses() =>
        Properties.Holds(Prop.ForAll((ulong seed, (byte, byte)[] steps, (byte, byte, ushort)[] damages) =>
        {
            (SimulatedFileSystem disk, List<LogState> history) = DiskAfter(seed, steps);
            foreach ((byte file, byte kind, ushort place) in damages)
                Damage(disk, file, kind, place, seed);

            if (disk.List(LogSession.Directory).Count == 0)
                return; // a directory that was emptied is a new one; the other members know it by its incarnation

            SimulatedFileSystem refusing = disk.Copy(1);
            if (Reopened.Check(refusing, history, allowRepair: false) is { } sound)
                Assert.True(sound.LostEnd == default && LogState.Of(sound).Matches(history[^1])); // without a repair it is all or nothing

            if (Reopened.Check(disk, history, allowRepair: true) is not { } repaired)
                return;
            // The repair is durable and complete: from now on the log opens without one, and remembers what it lost.
            disk.PowerCut();
            RecoveredLog? again = Reopened.Check(disk, history, allowRepair: false);
            Assert.NotNull(again);
            Assert.True(LogState.Of(again).Matches(LogState.Of(repaired)) && again.LostEnd == repaired.LostEnd && again.Boot > repaired.Boot);
        }), output, tests: 400);

    [Fact]
    public void Repair_is_not_a_way_out_only_on_paper()
    {
        // The property above would also hold for a log that refuses everything.
        var outcomes = new Dictionary<string, int> { ["whole"] = 0, ["lost"] = 0, ["refused"] = 0 };
        for (ulong seed = 0; seed < 150; seed++)
        {
            (SimulatedFileSystem disk, List<LogState> history) = DiskAfter(seed, [(2, 250), (2, 251), (0, 9), (4, 3), (2, 252), (6, 2), (0, 70)]);
            Damage(disk, (byte)seed, (byte)(seed / 3), (ushort)(seed * 7919), seed);
            RecoveredLog? repaired = Reopened.Check(disk, history, allowRepair: true);
            outcomes[repaired is null ? "refused" : repaired.LostEnd == default ? "whole" : "lost"]++;
        }
        output.WriteLine(string.Join(", ", outcomes));
        Assert.InRange(outcomes["whole"], 10, 150);
        Assert.InRange(outcomes["lost"], 20, 150);
        Assert.InRange(outcomes["refused"], 0, 40); // a superblock that is gone altogether
    }

    /// <summary>Found by fuzzing: every checksum is right, and no segment counts.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_superblock_that_begins_behind_its_end_is_refused(bool allowRepair)
    {
        (SimulatedFileSystem disk, _) = DiskAfter(2, [(0, 9)]);
        string path = Path.Combine(LogSession.Directory, "superblock");
        byte[] file = disk.ReadAll(path);
        for (int slot = 0; slot < file.Length; slot += 4096)
        {
            Assert.Equal(HeaderCheck.Good, SuperblockContent.TryRead(file.AsSpan(slot, SuperblockContent.Bytes), out SuperblockContent? content, out _));
            (content! with { OldestSegment = content.NewestSegment + 1 }).Write(file.AsSpan(slot));
        }

        disk.Overwrite(path, 0, file);
        DurableLogOptions options = LogSession.SmallFiles with { AllowRepair = allowRepair };

        StorageException refusal = Assert.Throws<StorageException>(() => DurableLog.Open(disk, LogSession.Directory, options, out _));

        Assert.Equal(StorageErrorKind.Corrupt, refusal.Kind);
    }

    private static (SimulatedFileSystem Disk, List<LogState> History) DiskAfter(ulong seed, (byte, byte)[] steps)
    {
        var disk = new SimulatedFileSystem(seed);
        using var session = new LogSession(disk);
        session.Open();
        session.Append(400);
        new LogHistory(steps).Run(session);
        if (seed % 2 == 0)
            session.Dispose();
        else
            disk.KillProcess();
        return (disk.Copy(seed), session.History);
    }

    private static void Damage(SimulatedFileSystem disk, byte file, byte kind, ushort place, ulong seed)
    {
        IReadOnlyList<string> names = disk.List(LogSession.Directory);
        if (names.Count == 0)
            return;
        string path = Path.Combine(LogSession.Directory, names[file % names.Count]);
        int length = disk.ReadAll(path).Length;
        if (length == 0)
            return;
        // Half of the places are near the beginning, where the headers and the first batches are.
        int at = place % 2 == 0 ? place % length : place % Math.Min(length, 6000);
        var random = new Random((int)(uint)(seed + place));
        switch (kind % 5)
        {
            case 0:
                disk.FlipBit(path, at * 8L + kind / 5 % 8);
                break;
            case 1: // a misdirected write: bytes, or a whole sector, of something else
                byte[] garbage = new byte[kind < 128 ? 512 : 1 + kind % 90];
                random.NextBytes(garbage);
                disk.Overwrite(path, kind < 128 ? at & ~511 : at, garbage.AsSpan(0, Math.Min(garbage.Length, length - (kind < 128 ? at & ~511 : at))));
                break;
            case 2:
                disk.Truncate(path, at);
                break;
            case 3:
                disk.Remove(path);
                break;
            default: // the content of another place of the same file
                int from = at & ~511, to = random.Next(length) & ~511, bytes = Math.Min(512, length - Math.Max(from, to));
                if (disk.ReadAll(path).AsSpan(from, bytes).ContainsAnyExcept((byte)0))
                    disk.Overwrite(path, to, disk.ReadAll(path).AsSpan(from, bytes));
                break;
        }
    }
}
