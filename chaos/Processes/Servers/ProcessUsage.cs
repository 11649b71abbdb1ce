using System.Globalization;

namespace Conclave.Processes.Servers;

/// <summary>What one process has used so far, from /proc.</summary>
/// <param name="Cpu">User and system time since its start; the kernel counts it in steps of 10 ms.</param>
/// <param name="ResidentBytes">Memory in RAM now.</param>
public readonly record struct ProcessUsage(TimeSpan Cpu, long ResidentBytes)
{
    private const int TicksPerSecond = 100;   // USER_HZ, fixed by the kernel's ABI

    /// <summary>Zero for a process that is gone.</summary>
    public static ProcessUsage Of(int pid)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            // The second field is the program's name in parentheses and may hold blanks: count from its end.
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            long ticks = long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
            long pages = long.Parse(fields[21], CultureInfo.InvariantCulture);
            return new ProcessUsage(TimeSpan.FromSeconds((double)ticks / TicksPerSecond), pages * Environment.SystemPageSize);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or IOException)
        {
            return default;   // it ended between two looks
        }
    }
}
