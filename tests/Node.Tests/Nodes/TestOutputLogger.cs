using Microsoft.Extensions.Logging;

namespace Conclave.Node.Tests.Nodes;

/// <summary>Puts what a node logs into the output of the test that started it.</summary>
internal sealed class TestOutputLogger(string name) : ILoggerFactory, ILogger
{
    private readonly ITestOutputHelper? _output = TestContext.Current.TestOutputHelper;

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("This factory has one logger.");

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            _output?.WriteLine($"{name} {logLevel}: {formatter(state, exception)} {exception}");
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
