using System.Net;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Http.Limits;

/// <summary>Why a client was turned away by the port itself, before any service heard of it.</summary>
public enum RefusalReason
{
    /// <summary>The TLS handshake failed, was not begun, or took too long.</summary>
    Handshake,

    /// <summary>The certificate is missing, or not one that the rules let in.</summary>
    Certificate,

    /// <summary>More calls in a second than all clients together may make.</summary>
    RequestRate,

    /// <summary>More calls in a second than one address may make.</summary>
    ClientRequestRate,

    /// <summary>More bytes in a second than all clients together may send.</summary>
    RequestBytes,

    /// <summary>Too many calls under way.</summary>
    InflightRequests,

    /// <summary>Too many streams, and calls that wait for other clients.</summary>
    Streams,

    /// <summary>Too many bytes of requests held.</summary>
    InflightBytes,

    /// <summary>Too many bytes of answers held.</summary>
    AnswerBytes,

    /// <summary>An answer, or the end of a stream, that the client did not take.</summary>
    UnreadAnswer,

    /// <summary>Too many connections.</summary>
    Connections,

    /// <summary>It had said nothing yet, and newer connections needed its place.</summary>
    SilentConnection,

    /// <summary>Nothing was asked over it for a while, and a new connection needed its place.</summary>
    IdleConnection,

    /// <summary>Too much lay in connections, and most in its.</summary>
    Buffers,

    /// <summary>A message came too slowly.</summary>
    SlowRequest,

    /// <summary>Too many watches, or too long keys of watches.</summary>
    Watches,

    /// <summary>A stream of watches that takes nothing, while too much waits for such.</summary>
    UnreadWatch,

    /// <summary>More pings than there was reason for.</summary>
    Pings,
}

/// <summary>Counts connections, and refusals by reason, and says some of them in the log: few enough that nobody can fill it.</summary>
/// <remarks>Thread safe.</remarks>
public sealed class ClientRefusals(TimeProvider time, ILogger logger)
{
    private const int LinesMax = 10;
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);
    private static readonly RefusalReason[] Reasons = Enum.GetValues<RefusalReason>();

    private readonly long[] _counts = new long[Reasons.Length];
    private readonly Lock _saying = new();
    private long _windowBegan = time.GetTimestamp();   // this and the next two under _saying
    private int _lines;
    private long _unsaid;
    private long _connections;

    /// <summary>Open connections.</summary>
    public long Connections => Interlocked.Read(ref _connections);

    /// <returns>How many there are with this one.</returns>
    internal long ConnectionOpened() => Interlocked.Increment(ref _connections);

    internal void ConnectionClosed() => Interlocked.Decrement(ref _connections);

    public long Of(RefusalReason reason) => Interlocked.Read(ref _counts[(int)reason]);

    public void Count(RefusalReason reason) => Interlocked.Increment(ref _counts[(int)reason]);

    /// <summary>Counts it, and logs it unless ten were logged in this minute.</summary>
    public void Say(RefusalReason reason, EndPoint? peer, string problem)
    {
        Count(reason);
        long unsaid;
        lock (_saying)
        {
            if (time.GetElapsedTime(_windowBegan) >= Window) (_windowBegan, _lines) = (time.GetTimestamp(), 0);
            if (_lines++ >= LinesMax)
            {
                _unsaid++;
                return;
            }

            (unsaid, _unsaid) = (_unsaid, 0);
        }

        logger.ClientRefused(peer, unsaid == 0 ? problem : $"{problem} (and {unsaid} clients before, which were only counted)");
    }

    /// <summary>Series of /metrics.</summary>
    internal void Write(System.Text.StringBuilder text)
    {
        text.Append("# TYPE conclave_client_refused_total counter\n");
        foreach (RefusalReason reason in Reasons)
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"conclave_client_refused_total{{reason=\"{Label(reason)}\"}} {Of(reason)}\n");
        text.Append(System.Globalization.CultureInfo.InvariantCulture, $"# TYPE conclave_client_connections gauge\nconclave_client_connections {Connections}\n");
    }

    private static string Label(RefusalReason reason) => reason switch
    {
        RefusalReason.Handshake => "tls_handshake",
        RefusalReason.Certificate => "certificate",
        RefusalReason.RequestRate => "request_rate",
        RefusalReason.ClientRequestRate => "client_request_rate",
        RefusalReason.RequestBytes => "request_bytes",
        RefusalReason.InflightRequests => "inflight_requests",
        RefusalReason.Streams => "streams",
        RefusalReason.InflightBytes => "inflight_bytes",
        RefusalReason.AnswerBytes => "answer_bytes",
        RefusalReason.UnreadAnswer => "unread_answer",
        RefusalReason.SilentConnection => "silent_connection",
        RefusalReason.IdleConnection => "idle_connection",
        RefusalReason.Watches => "watches",
        RefusalReason.UnreadWatch => "unread_watch",
        RefusalReason.Connections => "connections",
        RefusalReason.Buffers => "buffered_bytes",
        RefusalReason.SlowRequest => "slow_request",
        RefusalReason.Pings => "pings",
        _ => reason.ToString(),
    };
}
