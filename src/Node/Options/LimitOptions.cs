namespace Conclave.Node.Options;

/// <summary>How much a node takes on from its clients before it says no. The defaults refuse nothing that a healthy cluster is asked.</summary>
public sealed record LimitOptions
{
    /// <summary>Calls in a second, all clients together; 0 is no limit. Default 0.</summary>
    public long RequestsPerSecond { get; init; }

    /// <summary>Calls in a second from one address; 0 is no limit. Default 0.</summary>
    public long ClientRequestsPerSecond { get; init; }

    /// <summary>Bytes of request messages in a second, all clients together; 0 is no limit. Default 0.</summary>
    public long RequestBytesPerSecond { get; init; }

    /// <summary>Unary calls under way at a time; 0 is no limit. Default 100,000.</summary>
    public long InflightRequests { get; init; } = 100_000;

    /// <summary>Bytes of request messages held at a time, of unary calls; 0 is no limit. Default 512 MiB.</summary>
    public long InflightRequestBytes { get; init; } = 512L << 20;

    /// <summary>Open client connections; 0 is no limit. Default 10,000.</summary>
    public int Connections { get; init; } = 10_000;

    /// <summary>Streams that a client may have open on one connection. Default 1,000,000: a client puts all its watches on one.</summary>
    public int StreamsPerConnection { get; init; } = 1_000_000;

    /// <summary>A client that pings more often than this while nothing is sent to it is hung up on; zero is never. Default 5 s.</summary>
    public TimeSpan KeepAliveMinTime { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Silence on a connection after which the client is pinged, 1 s or more. Default 2 h.</summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromHours(2);

    /// <summary>Time for the answer to such a ping, 1 s or more. Default 20 s.</summary>
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(20);

    internal IEnumerable<string> Problems()
    {
        foreach ((string flag, long value) in new[]
                 {
                     ("--max-requests-per-second", RequestsPerSecond), ("--max-client-requests-per-second", ClientRequestsPerSecond),
                     ("--max-request-bytes-per-second", RequestBytesPerSecond), ("--max-inflight-requests", InflightRequests),
                     ("--max-inflight-request-bytes", InflightRequestBytes), ("--max-connections", Connections),
                 })
        {
            if (value < 0) yield return $"{flag} is {value}; use 1 or more, or 0 for no limit.";
        }

        if (InflightRequestBytes is > 0 and < 16 << 20)
            yield return $"--max-inflight-request-bytes is {InflightRequestBytes}; use {16 << 20} or more, so that the largest requests pass, or 0 for no limit.";
        if (StreamsPerConnection < 1)
            yield return $"--max-concurrent-streams is {StreamsPerConnection}; use 1 or more.";
        if (KeepAliveMinTime < TimeSpan.Zero)
            yield return $"--grpc-keepalive-min-time is {KeepAliveMinTime}; use 0s or more.";
        if (KeepAliveInterval < TimeSpan.FromSeconds(1) || KeepAliveTimeout < TimeSpan.FromSeconds(1))
            yield return $"--grpc-keepalive-interval is {KeepAliveInterval} and --grpc-keepalive-timeout {KeepAliveTimeout}; use 1s or more for both.";
    }
}
