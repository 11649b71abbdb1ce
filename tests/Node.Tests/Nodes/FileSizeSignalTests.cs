using System.Globalization;

namespace Conclave.Node.Tests.Nodes;

public class FileSizeSignalTests
{
    private const int SigXfsz = 25;

    [Fact]
    public void A_file_that_may_not_grow_does_not_kill_the_process()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "reads /proc");
        Assert.False(IsCaught());
        using (FileSizeSignal.Ignore()) Assert.True(IsCaught());
    }

    private static bool IsCaught()
    {
        string line = File.ReadLines("/proc/self/status").Single(each => each.StartsWith("SigCgt:", StringComparison.Ordinal));
        return (ulong.Parse(line["SigCgt:".Length..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) >> (SigXfsz - 1) & 1) != 0;
    }
}
