using System.Collections.Immutable;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Conclave.Agent;

/// <summary>Runs programs, each with a time limit. A program that fails, hangs or is not there is a text, never an end of the agent.</summary>
public static class ProcessRunner
{
    private const int OutputCharsMax = 4096, MessageCharsMax = 600;

    private static readonly TimeSpan DrainTime = TimeSpan.FromMilliseconds(500);

    /// <param name="command">Program and arguments; no shell.</param>
    /// <param name="timeout">After that it and its children are killed, where that is allowed; it counts as failed either way.</param>
    /// <param name="environment">Added to the agent's own.</param>
    /// <param name="cancellationToken">Stops waiting; the program goes on.</param>
    /// <returns>Why it counts as failed, with the end of what it printed; null for exit code 0. And its output.</returns>
    public static async Task<(string? Failure, string Output)> RunAsync(ImmutableArray<string> command, TimeSpan timeout, IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(command[0], command[1..]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        using var process = new Process { StartInfo = start };
        var (output, errors) = (new Tail(), new Tail());
        process.OutputDataReceived += (_, line) => output.Add(line.Data);
        process.ErrorDataReceived += (_, line) => errors.Add(line.Data);
        try
        {
            process.Start();
        }
        catch (Win32Exception problem)
        {
            return ($"{command[0]} cannot be started: {problem.Message}", "");
        }

        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        // Not WaitForExitAsync: that waits for the end of the output too, which a daemon that was started keeps open.
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        process.EnableRaisingEvents = true;
        process.Exited += (_, _) => ended.TrySetResult();
        if (process.HasExited) ended.TrySetResult();
        try
        {
            await ended.Task.WaitAsync(timeout, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return ($"{command[0]} did not end within {timeout.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture)} s and {Kill(process)}.{Said(errors, output)}", "");
        }

        using var drain = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        drain.CancelAfter(DrainTime);
        try
        {
            await process.WaitForExitAsync(drain.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Somebody else has the output; what it says from now on is not the program's.
        }

        return process.ExitCode == 0 ? (null, output.ToString()) : ($"{command[0]} ended with code {process.ExitCode}.{Said(errors, output)}", "");
    }

    /// <returns>What became of it.</returns>
    private static string Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
            return "was killed";
        }
        catch (Exception problem) when (problem is AggregateException or Win32Exception or InvalidOperationException)
        {
            // Of another user, as with sudo. To wait for it any longer would hold the group, and its slot, for as long as it hangs.
            string why = (problem as AggregateException)?.Flatten().InnerExceptions[0].Message ?? problem.Message;
            return $"could not be killed, so it or what it started may still run ({why.TrimEnd('.')}; let the command limit its own time, as with timeout(1) behind sudo)";
        }
    }

    private static string Said(Tail errors, Tail output)
    {
        string said = errors.ToString().Trim() is { Length: > 0 } text ? text : output.ToString().Trim();
        if (said.Length <= MessageCharsMax) return said.Length == 0 ? "" : " It said: " + said;
        int kept = EndFrom(said, MessageCharsMax);
        return kept == said.Length ? " The last line that it printed is too long to be shown." : " It said: ..." + said[kept..];
    }

    /// <summary>Where the last lines begin. Whole ones: of a secret that is cut through, nobody would find the rest to mask it.</summary>
    private static int EndFrom(string text, int charsMax) => text.IndexOf('\n', text.Length - charsMax - 1) is >= 0 and int end ? end + 1 : text.Length;

    /// <summary>The end of what a program prints.</summary>
    private sealed class Tail
    {
        private readonly StringBuilder _text = new();

        public void Add(string? line)
        {
            lock (_text)
            {
                if (line is not null) _text.Append(line).Append('\n');
                if (_text.Length > 2 * OutputCharsMax) _text.Remove(0, EndFrom(_text.ToString(), OutputCharsMax));
            }
        }

        public override string ToString()
        {
            lock (_text) return _text.ToString();
        }
    }
}
