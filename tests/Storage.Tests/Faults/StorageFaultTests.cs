using Conclave.Raft;

namespace Conclave.Storage.Tests;

/// <summary>Each deliberate mistake is noticed by a kind of test that exists anyway. A mistake that nobody notices would mean that the rule it breaks is not tested.</summary>
public class StorageFaultTests
{
    private const string First = "/data/wal-0000000001.log", Superblock = "/data/superblock";

    [Theory]
    [InlineData(nameof(StorageFaults.SkipDataSync), "append"), InlineData(nameof(StorageFaults.SkipDirectorySync), "roll-over")]
    [InlineData(nameof(StorageFaults.RecycleBeforeSuperblock), "compaction")]
    [InlineData(nameof(StorageFaults.ResetCountsAtOnce), "reset"), InlineData(nameof(StorageFaults.DropTruncation), "truncation")]
    [InlineData(nameof(StorageFaults.RecycleUnclean), "reuse")]
    public void A_crash_at_every_step_notices(string fault, string scenario)
    {
        (byte, byte)[] steps = scenario == "reuse"
            ? [(2, 255), (2, 255), (2, 255), (6, 5), (2, 255), (2, 255), (6, 9), (0, 1), (2, 255), (9, 0)]
            : [.. CrashTests.Scenarios.First(row => row.Data.Item1 == scenario).Data.Item2];
        Assert.True(Notices(() => EverySeed(seed => CrashEnumeration.CrashEverywhere(seed, steps, powerCut: true, Enum.Parse<StorageFaults>(fault)))));
        EverySeed(seed => CrashEnumeration.CrashEverywhere(seed, steps, powerCut: true)); // and without it nothing is wrong
    }

    [Fact]
    public void Remains_of_a_torn_batch_are_noticed_when_the_log_reaches_them() => Noticed(StorageFaults.KeepTornTail, options =>
    {
        var disk = new SimulatedFileSystem(3);
        using var session = new LogSession(disk, options);
        session.Open();
        session.Append(10);
        disk.KillProcess();
        byte[] remains = new byte[7000];
        Array.Fill(remains, (byte)0x5A);
        disk.Overwrite(First, 4096 + 512 + 512, remains); // the sector with the header never arrived
        session.Open();
        for (int sectors = 0; sectors < options.ZeroFillBytes / 512; sectors++) // as far as zeros were written ahead
            session.Append(10);
        session.Restart(powerCut: false);
    });

    [Fact]
    public void A_sync_that_is_tried_again_is_noticed_by_failing_syncs() => Noticed(StorageFaults.RetryFailedSync, options => EverySeed(seed =>
    {
        var disk = new SimulatedFileSystem(seed);
        using var session = new LogSession(disk, options);
        session.Open();
        session.Append(10);
        disk.Faults.Fail(DiskOperation.Sync);
        try
        {
            session.Append(900);
        }
        catch (StorageException)
        {
            // as it should be
        }
        session.Restart();
    }));

    [Fact]
    public void A_batch_that_does_not_follow_is_noticed_by_a_lost_write() => Noticed(StorageFaults.SkipContinuityCheck, options =>
    {
        var disk = new SimulatedFileSystem(3);
        using var session = new LogSession(disk, options);
        session.Open();
        session.Append(100);
        byte[] before = disk.ReadAll(First);
        session.Persist(session.Op(null, null, []), session.Op(new HardState(new Term(1), new NodeId(7)), null, []));
        session.Vote(2, 8);
        byte[] after = disk.ReadAll(First);
        session.Dispose();
        // The third batch lands on the second, and its own place shows what was there before.
        disk.Overwrite(First, 4608, after.AsSpan(4608 + 512, 512));
        disk.Overwrite(First, 4608 + 512, before.AsSpan(4608 + 512, 1024));
        StorageException refusal = Assert.Throws<StorageException>(() => DurableLog.Open(disk, LogSession.Directory, options, out _));
        Assert.Contains("does not follow", refusal.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void A_superblock_with_one_copy_is_noticed_by_damage_to_that_copy() => Noticed(StorageFaults.SuperblockOneCopy, options => EachSlot(options, pair: false));

    [Fact]
    public void A_superblock_with_one_pair_is_noticed_by_damage_to_that_pair() => Noticed(StorageFaults.SuperblockOnePair, options => EachSlot(options, pair: true));

    [Fact]
    public void A_vote_in_the_log_alone_is_noticed_by_damage_to_its_end() => Noticed(StorageFaults.VoteInLogOnly, options =>
    {
        var disk = new SimulatedFileSystem(3);
        using var session = new LogSession(disk, options);
        session.Open();
        session.Append(100);
        session.Vote(4, 9);
        disk.KillProcess();
        disk.Overwrite(First, 4096 + 512 + 20, [0xFF]);
        Reopened.Open(disk, session.History, allowRepair: true);
    });

    [Fact]
    public void A_lost_end_that_is_forgotten_is_noticed_by_the_next_start() => Noticed(StorageFaults.ForgetLostEnd, options =>
    {
        var disk = new SimulatedFileSystem(3);
        using var session = new LogSession(disk);
        session.Open();
        session.Append(100);
        session.Append(100);
        session.Dispose();
        disk.FlipBit(First, (4096 + 512 + 100) * 8);
        DurableLog.Open(disk, LogSession.Directory, options with { AllowRepair = true }, out _).Dispose();
        Reopened.Open(disk, session.History, allowRepair: true);
    });

    [Fact]
    public void A_boot_that_is_not_raised_is_noticed() => Noticed(StorageFaults.KeepBoot, options =>
    {
        using var session = new LogSession(new SimulatedFileSystem(3), options);
        ulong first = session.Open().Boot;
        Assert.True(session.Reopen().Boot > first);
    });

    [Fact]
    public void Messages_that_leave_early_are_noticed_by_a_failing_write() => Noticed(StorageFaults.ReleaseBeforeWrite, options =>
    {
        var disk = new SimulatedFileSystem(3);
        using var session = new LogSession(disk, options);
        session.Open();
        disk.Faults.Fail(DiskOperation.Write);
        Assert.Throws<StorageException>(() => session.Append(10));
        Assert.Empty(session.Released);
    });

    [Fact]
    public void A_snapshot_that_is_named_too_early_is_noticed_by_crashes() => Noticed(StorageFaults.SnapshotNamedBeforeSync, options =>
    {
        for (ulong seed = 0; seed < 20; seed++)
        {
            var disk = new SimulatedFileSystem(seed);
            SnapshotStoreTests.Write(new SnapshotStore(disk, "/data") { Faults = options.Faults }, 1, SnapshotStoreTests.Content(9000)).Dispose();
            disk.PowerCut();
            using SnapshotFile durable = new SnapshotStore(disk, "/data").Latest() ?? throw new InvalidOperationException("It was acknowledged and is gone.");
            durable.Verify();
        }
    });

    /// <summary>Damages each superblock copy, or pair, of a log that was reset: the state before the reset must not come back.</summary>
    private static void EachSlot(DurableLogOptions options, bool pair)
    {
        for (int slot = 0; slot < 4; slot += pair ? 2 : 1)
        {
            var disk = new SimulatedFileSystem(3);
            using var session = new LogSession(disk, options);
            session.Open();
            session.Append(100);
            session.ResetTo(new EntryId(new LogIndex(50), new Term(2)), new HardState(new Term(3), new NodeId(7)));
            disk.KillProcess();
            disk.FlipBit(Superblock, slot * 4096 * 8 + 1000);
            if (pair)
                disk.FlipBit(Superblock, (slot + 1) * 4096 * 8 + 1000);
            Reopened.Open(disk, [session.Acknowledged], allowRepair: true);
        }
    }

    private static void Noticed(StorageFaults fault, Action<DurableLogOptions> test)
    {
        test(LogSession.SmallFiles);
        Assert.True(Notices(() => test(LogSession.SmallFiles with { Faults = fault })), $"{fault} went unnoticed.");
    }

    private static void EverySeed(Action<ulong> run)
    {
        for (ulong seed = 0; seed < 12; seed++)
            run(seed);
    }

    private static bool Notices(Action test)
    {
        try
        {
            test();
            return false;
        }
        catch (Exception)
        {
            return true; // an assertion, a refusal to open, or an impossible state: each would turn a build red
        }
    }
}
