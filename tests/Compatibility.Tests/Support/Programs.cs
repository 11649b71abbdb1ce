using System.Diagnostics;

namespace Conclave.Compatibility.Tests.Support;

/// <summary>Runs a foreign program to its end.</summary>
internal static class Programs
{
    public sealed record Ended(int ExitCode, string Output, string Error);

    /// <summary>Output is read while it runs; it is killed when it takes longer than two minutes.</summary>
    public static async Task<Ended> RunAsync(string program, IEnumerable<string> arguments, string? input, IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken)
    {
        using Process process = Start(program, arguments, environment);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(TimeSpan.FromMinutes(2));
        Task<string> output = process.StandardOutput.ReadToEndAsync(CancellationToken.None), error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            if (input is not null)
                await process.StandardInput.WriteAsync(input.AsMemory(), patience.Token);
            process.StandardInput.Close();
            await process.WaitForExitAsync(patience.Token);
            return new Ended(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            process.Kill(entireProcessTree: true);   // closes its output
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} did not end within two minutes.\n{await output}\n{await error}");
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    /// <summary>Starts it with all three streams redirected; the caller ends it.</summary>
    public static Process Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment)
    {
        var start = new ProcessStartInfo(program) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        return Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
    }
}
