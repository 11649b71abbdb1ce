using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Conclave.Cli.Up;

/// <summary>One node's process: started, watched, ended, and started again.</summary>
internal sealed class NodeProcess(NodePlan plan, string binary, ProcessStarter starter) : IDisposable
{
    private readonly BoundedLog _log = new(plan.LogFile);
    private Process? _process;

    public NodePlan Plan => plan;

    /// <summary>Null while the node is down.</summary>
    public int? ProcessId => IsRunning ? _process?.Id : null;

    /// <summary>How the last process ended; null while one runs, and before the first.</summary>
    public int? ExitCode => _process is { HasExited: true } ended ? ended.ExitCode : null;

    public bool IsRunning => _process is { HasExited: false };

    /// <summary>Completes when the process now running has ended.</summary>
    public Task Ended => _process?.WaitForExitAsync() ?? Task.CompletedTask;

    /// <exception cref="System.ComponentModel.Win32Exception">The program cannot be started.</exception>
    public async Task StartAsync()
    {
        _process?.Dispose();
        _process = null;
        Process process = new() { StartInfo = new ProcessStartInfo(binary, plan.Arguments) };
        process.OutputDataReceived += (_, line) => Log(line.Data);
        process.ErrorDataReceived += (_, line) => Log(line.Data);
        _log.WriteLine($"---- conclave up starts {plan.Name}: {binary} {string.Join(' ', plan.Arguments)}");
        await starter.StartAsync(process).ConfigureAwait(false);
        _process = process;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Asks the process to end; after the time given it is killed.</summary>
    public async Task StopAsync(TimeSpan patience)
    {
        if (_process is not { HasExited: false } process) return;
        Terminate(process.Id);
        try
        {
            await process.WaitForExitAsync().WaitAsync(patience).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _log.WriteLine($"---- {plan.Name} did not end within {patience.TotalSeconds} s and is killed");
            process.Kill();
            await process.WaitForExitAsync().ConfigureAwait(false);
        }
    }

    public void Dispose()
    {
        _process?.Dispose();
        _log.Dispose();
    }

    private void Log(string? line)
    {
        if (line is not null) _log.WriteLine(line);
    }

    private static void Terminate(int processId)
    {
        const int SigTerm = 15;
        _ = Kill(processId, SigTerm);   // fails only for a process that is gone already, which is what is wanted
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int processId, int signal);
}
