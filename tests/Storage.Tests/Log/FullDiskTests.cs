using Conclave.Raft;
using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Storage.Tests;

/// <summary>A log that asks before it writes, on a disk that is full again and again.</summary>
public class FullDiskTests(ITestOutputHelper output)
{
    [Fact]
    public void A_log_that_waits_for_space_never_stops_and_loses_nothing() =>
        Properties.Holds(Prop.ForAll((ulong seed, (byte, byte)[] steps) => Run(seed, steps)), output, tests: 150);

    private static bool Run(ulong seed, (byte Kind, byte Size)[] steps)
    {
        var disk = new SimulatedFileSystem(seed);
        using var session = new LogSession(disk);
        session.Open();
        foreach ((byte kind, byte size) in steps)
        {
            disk.Faults.SpaceBytesMax = disk.UsedBytes + kind * 100;
            PersistOp op = session.Op(null, null, size == 200 ? [60_000] : [size * 40, size], fill: size);
            if (!session.TryPersist(op))
            {
                Assert.True(session.Log.IsSpaceLow);
                disk.Faults.SpaceBytesMax = null;
                Assert.True(session.TryPersist(op));
            }

            Assert.False(session.Log.IsPoisoned);
            if (kind % 5 == 0)
                session.CompactTo(session.Acknowledged.Entries[size % session.Acknowledged.Entries.Count].Id);
            else if (kind % 5 == 1)
                session.Restart(powerCut: size % 2 == 0);
            else
                session.Log.Prepare();
        }

        session.Restart();
        return true;
    }
}
