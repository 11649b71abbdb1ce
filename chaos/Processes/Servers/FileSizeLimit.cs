using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Conclave.Processes.Servers;

/// <summary>RLIMIT_FSIZE of a process that runs.</summary>
internal static class FileSizeLimit
{
    private const int FileSize = 1;

    /// <exception cref="Win32Exception">The process is gone, or somebody else's.</exception>
    public static void Set(int pid, long bytes)
    {
        var limit = new Limit { Soft = (ulong)bytes, Hard = (ulong)bytes };
        if (SetLimit(pid, FileSize, limit, 0) != 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    private struct Limit
    {
        public ulong Soft;
        public ulong Hard;
    }

    [DllImport("libc", EntryPoint = "prlimit", SetLastError = true)]
    private static extern int SetLimit(int pid, int resource, in Limit limit, nint before);
}
