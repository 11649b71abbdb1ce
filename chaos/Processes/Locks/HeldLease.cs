using System.Diagnostics;
using Conclave.Processes.Rpc;
using Conclave.Wire.Etcd.Etcdserverpb;

namespace Conclave.Processes.Locks;

/// <summary>A lease that one client renews, and what it knows of its time from its own clock.</summary>
internal sealed class HeldLease(IReadOnlyList<MemberClient> members, long id, int ttlSeconds, Random random)
{
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(2);
    private readonly CancellationTokenSource _stop = new();
    private Task _renewing = Task.CompletedTask;
    private long _sentOfLast;

    public long Id => id;

    /// <summary>Timestamp before which it cannot have ended: each answer promises the time to live since it was asked for.</summary>
    public long SurelyUntil => Volatile.Read(ref _sentOfLast) is > 0 and long sent ? sent + (ttlSeconds * Stopwatch.Frequency) : 0;

    /// <returns>False when it was not granted, as far as can be known.</returns>
    public async Task<bool> GrantAsync()
    {
        long sent = Stopwatch.GetTimestamp();
        RpcResult<LeaseGrantResponse> granted = await members[random.Next(members.Count)].LeaseGrantAsync(id, ttlSeconds, CallTimeout).ConfigureAwait(false);
        if (granted.Response is { } lease && lease.TTL >= ttlSeconds)   // a server may give more, never less
            Volatile.Write(ref _sentOfLast, sent);
        return granted.Succeeded;
    }

    public void Renew() => _renewing = Task.Run(RenewAsync);

    private async Task RenewAsync()
    {
        var order = new Random(random.Next());
        while (!_stop.IsCancellationRequested)
        {
            await Task.Delay(ttlSeconds * 1000 / 4, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_stop.IsCancellationRequested)
                return;
            long sent = Stopwatch.GetTimestamp();
            RpcResult<LeaseKeepAliveResponse> answer = await members[order.Next(members.Count)].KeepAliveAsync(id, CallTimeout).ConfigureAwait(false);
            if (answer.Response is { TTL: 0 })
                return;
            if (answer.Response is { } renewed && renewed.TTL >= ttlSeconds)
                Volatile.Write(ref _sentOfLast, sent);
        }
    }

    /// <summary>Nobody renews it from here on.</summary>
    public async Task StopRenewingAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _renewing.ConfigureAwait(false);
    }
}
