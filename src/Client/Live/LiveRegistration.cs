using Conclave.Client.Locks;
using Conclave.Client.Routing;

namespace Conclave.Client;

/// <summary>Says that an instance of a service is alive, for as long as this object and its process are. Documents with <c>%{live:SERVICE}</c> have its address.</summary>
/// <remarks>
/// The key ends with its lease, so a process that dies is gone after the lease's time. When the lease was lost all the same, since nobody could be reached
/// for so long, the registration is made again as soon as somebody can. Disposing ends it at once.
/// </remarks>
public sealed class LiveRegistration : IAsyncDisposable
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);

    private readonly ConclaveClient _client;
    private readonly CallRouter _router;
    private readonly Bytes _address;
    private readonly TimeSpan _ttl;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private volatile OwnLease _lease;

    private LiveRegistration(ConclaveClient client, CallRouter router, Bytes key, Bytes address, TimeSpan ttl, OwnLease lease)
    {
        (_client, _router, Key, _address, _ttl, _lease) = (client, router, key, address, ttl, lease);
        _loop = KeepAsync();
    }

    /// <summary><c>conclave-live/SPACE/SERVICE/INSTANCE</c>. Any client may read and watch it.</summary>
    public Bytes Key { get; }

    /// <summary>Whether the key cannot have ended yet, by this machine's monotonic clock.</summary>
    public bool IsAlive => _lease.IsAlive;

    internal static async ValueTask<LiveRegistration> StartAsync(ConclaveClient client, CallRouter router, string key, string address, TimeSpan ttl, CancellationToken cancellationToken)
    {
        Bytes keyBytes = key, value = address;
        OwnLease lease = await PutAsync(client, router, keyBytes, value, ttl, cancellationToken).ConfigureAwait(false);
        return new LiveRegistration(client, router, keyBytes, value, ttl, lease);
    }

    /// <summary>Ends it. The key is gone at once where the cluster can be reached, else with its lease.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested) return;
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        await _lease.DisposeAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task KeepAsync()
    {
        while (true)
        {
            try
            {
                using var over = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, _lease.Lost);
                await Task.Delay(_ttl / 2, _router.Options.Time, over.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (_stop.IsCancellationRequested) return;
                if (!_lease.Lost.IsCancellationRequested)
                {
                    // Somebody may have deleted it: an operator, or an instance of the same name that ended after this one began.
                    if (await _client.GetAsync(Key, cancellationToken: _stop.Token).ConfigureAwait(false) is null)
                        await _client.PutAsync(Key, _address, new PutOptions { LeaseId = _lease.Id }, _stop.Token).ConfigureAwait(false);
                    continue;
                }

                OwnLease next = await PutAsync(_client, _router, Key, _address, _ttl, _stop.Token).ConfigureAwait(false);
                OwnLease lost = _lease;
                _lease = next;
                await lost.DisposeAsync().ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (ConclaveException)
            {
                // Nobody can be reached, or nobody lets us now: that may pass, and who looks sees that the key is not there.
                await Task.Delay(RetryPause, _router.Options.Time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private static async ValueTask<OwnLease> PutAsync(ConclaveClient client, CallRouter router, Bytes key, Bytes address, TimeSpan ttl, CancellationToken cancellationToken)
    {
        OwnLease lease = await OwnLease.GrantAsync(router, client.Leases, ttl, cancellationToken).ConfigureAwait(false);
        try
        {
            await client.PutAsync(key, address, new PutOptions { LeaseId = lease.Id }, cancellationToken).ConfigureAwait(false);
            return lease;
        }
        catch
        {
            await lease.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
