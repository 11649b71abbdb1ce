namespace Conclave.Node.Options;

/// <summary>Flags about how much a node takes on. Those that etcd has too have etcd's names.</summary>
internal static class LimitFlags
{
    public static readonly NodeFlag[] All =
    [
        Limit("max-requests-per-second", "calls in a second, all clients together (default 0 = no limit)", (l, v) => l with { RequestsPerSecond = NodeFlags.Number(v) }),
        Limit("max-client-requests-per-second", "calls in a second from one address (default 0 = no limit)", (l, v) => l with { ClientRequestsPerSecond = NodeFlags.Number(v) }),
        Limit("max-request-bytes-per-second", "bytes of requests in a second, all clients together (default 0 = no limit)", (l, v) => l with { RequestBytesPerSecond = NodeFlags.Number(v) }),
        Limit("max-inflight-requests", "unary calls under way at a time (default 100000, 0 = no limit)", (l, v) => l with { InflightRequests = NodeFlags.Number(v) }),
        Limit("max-inflight-request-bytes", "bytes of requests held at a time (default 536870912, 0 = no limit)", (l, v) => l with { InflightRequestBytes = NodeFlags.Number(v) }),
        Limit("max-inflight-answer-bytes", "bytes of answers held at a time (default 1073741824, 0 = no limit)", (l, v) => l with { InflightAnswerBytes = NodeFlags.Number(v) }),
        Limit("max-streams", "streams, and calls that wait for other clients, at a time (default 100000, 0 = no limit)", (l, v) => l with { Streams = NodeFlags.Number(v) }),
        Limit("max-watch-bytes", "what watches may cost at a time: 512 bytes each and their keys (default 536870912, 0 = no limit)", (l, v) => l with { WatchBytes = NodeFlags.Number(v) }),
        Limit("max-watch-held-bytes", "bytes of events that wait for clients; above it those that take nothing are hung up on (default 268435456, 0 = no limit)", (l, v) => l with { WatchHeldBytes = NodeFlags.Number(v) }),
        Limit("max-buffered-bytes", "bytes on their way over client connections; above it those that hold most are hung up on (default 1073741824, 0 = no limit)", (l, v) => l with { BufferedBytes = NodeFlags.Number(v) }),
        Limit("max-connections", "open client connections (default 15000, 0 = no limit)", (l, v) => l with { Connections = checked((int)NodeFlags.Number(v)) }),
        // etcd's default is the largest number of 32 bits; more than an int of them is as many as anybody can open.
        Limit("max-concurrent-streams", "streams on one connection (default 20000)", (l, v) => l with { StreamsPerConnection = (int)Math.Min(NodeFlags.Number(v), int.MaxValue) }),
        Limit("grpc-keepalive-min-time", "a client that pings more often is hung up on (default 5s, 0s = never)", (l, v) => l with { KeepAliveMinTime = NodeFlags.Duration(v) }),
        Limit("grpc-keepalive-interval", "silence after which a client is pinged (default 2h)", (l, v) => l with { KeepAliveInterval = NodeFlags.Duration(v) }),
        Limit("grpc-keepalive-timeout", "time for the answer to such a ping (default 20s)", (l, v) => l with { KeepAliveTimeout = NodeFlags.Duration(v) }),
    ];

    private static NodeFlag Limit(string name, string meaning, Func<LimitOptions, string, LimitOptions> set) =>
        new(name, meaning, (o, v) => o with { Limits = set(o.Limits, v) });
}
