using System.Diagnostics;

namespace Conclave.Layers.Tests.Support;

/// <summary>The independent readers that the formats are checked with: Debian's Python.</summary>
internal static class Python
{
    private const string Path = "/usr/bin/python3";

    /// <param name="module">What the script imports; the test is skipped when it is not installed.</param>
    /// <param name="script">The program; its input is standard input.</param>
    /// <param name="input">That input.</param>
    /// <returns>Its standard output.</returns>
    public static string Run(string module, string script, string input)
    {
        Assert.SkipUnless(File.Exists(Path), $"{Path} is not installed.");
        (int code, string output, string errors) = Start(script, input);
        Assert.SkipWhen(code != 0 && errors.Contains($"No module named '{module}", StringComparison.Ordinal), $"Python's {module} is not installed.");
        Assert.True(code == 0, errors);
        return output;
    }

    private static (int Code, string Output, string Errors) Start(string script, string input)
    {
        var start = new ProcessStartInfo(Path) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(script);
        start.Environment["PYTHONIOENCODING"] = "utf-8";
        using Process process = Process.Start(start)!;
        // Errors are read beside the output, or a full pipe would stop both.
        Task<string> errors = process.StandardError.ReadToEndAsync();
        Task write = Task.Run(() =>
        {
            process.StandardInput.Write(input);
            process.StandardInput.Close();
        });
        string output = process.StandardOutput.ReadToEnd();
        write.Wait();
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(30)), "Python did not end within 30 s.");
        return (process.ExitCode, output, errors.Result);
    }
}
