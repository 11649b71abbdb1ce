using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Conclave.Processes.Servers;

/// <summary>The signals that .NET's own Process class cannot send.</summary>
internal static class Signals
{
    public const int Interrupt = 2, Terminate = 15, Continue = 18, Stop = 19;
    private const int NoSuchProcess = 3;

    /// <returns>False when the process is gone already.</returns>
    public static bool Send(int pid, int signal)
    {
        if (Kill(pid, signal) == 0)
            return true;
        int error = Marshal.GetLastPInvokeError();
        return error == NoSuchProcess ? false : throw new Win32Exception(error);
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int Kill(int pid, int signal);
}
