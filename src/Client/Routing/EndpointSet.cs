using System.Collections.Immutable;
using Conclave.Client.Rpc;

namespace Conclave.Client.Routing;

/// <summary>The endpoints of a cluster, and which of them to ask next. Thread-safe.</summary>
/// <remarks>
/// An endpoint that failed is left alone for a while, longer after each failure in a row; when all are, the one whose time is
/// up first is asked all the same.
/// </remarks>
internal sealed class EndpointSet : IDisposable
{
    private static readonly TimeSpan CoolDownFirst = TimeSpan.FromMilliseconds(200), CoolDownMax = TimeSpan.FromSeconds(5);
    private readonly EndpointChoice _choice;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly Standing[] _standings;   // under the lock
    private int _failing;                     // endpoints with failures; written under the lock, read anywhere
    private int _current;                     // sticky: the endpoint in use; round-robin: a counter

    public EndpointSet(ImmutableArray<Uri> endpoints, EndpointChoice choice, RpcChannelOptions options, TimeProvider time)
    {
        (_choice, _time) = (choice, time);
        Channels = [.. endpoints.Select(endpoint => new RpcChannel(endpoint, options))];
        _standings = new Standing[endpoints.Length];
    }

    /// <summary>One channel per endpoint, in the order of the options.</summary>
    public ImmutableArray<RpcChannel> Channels { get; }

    /// <summary>The endpoint to ask next.</summary>
    public int Pick()
    {
        int candidate = _choice == EndpointChoice.RoundRobin
            ? (int)((uint)Interlocked.Increment(ref _current) % (uint)Channels.Length)
            : Volatile.Read(ref _current);
        return Volatile.Read(ref _failing) == 0 ? candidate : PickAmongFailing(candidate);
    }

    /// <summary>True when every endpoint failed lately: the next attempt should wait.</summary>
    public bool AllCoolingDown
    {
        get
        {
            if (Volatile.Read(ref _failing) < Channels.Length) return false;
            lock (_lock) return !_standings.Any(IsUsable);
        }
    }

    public void Succeeded(int endpoint)
    {
        if (Volatile.Read(ref _failing) == 0) return;
        lock (_lock)
        {
            if (_standings[endpoint].Failures == 0) return;
            _standings[endpoint] = default;
            _failing--;
        }
    }

    public void Failed(int endpoint)
    {
        lock (_lock)
        {
            ref Standing standing = ref _standings[endpoint];
            if (standing.Failures++ == 0) _failing++;
            double seconds = Math.Min(CoolDownMax.TotalSeconds, CoolDownFirst.TotalSeconds * Math.Pow(2, Math.Min(standing.Failures - 1, 10)));
            standing.Failed = _time.GetTimestamp();
            standing.CoolDown = TimeSpan.FromSeconds(seconds);
            if (_choice == EndpointChoice.Sticky && _current == endpoint) _current = (endpoint + 1) % Channels.Length;
        }
    }

    public void Dispose()
    {
        foreach (RpcChannel channel in Channels) channel.Dispose();
    }

    private int PickAmongFailing(int candidate)
    {
        lock (_lock)
        {
            int best = candidate;
            for (int step = 0; step < _standings.Length; step++)
            {
                int index = (candidate + step) % _standings.Length;
                if (IsUsable(_standings[index]))
                {
                    if (_choice == EndpointChoice.Sticky) _current = index;
                    return index;
                }

                if (Remaining(_standings[index]) < Remaining(_standings[best])) best = index;
            }

            return best;
        }
    }

    private bool IsUsable(Standing standing) => standing.Failures == 0 || Remaining(standing) <= TimeSpan.Zero;

    private TimeSpan Remaining(Standing standing) => standing.CoolDown - _time.GetElapsedTime(standing.Failed);

    private struct Standing
    {
        public int Failures;
        public long Failed;
        public TimeSpan CoolDown;
    }
}
