using System.Text;
using Conclave.Cli.Output;
using Conclave.Client.Tests;

namespace Conclave.Cli.Tests;

/// <summary>Runs commands the way a shell would, in this process.</summary>
internal sealed class Shell
{
    private readonly Dictionary<string, string> _environment = [];

    public Shell(string? endpoint = null)
    {
        if (endpoint is not null) _environment["CONCLAVE_ENDPOINTS"] = endpoint;
    }

    public static PortBlock Ports { get; } = new(24350, 50);

    public Shell With(string variable, string value)
    {
        _environment[variable] = value;
        return this;
    }

    public Task<Answer> RunAsync(params string[] arguments) => RunAsync("", isInteractive: false, arguments);

    public Task<Answer> SendAsync(string input, params string[] arguments) => RunAsync(input, isInteractive: false, arguments);

    /// <summary>As a person would see it.</summary>
    public Task<Answer> ShowAsync(params string[] arguments) => RunAsync("", isInteractive: true, arguments);

    /// <summary>Starts a command that runs until stopped.</summary>
    public Running Start(params string[] arguments) => new(this, arguments);

    public Terminal Terminal(Stream input, Stream output, TextWriter error, bool isInteractive) =>
        new(input, output, error, isInteractive, IsInputInteractive: false, name => _environment.GetValueOrDefault(name));

    private async Task<Answer> RunAsync(string input, bool isInteractive, string[] arguments)
    {
        using MemoryStream output = new();
        StringWriter error = new() { NewLine = "\n" };
        using MemoryStream sent = new(Encoding.UTF8.GetBytes(input));
        int code = await CommandLine.RunAsync(arguments, Terminal(sent, output, error, isInteractive), TestContext.Current.CancellationToken);
        return new Answer(code, Encoding.UTF8.GetString(output.ToArray()), error.ToString());
    }
}

/// <summary>How a command ended.</summary>
internal sealed record Answer(int Code, string Out, string Error);

/// <summary>A command that is still running; its lines are read as they come.</summary>
internal sealed class Running : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly System.IO.Pipelines.Pipe _pipe = new();
    private readonly StringWriter _error = new();
    private readonly StreamReader _lines;
    private readonly Task<int> _run;

    public Running(Shell shell, string[] arguments)
    {
        _lines = new StreamReader(_pipe.Reader.AsStream());
        _run = RunAsync(shell, arguments);
    }

    public string Error => _error.ToString();

    /// <summary>Reads on to the first line that begins so.</summary>
    public async Task<string> LineAsync(string beginning)
    {
        using CancellationTokenSource timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(60));
        while (await _lines.ReadLineAsync(timeout.Token) is { } line)
        {
            if (line.StartsWith(beginning, StringComparison.Ordinal)) return line;
        }

        throw new InvalidOperationException($"The output ended before a line that begins with \"{beginning}\". {Error}");
    }

    /// <summary>Stops it as ctrl-c does, and returns its exit code.</summary>
    public async Task<int> StopAsync()
    {
        await _stop.CancelAsync();
        return await _run;
    }

    /// <summary>Waits until it ends by itself, and returns its exit code.</summary>
    public Task<int> EndAsync() => _run.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _lines.Dispose();
        _stop.Dispose();
    }

    private async Task<int> RunAsync(Shell shell, string[] arguments)
    {
        // Far more than any test prints, so that a command never waits for the reader.
        Stream output = _pipe.Writer.AsStream();
        int code = await CommandLine.RunAsync(arguments, shell.Terminal(Stream.Null, output, TextWriter.Synchronized(_error), isInteractive: false), _stop.Token);
        await _pipe.Writer.CompleteAsync();
        return code;
    }
}
