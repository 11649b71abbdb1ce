using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Storage.Tests;

/// <summary>Bits flip, files shrink and vanish: the log says so, or it was not needed.</summary>
public class DamageTests(ITestOutputHelper output)
{
    [Fact]
    public void Any_flipped_bit_is_harmless_or_refused_with_the_name_of_the_file() =>
        Properties.Holds(Prop.ForAll((ulong seed, (byte, byte)[] steps, bool clean) =>
        {
            (SimulatedFileSystem disk, LogState state) = DiskAfter(seed, steps, clean);
            var random = new Random((int)(uint)seed);
            foreach (string name in disk.List(LogSession.Directory))
                for (int i = 0; i < 40; i++)
                    FlipAndOpen(disk, state, name, random.NextInt64(disk.ReadAll(Path.Combine(LogSession.Directory, name)).Length * 8));
        }), output, tests: 60);

    [Theory, InlineData(true), InlineData(false)]
    public void Every_bit_of_every_used_byte_is_covered(bool clean)
    {
        (SimulatedFileSystem disk, LogState state) = DiskAfter(5, [(0, 100), (4, 1), (3, 90), (5, 2), (2, 12)], clean);
        foreach (string name in disk.List(LogSession.Directory))
        {
            byte[] bytes = disk.ReadAll(Path.Combine(LogSession.Directory, name));
            for (int at = 0; at < bytes.Length; at++)
                if (bytes[at] != 0 || at % 64 == 0)
                    FlipAndOpen(disk, state, name, at * 8L + at % 8);
        }
    }

    [Fact]
    public void A_truncated_file_is_refused() =>
        Properties.Holds(Prop.ForAll((ulong seed, (byte, byte)[] steps, ushort cut) =>
        {
            (SimulatedFileSystem disk, LogState state) = DiskAfter(seed, steps, clean: cut % 2 == 0);
            foreach (string name in disk.List(LogSession.Directory))
            {
                SimulatedFileSystem copy = disk.Copy(1);
                string path = Path.Combine(LogSession.Directory, name);
                int length = copy.ReadAll(path).Length;
                copy.Truncate(path, cut % length);
                OpenOrRefuse(copy, state, name);
            }
        }), output, tests: 50);

    [Fact]
    public void A_missing_file_is_refused() =>
        Properties.Holds(Prop.ForAll((ulong seed, (byte, byte)[] steps, bool clean) =>
        {
            (SimulatedFileSystem disk, LogState state) = DiskAfter(seed, steps, clean);
            foreach (string name in disk.List(LogSession.Directory))
            {
                SimulatedFileSystem copy = disk.Copy(1);
                copy.Remove(Path.Combine(LogSession.Directory, name));
                OpenOrRefuse(copy, state, name);
            }
        }), output, tests: 50);

    private static (SimulatedFileSystem Disk, LogState State) DiskAfter(ulong seed, (byte, byte)[] steps, bool clean)
    {
        var disk = new SimulatedFileSystem(seed);
        using var session = new LogSession(disk);
        session.Open();
        session.Append(400);
        new LogHistory(steps).Run(session);
        if (clean)
            session.Dispose();
        else
            disk.KillProcess();
        return (disk.Copy(seed), session.Acknowledged);
    }

    private static void FlipAndOpen(SimulatedFileSystem disk, LogState state, string name, long bit)
    {
        string path = Path.Combine(LogSession.Directory, name);
        disk.FlipBit(path, bit);
        OpenOrRefuse(disk.Copy(1), state, name);
        disk.FlipBit(path, bit);
    }

    private static void OpenOrRefuse(SimulatedFileSystem disk, LogState state, string name)
    {
        try
        {
            using DurableLog log = DurableLog.Open(disk, LogSession.Directory, LogSession.SmallFiles, out RecoveredLog recovered);
            if (!state.Matches(LogState.Of(recovered)))
                throw new InvalidOperationException($"{name} was damaged. Recovered: {LogState.Of(recovered)}\nexpected: {state}\n{string.Join('\n', recovered.Notes)}");
        }
        catch (StorageException refusal)
        {
            Assert.Equal(StorageErrorKind.Corrupt, refusal.Kind);
            Assert.Contains(name, refusal.Message, StringComparison.Ordinal);
            Assert.NotEmpty(refusal.Remedy);
        }
    }
}
