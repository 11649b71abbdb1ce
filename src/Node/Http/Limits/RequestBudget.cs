using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Net;
using Conclave.Node.Options;

namespace Conclave.Node.Http.Limits;

/// <summary>Says early that there is too much to do, so that what was begun can be finished.</summary>
/// <remarks>
/// A renewal of a lease always passes: refused, it would cost the lease, and the work that follows from that. So do the calls by which an
/// operator sees how a member is. Thread safe.
/// </remarks>
internal sealed class RequestBudget
{
    private const int ClientsMax = 4096;

    /// <summary>What is said where no rate says when there is room again: somewhat above the time that a call takes.</summary>
    public static readonly TimeSpan RetryUnknown = TimeSpan.FromMilliseconds(100);

    private static readonly FrozenSet<string> AlwaysAdmitted = new[]
    {
        "/etcdserverpb.Lease/LeaseKeepAlive", "/etcdserverpb.Maintenance/Status", "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch",
    }.ToFrozenSet(StringComparer.Ordinal);

    private readonly LimitOptions _limits;
    private readonly TimeProvider _time;
    private readonly ClientRefusals _refusals;
    private readonly TokenBucket? _requests, _bytes;
    private readonly ConcurrentDictionary<IPAddress, TokenBucket> _clients = [];
    private long _inflight, _heldBytes;

    public RequestBudget(LimitOptions limits, TimeProvider time, ClientRefusals refusals)
    {
        (_limits, _time, _refusals) = (limits, time, refusals);
        if (limits.RequestsPerSecond > 0) _requests = new TokenBucket(limits.RequestsPerSecond, time);
        if (limits.RequestBytesPerSecond > 0) _bytes = new TokenBucket(limits.RequestBytesPerSecond, time);
    }

    /// <summary>Whether <see cref="TryAdmit"/> wants to know who calls.</summary>
    public bool CountsClients => _limits.ClientRequestsPerSecond > 0;

    /// <summary>Before anything is done for a call. What was admitted has to be released, also when it fails.</summary>
    /// <param name="method">The method called.</param>
    /// <param name="client">The caller's address, if clients are counted.</param>
    /// <param name="retryAfter">When it is refused: time after which it makes sense to come again.</param>
    public bool TryAdmit(RpcMethod method, IPAddress? client, out TimeSpan retryAfter)
    {
        bool counts = IsInflight(method);
        long inflight = counts ? Interlocked.Increment(ref _inflight) : 0;
        RefusalReason? refused = null;
        retryAfter = TimeSpan.Zero;
        if (!AlwaysAdmitted.Contains(method.Path))
        {
            if (_limits.InflightRequests > 0 && inflight > _limits.InflightRequests) (refused, retryAfter) = (RefusalReason.InflightRequests, RetryUnknown);
            else if (client is not null && !BucketOf(client).TryTake(1, out retryAfter)) refused = RefusalReason.ClientRequestRate;
            else if (_bytes is not null && !_bytes.TryTake(0, out retryAfter)) refused = RefusalReason.RequestBytes;
            else if (_requests is not null && !_requests.TryTake(1, out retryAfter)) refused = RefusalReason.RequestRate;
        }

        if (refused is not { } reason) return true;
        if (counts) Interlocked.Decrement(ref _inflight);
        _refusals.Count(reason);
        return false;
    }

    /// <summary>Once the size of a request is known. What is held has to be released.</summary>
    public bool TryHold(long bytes, out TimeSpan retryAfter)
    {
        retryAfter = TimeSpan.Zero;
        _bytes?.Take(bytes);   // counted, not asked: most of it is here already
        if (Interlocked.Add(ref _heldBytes, bytes) <= _limits.InflightRequestBytes || _limits.InflightRequestBytes == 0) return true;
        Interlocked.Add(ref _heldBytes, -bytes);
        _refusals.Count(RefusalReason.InflightBytes);
        retryAfter = RetryUnknown;
        return false;
    }

    /// <summary>The call has ended.</summary>
    public void Release(RpcMethod method, long heldBytes)
    {
        if (IsInflight(method)) Interlocked.Decrement(ref _inflight);
        if (heldBytes > 0) Interlocked.Add(ref _heldBytes, -heldBytes);
    }

    /// <summary>Streams and calls that wait for other clients stay for hours and cost little while they do.</summary>
    private static bool IsInflight(RpcMethod method) => method is { Stream: null, WaitsForOthers: false };

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
