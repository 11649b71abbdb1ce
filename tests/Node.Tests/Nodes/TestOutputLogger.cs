using Microsoft.Extensions.Logging;

namespace Conclave.Node.Tests.Nodes;

/// <summary>Puts what a node logs into the output of the test that started it.</summary>
internal sealed class TestOutputLogger(string name) : ILoggerFactory, ILogger
{
    /// <summary>Everything that was logged, the audit included.</summary>
    public System.Collections.Concurrent.ConcurrentQueue<string> Lines { get; } = new();

    private readonly ITestOutputHelper? _output = TestContext.Current.TestOutputHelper;

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("This factory has one logger.");

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        string line = $"{name} {logLevel}: {formatter(state, exception)} {exception}";
        Lines.Enqueue(line);
        try
        {
            _output?.WriteLine(line);
        }
        catch (InvalidOperationException)
        {
            // The test has ended; a node that stops after it has nobody to tell.
        }
    }

    public void Dispose()
    {
    }
}
