using System.Net;
using Conclave.Node.Http;
using Conclave.Node.Http.Limits;
using Conclave.Wire.Etcd.Etcdserverpb;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Tests.Http;

/// <summary>A client port on loopback with the methods a test gives it, and clients for it.</summary>
internal sealed class TestListener : IAsyncDisposable
{
    private readonly ClientListener _listener;
    private readonly List<IDisposable> _clients = [];

    private TestListener(ClientListener listener, CapturedLog log, ClientRefusals refusals) => (_listener, Log, Refusals) = (listener, log, refusals);

    public ClientRefusals Refusals { get; }

    /// <summary>Reads that wait for room for their answers.</summary>
    public long ReadsWaiting => _listener.ReadsWaiting;

    public long HeldRequestBytes => _listener.HeldRequestBytes;

    public long BufferedBytes => _listener.BufferedBytes;

    public IPEndPoint EndPoint => _listener.EndPoints[0];

    public IReadOnlyList<IPEndPoint> EndPoints => _listener.EndPoints;

    public Uri Address => new($"http://{EndPoint}");

    public CapturedLog Log { get; }

    public static async Task<TestListener> StartAsync(
        Action<RpcRegistry>? methods = null, Action<PlainRoutes>? routes = null, Func<ClientListenerOptions, ClientListenerOptions>? change = null)
    {
        var registry = new RpcRegistry();
        methods?.Invoke(registry);
        var plain = new PlainRoutes();
        routes?.Invoke(plain);
        var options = new ClientListenerOptions { Addresses = [new ListenAddress(new IPEndPoint(IPAddress.Loopback, 0))] };
        var log = new CapturedLog();
        options = options with { Refusals = new ClientRefusals(TimeProvider.System, log) };
        options = change?.Invoke(options) ?? options;
        var listener = new ClientListener(options, registry, plain, log);
        await listener.StartAsync(TestContext.Current.CancellationToken);
        return new TestListener(listener, log, options.Refusals!);   // not null: set above
    }

    /// <summary>A listener with one unary method, /test.Test/Call and POST /v3/test/call.</summary>
    public static Task<TestListener> WithUnaryAsync(UnaryHandler handler, Func<ClientListenerOptions, ClientListenerOptions>? change = null) =>
        StartAsync(registry => registry.Add(RpcMethod.ForUnary<PutRequest, PutRequest>(
            "/test.Test/Call", handler, "/v3/test/call")), change: change);

    /// <summary>The same, and the method is a read.</summary>
    public static Task<TestListener> WithReadAsync(UnaryHandler handler, Func<ClientListenerOptions, ClientListenerOptions>? change = null) =>
        StartAsync(registry => registry.Add(RpcMethod.ForRead<PutRequest, PutRequest>(
            "/test.Test/Call", handler, "/v3/test/call")), change: change);

    /// <summary>A listener with one bidirectional method, /test.Test/Call and POST /v3/test/call.</summary>
    public static Task<TestListener> WithStreamAsync(StreamHandler handler, Func<ClientListenerOptions, ClientListenerOptions>? change = null) =>
        StartAsync(registry => registry.Add(RpcMethod.ForBidiStream<PutRequest, PutRequest>(
            "/test.Test/Call", handler, "/v3/test/call")), change: change);

    public GrpcTestClient Grpc() => Keep(new GrpcTestClient(Address));

    public HttpClient Http() => Keep(new HttpClient { BaseAddress = Address });

    public RawConnection Connect() => Keep(new RawConnection(EndPoint));

    public Task StopAsync(TimeSpan grace) => _listener.StopAsync(grace);

    public async ValueTask DisposeAsync()
    {
        foreach (IDisposable client in _clients)
            client.Dispose();
        await _listener.DisposeAsync();
    }

    private T Keep<T>(T client)
        where T : IDisposable
    {
        _clients.Add(client);
        return client;
    }
}

/// <summary>Remembers what the node's own classes logged; Kestrel's talk is dropped.</summary>
internal sealed class CapturedLog : ILoggerFactory, ILogger
{
    private readonly List<string> _lines = [];

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lines)
                return [.. _lines];
        }
    }

    public ILogger CreateLogger(string categoryName) => categoryName.StartsWith("Conclave", StringComparison.Ordinal)
        ? this
        : Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

    public void AddProvider(ILoggerProvider provider) { }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_lines)
            _lines.Add($"{logLevel} {eventId.Id} {formatter(state, exception)}");
    }

    public void Dispose() { }
}
