using System.Diagnostics;
using System.Globalization;
using System.IO.Enumeration;
using System.Text;

namespace Conclave.Node.Metrics;

/// <summary>The process_* series, as every Prometheus client has them, and those of the runtime.</summary>
internal static class ProcessMetrics
{
    public static void Write(StringBuilder text)
    {
        using var process = Process.GetCurrentProcess();
        Write(text, "process_resident_memory_bytes", "gauge", process.WorkingSet64);
        Write(text, "process_virtual_memory_bytes", "gauge", process.VirtualMemorySize64);
        text.Append(CultureInfo.InvariantCulture, $"# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total {process.TotalProcessorTime.TotalSeconds}\n");
        Write(text, "process_start_time_seconds", "gauge", new DateTimeOffset(process.StartTime).ToUnixTimeSeconds());
        WriteDescriptors(text);
        Write(text, "dotnet_gc_heap_bytes", "gauge", GC.GetTotalMemory(forceFullCollection: false));
        Write(text, "dotnet_gc_pause_milliseconds_total", "counter", (long)GC.GetTotalPauseDuration().TotalMilliseconds);
    }

    /// <summary>etcd says the same under a second name, which its older dashboards read.</summary>
    private static void WriteDescriptors(StringBuilder text)
    {
        long? open = DescriptorsOpen(), most = DescriptorsMax();
        foreach (string name in (string[])["process_open_fds", "os_fd_used"])
        {
            if (open is { } value) Write(text, name, "gauge", value);
        }

        foreach (string name in (string[])["process_max_fds", "os_fd_limit"])
        {
            if (most is { } value) Write(text, name, "gauge", value);
        }
    }

    /// <summary>One for each name there, without a look at what it leads to: there may be thousands of connections.</summary>
    private static long? DescriptorsOpen()
    {
        const string descriptors = "/proc/self/fd";
        var every = new EnumerationOptions { AttributesToSkip = FileAttributes.None };
        return Directory.Exists(descriptors) ? new FileSystemEnumerable<byte>(descriptors, (ref FileSystemEntry _) => 0, every).LongCount() : null;
    }

    private static long? DescriptorsMax()
    {
        const string limits = "/proc/self/limits", name = "Max open files";
        string? line = File.Exists(limits) ? File.ReadLines(limits).FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal)) : null;
        return long.TryParse(line?[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault(), CultureInfo.InvariantCulture, out long most) ? most : null;
    }

    private static void Write(StringBuilder text, string name, string type, long value) => text.Append(CultureInfo.InvariantCulture, $"# TYPE {name} {type}\n{name} {value}\n");
}
