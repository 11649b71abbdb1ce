using System.Net;
using Conclave.Node.Http.Limits;
using Conclave.Node.Http.Port;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Conclave.Node.Http;

/// <summary>The client port: gRPC, the JSON gateway and plain HTTP, all on each address.</summary>
public sealed class ClientListener : IAsyncDisposable
{
    /// <summary>What a client that does not go by itself gets on top of the grace period before its connection is cut.</summary>
    private static readonly TimeSpan LastWords = TimeSpan.FromMilliseconds(500);

    private readonly ListenerServices _services;
    private readonly ILoggerFactory _loggerFactory;
    private readonly ListenerLifetime _lifetime = new();
    private readonly List<Func<EndPoint>> _bound = [];
    private readonly ConnectionBound _connections;
    private WebApplication? _host;
    private IServer? _server;
    private Task? _stopped;

    /// <exception cref="ArgumentException">The options cannot be used; the message lists every problem.</exception>
    public ClientListener(ClientListenerOptions options, RpcRegistry registry, PlainRoutes routes, ILoggerFactory loggerFactory)
    {
        string problems = string.Join(' ', options.Problems());
        if (problems.Length > 0)
            throw new ArgumentException(problems, nameof(options));
        _loggerFactory = loggerFactory;
        ILogger logger = loggerFactory.CreateLogger<ClientListener>();
        ClientRefusals refusals = options.Refusals ?? new ClientRefusals(options.Time, logger);
        _services = new ListenerServices(options, registry, routes, _lifetime, refusals, new RequestBudget(options.Limits, options.Time, refusals), logger);
        _connections = new ConnectionBound(options, refusals);
    }

    /// <summary>The addresses really bound, in the order of the options; empty before the start.</summary>
    public IReadOnlyList<IPEndPoint> EndPoints { get; private set; } = [];

    /// <summary>Bytes of requests above 8 KiB that are kept now.</summary>
    internal long HeldRequestBytes => _services.Budget.HeldRequestBytes;

    /// <summary>Reads that wait for room for their answers.</summary>
    internal long ReadsWaiting => _services.Budget.Answers.Waiting;

    /// <summary>Bytes that lie in connections, but for the last 32 KiB of each.</summary>
    internal long BufferedBytes => _connections.BufferedBytes;

    /// <summary>Binds all addresses and begins to serve. The registry and the routes can not change any more.</summary>
    /// <exception cref="IOException">An address is in use or not ours; the message names it.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _services.Registry.Freeze();
        _services.Routes.Freeze();
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(_loggerFactory);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(Configure);
        builder.Services.AddSingleton<IConnectionListenerFactory>(services => new SharedPortListenerFactory(
            new SocketTransportFactory(services.GetRequiredService<IOptions<SocketTransportOptions>>(), _loggerFactory)));
        _host = builder.Build();
        _server = _host.Services.GetRequiredService<IServer>();
        await _server.StartAsync(new ClientApplication(_services), cancellationToken);
        EndPoints = [.. _bound.Select(endPoint => (IPEndPoint)endPoint())];
        foreach (IPEndPoint endPoint in EndPoints)
            _services.Logger.Listening(endPoint);
    }

    /// <summary>
    /// Ends streams and waiting calls with Unavailable at once, lets the other calls finish within <paramref name="grace"/>,
    /// then closes what is left. Repeating it waits for the first.
    /// </summary>
    public Task StopAsync(TimeSpan grace) => _stopped ??= StopOnceAsync(grace);

    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero);
        if (_host is not null)
            await _host.DisposeAsync();
        _connections.Dispose();
        _lifetime.Dispose();
    }

    private async Task StopOnceAsync(TimeSpan grace)
    {
        long begun = _services.Options.Time.GetTimestamp();
        await _lifetime.StopAsync(grace);
        if (_server is null)
            return;
        TimeSpan left = grace - _services.Options.Time.GetElapsedTime(begun);
        using var cut = new CancellationTokenSource((left > TimeSpan.Zero ? left : TimeSpan.Zero) + LastWords);
        await _server.StopAsync(cut.Token);
    }

    private void Configure(KestrelServerOptions kestrel)
    {
        KestrelServerLimits limits = kestrel.Limits;
        kestrel.AddServerHeader = false;
        limits.MaxRequestBodySize = null; // The framing and the gateway have limits of their own, and answers that say so.
        limits.MinRequestBodyDataRate = null; // A watch is silent for hours; for unary calls see BodyPace.
        limits.RequestHeadersTimeout = _services.Options.HeadersTimeout;
        limits.MinResponseDataRate = null;
        // Clients keep idle connections; dead ones fail the ping. Not InfiniteTimeSpan: Kestrel in .NET 10 turns that into a number of clock ticks
        // that overflows, and then closes whatever connection is between two requests when its once-a-second check comes by.
        limits.KeepAliveTimeout = TimeSpan.FromDays(30);
        limits.Http2.MaxStreamsPerConnection = _services.Options.Limits.StreamsPerConnection;
        limits.Http2.KeepAlivePingDelay = _services.Options.Limits.KeepAliveInterval;
        limits.Http2.KeepAlivePingTimeout = _services.Options.Limits.KeepAliveTimeout;
        foreach (ListenAddress address in _services.Options.Addresses)
        {
            if (address.Tls is { } tls)
            {
                kestrel.Listen(address.EndPoint, listen =>
                {
                    _connections.Use(listen);
                    listen.UseTls(tls, _services.Options, _services.Refusals);
                    listen.UsePingGuard(_services.Options, _services.Refusals);
                    listen.UseAuthorityRepair();
                    _bound.Add(() => listen.EndPoint);
                });
                continue;
            }

            var port = new SharedPort(address.EndPoint, _services.Options, _services.Refusals, _services.Logger);
            _bound.Add(() => port.EndPoint);
            kestrel.Listen(new SharedPortEndPoint(port, PortProtocol.Http1), listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                _connections.Use(listen);
            });
            kestrel.Listen(new SharedPortEndPoint(port, PortProtocol.Http2), listen =>
            {
                listen.Protocols = HttpProtocols.Http2;
                _connections.Use(listen);
                listen.UsePingGuard(_services.Options, _services.Refusals);
                listen.UseAuthorityRepair();
            });
        }
    }
}
