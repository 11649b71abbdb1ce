using System.Collections.Concurrent;
using System.Net;
using Conclave.Node.Options;

namespace Conclave.Node.Http.Limits;

/// <summary>Says early that there is too much to do, so that what was begun can be finished. Thread safe.</summary>
internal sealed class RequestBudget
{
    private const int ClientsMax = 4096;

    /// <summary>So many renewals, looks at the member and plain pages there may always be.</summary>
    private const long VitalMin = 100_000;

    /// <summary>
    /// Requests and answers up to here are not counted by their bytes: their number is bounded. So the bytes of some can never keep out the small calls
    /// of the others, and the hot path has one thing less to do.
    /// </summary>
    public const int SmallBytes = 8 << 10;

    /// <summary>What is said where no rate says when there is room again: somewhat above the time that a call takes.</summary>
    public static readonly TimeSpan RetryUnknown = TimeSpan.FromMilliseconds(100);

    private readonly LimitOptions _limits;
    private readonly TimeProvider _time;
    private readonly ClientRefusals _refusals;
    private readonly TokenBucket? _requests, _bytes;
    private readonly ConcurrentDictionary<IPAddress, TokenBucket> _clients = [];
    private readonly FairBound _calls, _streams, _vital, _requestBytes;

    public RequestBudget(LimitOptions limits, TimeProvider time, ClientRefusals refusals)
    {
        (_limits, _time, _refusals) = (limits, time, refusals);
        if (limits.RequestsPerSecond > 0) _requests = new TokenBucket(limits.RequestsPerSecond, time);
        if (limits.RequestBytesPerSecond > 0) _bytes = new TokenBucket(limits.RequestBytesPerSecond, time);
        (_calls, _streams) = (new FairBound(limits.InflightRequests), new FairBound(limits.Streams));
        // Renewals stay open for hours as streams do, however low the bounds for others are set.
        _vital = new FairBound(limits.Streams == 0 ? 0 : Math.Max(limits.Streams, VitalMin));
        (_requestBytes, Answers) = (new FairBound(limits.InflightRequestBytes), new AnswerRoom(limits.InflightAnswerBytes, time));
    }

    /// <summary>Bytes of requests that are kept now.</summary>
    public long HeldRequestBytes => _requestBytes.Total;

    /// <summary>Before anything is done for a call. What was admitted has to <see cref="Leave"/>, also when it fails.</summary>
    /// <param name="kind">Of the method called.</param>
    /// <param name="client">The caller's.</param>
    /// <param name="retryAfter">When it is refused: time after which it makes sense to come again.</param>
    public bool TryAdmit(CallKind kind, ClientShare client, out TimeSpan retryAfter)
    {
        retryAfter = TimeSpan.Zero;
        if (!BoundOf(kind).TryTake(ref client.Calls(kind), 1))
        {
            retryAfter = RetryUnknown;
            _refusals.Count(kind == CallKind.Stream ? RefusalReason.Streams : RefusalReason.InflightRequests);
            return false;
        }

        if (kind == CallKind.Vital || RefusedByRate(client, out retryAfter) is not { } reason) return true;
        Leave(kind, client);
        _refusals.Count(reason);
        return false;
    }

    /// <summary>The call has ended and its answer is on its way.</summary>
    public void Leave(CallKind kind, ClientShare client) => BoundOf(kind).GiveBack(ref client.Calls(kind), 1);

    /// <summary>Bytes of a unary request have come: counted, not asked, since they are here already.</summary>
    public void CountBytes(long bytes) => _bytes?.Take(bytes);

    /// <summary>More bytes of a request are here and have to be kept. What is held has to be released.</summary>
    public bool TryHold(ClientShare client, long bytes, out TimeSpan retryAfter)
    {
        retryAfter = TimeSpan.Zero;
        if (_requestBytes.TryTake(ref client.RequestBytes, bytes)) return true;
        _refusals.Count(RefusalReason.InflightBytes);
        retryAfter = RetryUnknown;
        return false;
    }

    public void Release(ClientShare client, long bytes) => _requestBytes.GiveBack(ref client.RequestBytes, bytes);

    /// <summary>What the answers of unary calls take.</summary>
    public AnswerRoom Answers { get; }

    private FairBound BoundOf(CallKind kind) => kind switch
    {
        CallKind.Stream => _streams,
        CallKind.Vital => _vital,
        _ => _calls,
    };

    private RefusalReason? RefusedByRate(ClientShare client, out TimeSpan retryAfter)
    {
        retryAfter = TimeSpan.Zero;
        if (_limits.ClientRequestsPerSecond > 0 && !BucketOf(client.Address).TryTake(1, out retryAfter)) return RefusalReason.ClientRequestRate;
        if (_bytes is not null && !_bytes.TryTake(0, out retryAfter)) return RefusalReason.RequestBytes;
        return _requests is not null && !_requests.TryTake(1, out retryAfter) ? RefusalReason.RequestRate : null;
    }

    private TokenBucket BucketOf(IPAddress client)
    {
        if (_clients.TryGetValue(client, out TokenBucket? known)) return known;
        if (_clients.Count >= ClientsMax)
        {
            foreach ((IPAddress address, TokenBucket bucket) in _clients)
            {
                if (bucket.IsFull) _clients.TryRemove(KeyValuePair.Create(address, bucket));
            }

            // So many clients in one second are not what this limit is for.
            if (_clients.Count >= ClientsMax) _clients.Clear();
        }

        return _clients.GetOrAdd(client, _ => new TokenBucket(_limits.ClientRequestsPerSecond, _time));
    }
}
