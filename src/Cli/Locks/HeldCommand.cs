using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Conclave.Cli.Output;
using Conclave.Client;

namespace Conclave.Cli.Locks;

/// <summary>Runs a program while something is held, and ends it before that can be lost.</summary>
/// <param name="key">Of what is held.</param>
/// <param name="token">Fencing token.</param>
/// <param name="lost">Fires with a tenth of the time to live left.</param>
/// <param name="grace">From the request to end to the kill.</param>
internal sealed class HeldCommand(Bytes key, long token, CancellationToken lost, TimeSpan grace)
{
    private const string Setpriv = "/usr/bin/setpriv";
    private const int NotFound = 127, SigTerm = 15;

    /// <param name="command">Program and arguments.</param>
    /// <param name="terminal">For errors; the program has this process's own input and output.</param>
    /// <param name="stop">Passed on to the program, which decides when it ends.</param>
    /// <returns>The program's exit code, or <see cref="ExitCode.LockLost"/>.</returns>
    public async Task<int> RunAsync(IReadOnlyList<string> command, Terminal terminal, CancellationToken stop)
    {
        terminal.Out.Flush();
        using Process process = new() { StartInfo = StartOf(command) };
        var ended = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        // One thread for the whole life of the program: with setpriv the kernel ends it when that thread ends, so it does not go on alone when this process is killed.
        new Thread(() => Run(process, started, ended)) { IsBackground = true, Name = "held command" }.Start();
        try
        {
            await started.Task.ConfigureAwait(false);
        }
        catch (Win32Exception problem)
        {
            terminal.Fail($"{command[0]} cannot be started: {problem.Message}");
            return NotFound;
        }

        await using CancellationTokenRegistration onStop = stop.Register(() => Terminate(process));
        var isLost = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using CancellationTokenRegistration onLost = lost.Register(isLost.SetResult);
        if (await Task.WhenAny(ended.Task, isLost.Task).ConfigureAwait(false) == ended.Task) return await ended.Task.ConfigureAwait(false);

        terminal.Fail($"{key} with fencing token {token} is about to be lost: nobody could be reached, or the lease was revoked. {command[0]} is ended.");
        Terminate(process);
        if (await Task.WhenAny(ended.Task, Task.Delay(grace, CancellationToken.None)).ConfigureAwait(false) != ended.Task) process.Kill(entireProcessTree: true);
        await ended.Task.ConfigureAwait(false);
        return ExitCode.LockLost;
    }

    private static void Run(Process process, TaskCompletionSource started, TaskCompletionSource<int> ended)
    {
        try
        {
            process.Start();
        }
        catch (Exception problem)
        {
            started.SetException(problem);
            return;
        }

        started.SetResult();
        process.WaitForExit();
        ended.SetResult(process.ExitCode);
    }

    private ProcessStartInfo StartOf(IReadOnlyList<string> command)
    {
        string[] all = File.Exists(Setpriv) ? [Setpriv, "--pdeathsig", "TERM", "--", .. command] : [.. command];
        var info = new ProcessStartInfo(all[0], all[1..]) { UseShellExecute = false };
        info.Environment["CONCLAVE_FENCING_TOKEN"] = info.Environment["ETCD_LOCK_REV"] = token.ToString(CultureInfo.InvariantCulture);
        info.Environment["CONCLAVE_LOCK_KEY"] = info.Environment["ETCD_LOCK_KEY"] = key.ToString();
        return info;
    }

    private static void Terminate(Process process)
    {
        try
        {
            if (!process.HasExited) _ = Kill(process.Id, SigTerm);
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself.
        }
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int processId, int signal);
}
