using System.Net.Security;

namespace Conclave.Client.Rpc;

/// <summary>How an <see cref="RpcChannel"/> connects. One instance may serve many channels.</summary>
public sealed record RpcChannelOptions
{
    /// <summary>Longest time to open one connection, name look-up and TLS included. Default 2 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Silence on a connection with open calls after which it is pinged. Default 10 s; etcd closes connections that ping more
    /// often than every 5 s.
    /// </summary>
    public TimeSpan KeepAliveDelay { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time a ping may stay unanswered before the connection counts as lost. Default 5 s.</summary>
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Unary calls in flight on one connection before another is opened, 1 or more. Default 96: between 64 and 100 the cost
    /// of a call is lowest, and at 256 a call allocates five times as much and takes twice the processor time.
    /// </summary>
    public int CallsPerConnectionMax { get; init; } = 96;

    /// <summary>Connections opened at most, 1 or more; when all are full, calls are spread over them. Default 4.</summary>
    public int ConnectionsMax { get; init; } = 4;

    /// <summary>Largest message accepted, in bytes. Default 512 MiB. A longer one fails the call.</summary>
    public int ReceiveBytesMax { get; init; } = 512 << 20;

    /// <summary>Certificates and checks for <c>https</c> endpoints; null means the system's defaults.</summary>
    public SslClientAuthenticationOptions? Tls { get; init; }
}
