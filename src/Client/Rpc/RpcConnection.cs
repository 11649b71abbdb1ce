using System.Net;

namespace Conclave.Client.Rpc;

/// <summary>One HTTP/2 connection of a channel: its handler, and how many unary calls use it.</summary>
internal sealed class RpcConnection : IDisposable
{
    private int _inFlight;

    public RpcConnection(RpcChannelOptions options)
    {
        SocketsHttpHandler handler = new()
        {
            EnableMultipleHttp2Connections = true,   // only matters when a server limits its streams
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            PooledConnectionLifetime = Timeout.InfiniteTimeSpan,
            ConnectTimeout = options.ConnectTimeout,
            KeepAlivePingDelay = options.KeepAliveDelay,
            KeepAlivePingTimeout = options.KeepAliveTimeout,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            InitialHttp2StreamWindowSize = 1 << 20,
        };
        if (options.Tls is { } tls) handler.SslOptions = tls;
        Invoker = new HttpMessageInvoker(handler, disposeHandler: true);
    }

    public HttpMessageInvoker Invoker { get; }

    public int InFlight => Volatile.Read(ref _inFlight);

    public void Enter() => Interlocked.Increment(ref _inFlight);

    public void Leave() => Interlocked.Decrement(ref _inFlight);

    public void Dispose() => Invoker.Dispose();
}
