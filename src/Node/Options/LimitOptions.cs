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

    /// <summary>Streams, and calls that wait for other clients, at a time; 0 is no limit. Default 100,000.</summary>
    public long Streams { get; init; } = 100_000;

    /// <summary>Bytes of requests above 8 KiB that have arrived and are kept at a time; 0 is no limit. Default 512 MiB.</summary>
    public long InflightRequestBytes { get; init; } = 512L << 20;

    /// <summary>Bytes of answers above 8 KiB that are made, or wait for their clients, at a time; 0 is no limit. Default 1 GiB.</summary>
    public long InflightAnswerBytes { get; init; } = 1L << 30;

    /// <summary>What watches may cost at a time, in bytes: 512 for each, and its keys. 0 is no limit. Default 512 MiB.</summary>
    public long WatchBytes { get; init; } = 512L << 20;

    /// <summary>Bytes of events that watches have taken and their clients have not, above which clients that take nothing are hung up on; 0 is no limit. Default 256 MiB.</summary>
    public long WatchHeldBytes { get; init; } = 256L << 20;

    /// <summary>Bytes on their way over client connections, come and not read or answered and not taken, above which those that hold most are ended; 0 is no limit. Default 1 GiB.</summary>
    public long BufferedBytes { get; init; } = 1L << 30;

    /// <summary>Open client connections; 0 is no limit. Default 15,000: three quarters, which one address alone may have, are more than 10,000.</summary>
    public int Connections { get; init; } = 15_000;

    /// <summary>What the watches of one stream may cost, counted in the same way. Default 64 MiB: 100,000 with keys of 150 bytes.</summary>
    internal long StreamWatchBytes { get; init; } = 64L << 20;

    /// <summary>How long a stream has to take nothing before it is one of those. Default 10 s.</summary>
    internal TimeSpan UnreadWatchMin { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Calls and streams that a client may have open on one connection. Default 20,000: a client puts its watches on one stream, and holds back what is above.</summary>
    public int StreamsPerConnection { get; init; } = 20_000;

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
                     ("--max-inflight-request-bytes", InflightRequestBytes), ("--max-connections", Connections), ("--max-streams", Streams),
                     ("--max-inflight-answer-bytes", InflightAnswerBytes), ("--max-watch-bytes", WatchBytes), ("--max-watch-held-bytes", WatchHeldBytes), ("--max-buffered-bytes", BufferedBytes),
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
