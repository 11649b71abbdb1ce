using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Storage.Tests;

/// <summary>The machine stops at every single call that changes the disk.</summary>
public class CrashTests(ITestOutputHelper output)
{
    [Fact]
    public void A_crash_at_any_step_of_any_history_loses_nothing_acknowledged_and_invents_nothing() =>
        Properties.Holds(Prop.ForAll((ulong seed, (byte, byte)[] steps) => CrashEverywhere(seed, steps, powerCut: true)), output, tests: 150);

    [Fact]
    public void A_killed_process_loses_nothing_acknowledged_and_invents_nothing() =>
        Properties.Holds(Prop.ForAll((ulong seed, (byte, byte)[] steps) => CrashEverywhere(seed, steps, powerCut: false)), output, tests: 40);

    public static TheoryData<string, (byte, byte)[]> Scenarios => new()
    {
        { "format", [] },
        { "append", [(0, 100), (0, 30), (2, 40)] },
        { "roll-over", [(2, 255), (2, 255), (2, 255), (2, 255), (2, 254)] },
        { "compaction", [(2, 255), (2, 255), (2, 255), (6, 5), (0, 9), (6, 1), (2, 255), (2, 255)] },
        { "reset", [(2, 255), (2, 255), (2, 255), (8, 10), (0, 1), (8, 3), (2, 255), (2, 255)] },
        { "truncation", [(3, 50), (5, 1), (0, 4), (5, 0), (2, 255), (5, 2), (6, 1)] },
        { "preparation", [(19, 1), (2, 255), (19, 1), (19, 1), (19, 1), (2, 255), (19, 1), (2, 255), (6, 5), (19, 1), (19, 1), (2, 255), (2, 255)] },
        // An interrupted reset left a segment that was recycled before its name was durably gone.
        { "abandoned reset", [(0, 0), (8, 0), (2, 0), (2, 226), (0, 0), (2, 111), (6, 54), (8, 0), (5, 0)] },
        { "operation larger than a segment", [(0, 1), (2, 255), (2, 254), (2, 255), (6, 2), (9, 0), (2, 255)] },
    };

    [Theory, MemberData(nameof(Scenarios))]
    public void A_crash_between_any_two_storage_calls_is_survived(string scenario, (byte, byte)[] steps)
    {
        output.WriteLine(scenario);
        for (ulong seed = 0; seed < 5; seed++)
        {
            CrashEverywhere(seed, steps, powerCut: true);
            CrashEverywhere(seed, steps, powerCut: false);
        }
    }

    private static bool CrashEverywhere(ulong seed, (byte, byte)[] steps, bool powerCut)
    {
        long last = RunUntilCrash(seed, steps, crashAt: null, powerCut);
        for (long step = 1; step <= last; step++)
            RunUntilCrash(seed + (ulong)step, steps, step, powerCut);
        return true;
    }

    /// <summary>
    /// Runs the history, crashes on the way, and goes on after the restart; after the first crash two more come soon, some of them during
    /// the recovery. The number of steps taken.
    /// </summary>
    private static long RunUntilCrash(ulong seed, (byte, byte)[] steps, long? crashAt, bool powerCut)
    {
        var disk = new SimulatedFileSystem(seed);
        disk.Faults.CrashAtStep = crashAt;
        using var session = new LogSession(disk);
        var history = new LogHistory(steps);
        for (uint crashes = 0; ;)
        {
            try
            {
                session.Open(); // throws unless the recovered state is a possible one
                if (crashes > 0)
                {
                    session.Append((int)(seed % 3000), 77); // where a torn batch may have been
                    while (session.Log.Prepare()) // fills what was recycled
                    {
                    }
                }
                history.Run(session);
                session.Reopen();
                break;
            }
            catch (StorageException) when (disk.IsDown)
            {
                crashes++;
                if (powerCut)
                    disk.PowerCut();
                else
                    disk.KillProcess();
                if (crashes < 3)
                    disk.Faults.CrashAtStep = disk.Steps + 1 + (long)((seed + crashes) % 9);
            }
        }
        Assert.InRange(session.Log.DiskBytes, 1, 16384 + 16 * 16384 + steps.Length * 8192L);
        return disk.Steps;
    }
}
