using Conclave.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Conclave.Extensions.Tests.Hosting;

/// <summary>Programs as people write them, on a node of this process.</summary>
internal static class Hosts
{
    /// <param name="node">What to talk to.</param>
    /// <param name="document">Which configuration to take; null for none.</param>
    /// <param name="add">The program's services.</param>
    public static IHost Build(RunningNode node, string? document, Action<HostApplicationBuilder> add)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        if (document is null) builder.Configuration.AddInMemoryCollection([new("Conclave:Endpoints", node.Endpoint.OriginalString)]);
        else
        {
            builder.Configuration.AddConclave(o =>
            {
                o.Endpoints.Add(node.Endpoint);
                o.Node = "c1";
                o.Documents.Add(document);
                o.StartupTimeout = TimeSpan.FromSeconds(60);
            });
        }

        builder.Logging.AddProvider(Lines.Provider);
        builder.Services.AddConclaveClient();
        add(builder);
        return builder.Build();
    }

    public static async Task<KeyValue?> KeyAsync(RunningNode node, string prefix) =>
        (await node.Client.RangeAsync(KeyRange.Prefix(prefix))).Items is [{ } only] ? only : null;
}

/// <summary>Everything that hosts of this process logged.</summary>
internal sealed class Lines : ILoggerProvider, ILogger
{
    private readonly List<string> _lines = [];

    public static Lines Provider { get; } = new();

    public bool Have(string text)
    {
        lock (_lines) return _lines.Any(l => l.Contains(text, StringComparison.Ordinal));
    }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_lines) _lines.Add($"{logLevel}: {formatter(state, exception)} {exception}");
    }

    public void Dispose()
    {
    }
}
