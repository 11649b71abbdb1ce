using System.Diagnostics;
using Conclave.Processes.Servers;

namespace Conclave.FleetDemo;

/// <summary>The <c>conclave</c> command, as a person runs it.</summary>
internal sealed class ConclaveCommand(string endpoints, string directory, Action<string> say)
{
    private static readonly TimeSpan LongestRun = TimeSpan.FromMinutes(5);

    /// <summary>The built program.</summary>
    /// <exception cref="FileNotFoundException">It is not built.</exception>
    public static string Binary { get; } = Find();

    /// <summary>Runs it and demands how it ends.</summary>
    /// <param name="expected">The exit code that it must have.</param>
    /// <param name="arguments">Its command line, without endpoints.</param>
    /// <returns>What it printed, both outputs.</returns>
    /// <exception cref="DemoFailedException">It ended otherwise, or not at all.</exception>
    public async Task<string> RunAsync(int expected, params string[] arguments)
    {
        var start = new ProcessStartInfo(Binary) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, UseShellExecute = false, WorkingDirectory = directory };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        start.Environment["CONCLAVE_ENDPOINTS"] = endpoints;
        say($"$ conclave {string.Join(' ', arguments.Select(a => a.Contains(' ', StringComparison.Ordinal) ? $"'{a}'" : a))}");
        using Process process = Process.Start(start) ?? throw new DemoFailedException($"{Binary} did not start.");
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(LongestRun);
        try
        {
            await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new DemoFailedException($"conclave {arguments[0]} did not end within {LongestRun.TotalMinutes} minutes.");
        }

        string text = await output.ConfigureAwait(false) + await errors.ConfigureAwait(false);
        foreach (string line in text.TrimEnd().Split('\n').Take(8)) say("  " + line);
        if (process.ExitCode != expected) throw new DemoFailedException($"conclave {string.Join(' ', arguments)} ended with {process.ExitCode}, not {expected}:\n{text}");
        return text;
    }

    private static string Find()
    {
        string root = ServerBinary.RepositoryRoot() ?? throw new FileNotFoundException("Cluster.sln is not above this program: run the demo from a checkout.");
        string[] candidates = ["artifacts/bin/Cli/release/conclave", "artifacts/bin/Cli/debug/conclave"];
        return candidates.Select(c => Path.Combine(root, c)).FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException("conclave is not built. Run: dotnet build -c Release src/Cli");
    }
}

/// <summary>Something did not happen that has to.</summary>
internal sealed class DemoFailedException(string message) : Exception(message);
