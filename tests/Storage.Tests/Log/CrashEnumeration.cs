namespace Conclave.Storage.Tests;

/// <summary>Stops the machine at every call of a history that changes the disk, and checks what comes back.</summary>
internal static class CrashEnumeration
{
    internal static bool CrashEverywhere(ulong seed, (byte, byte)[] steps, bool powerCut, StorageFaults faults = StorageFaults.None)
    {
        long last = RunUntilCrash(seed, steps, crashAt: null, powerCut, faults);
        for (long step = 1; step <= last; step++)
            RunUntilCrash(seed + (ulong)step, steps, step, powerCut, faults);
        return true;
    }

    /// <summary>
    /// Runs the history, crashes on the way, and goes on after the restart; after the first crash two more come soon, some of them during
    /// the recovery. The number of steps taken.
    /// </summary>
    private static long RunUntilCrash(ulong seed, (byte, byte)[] steps, long? crashAt, bool powerCut, StorageFaults faults)
    {
        var disk = new SimulatedFileSystem(seed);
        disk.Faults.CrashAtStep = crashAt;
        using var session = new LogSession(disk, LogSession.SmallFiles with { Faults = faults, SpareSegmentsMax = 2 });
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
                    disk.Faults.CrashAtStep = disk.Steps + 1 + (long)((seed + crashes) % 14);
            }
        }
        Assert.InRange(session.Log.DiskBytes, 1, 16384 + 16 * 16384 + steps.Length * 8192L);
        return disk.Steps;
    }
}
