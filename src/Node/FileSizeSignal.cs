using System.Runtime.InteropServices;

namespace Conclave.Node;

/// <summary>Keeps a limit on the size of files (ulimit -f) from killing the process.</summary>
/// <remarks>The kernel sends SIGXFSZ with the error, and who does not take it ends without a word. The error alone is dealt with: see <see cref="Consensus.SnapshotKeeper"/>.</remarks>
internal static class FileSizeSignal
{
    private const int SigXfsz = 25;

    /// <summary>From now on, until it is disposed.</summary>
    public static IDisposable Ignore() => PosixSignalRegistration.Create((PosixSignal)SigXfsz, static context => context.Cancel = true);
}
