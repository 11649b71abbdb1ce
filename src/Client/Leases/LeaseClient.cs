using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Conclave.Client.Leases;
using Conclave.Client.Routing;
using Conclave.Wire.Etcd.Etcdserverpb;

namespace Conclave.Client;

/// <summary>Leases: keys put with one are deleted when it ends, whether by its time, by revoking it, or because nobody renews it.</summary>
public sealed class LeaseClient
{
    private readonly CallRouter _router;

    internal LeaseClient(CallRouter router) => _router = router;

    /// <summary>Grants a lease.</summary>
    /// <param name="ttl">Time to live, rounded up to whole seconds. The server may grant more.</param>
    /// <param name="id">The id to use, or 0 for one chosen by the server.</param>
    /// <param name="cancellationToken">Stops waiting; a lease may still be granted, and then ends by itself.</param>
    /// <exception cref="ConclaveException">FailedPrecondition: the id is in use. OutOfRange: the time is too long.</exception>
    public async ValueTask<Lease> GrantAsync(TimeSpan ttl, long id = 0, CancellationToken cancellationToken = default)
    {
        LeaseGrantRequest request = new() { TTL = (long)Math.Ceiling(ttl.TotalSeconds), ID = id };
        LeaseGrantResponse response = await _router.WriteAsync(Calls.LeaseGrant, request, cancellationToken).ConfigureAwait(false);
        return new Lease(response.ID, TimeSpan.FromSeconds(response.TTL), ResponseHeader.Of(response.Header));
    }

    /// <summary>Ends a lease and deletes its keys.</summary>
    /// <param name="id">The lease.</param>
    /// <param name="cancellationToken">Stops waiting; the lease may still be ended.</param>
    /// <exception cref="ConclaveException">NotFound: there is no such lease.</exception>
    public async ValueTask<ResponseHeader> RevokeAsync(long id, CancellationToken cancellationToken = default) =>
        ResponseHeader.Of((await _router.WriteAsync(Calls.LeaseRevoke, new LeaseRevokeRequest { ID = id }, cancellationToken).ConfigureAwait(false)).Header);

    /// <summary>Looks at a lease; null when there is none with this id.</summary>
    public async ValueTask<LeaseState?> TimeToLiveAsync(long id, bool withKeys = false, CancellationToken cancellationToken = default)
    {
        LeaseTimeToLiveRequest request = new() { ID = id, Keys = withKeys };
        LeaseTimeToLiveResponse response = await _router.ReadAsync(Calls.LeaseTimeToLive, request, cancellationToken).ConfigureAwait(false);
        return response.TTL < 0
            ? null
            : new LeaseState(response.ID, TimeSpan.FromSeconds(response.TTL), TimeSpan.FromSeconds(response.GrantedTTL),
                [.. response.Keys.Select(Bytes.Of)], ResponseHeader.Of(response.Header));
    }

    /// <summary>Ids of all leases, the one that ends first first.</summary>
    public async ValueTask<ImmutableArray<long>> ListAsync(CancellationToken cancellationToken = default)
    {
        LeaseLeasesResponse response = await _router.ReadAsync(Calls.LeaseLeases, new LeaseLeasesRequest(), cancellationToken).ConfigureAwait(false);
        return [.. response.Leases.Select(lease => lease.ID)];
    }

    /// <summary>Renews a lease once; null when it is gone.</summary>
    /// <exception cref="UnavailableException">No member answered in time.</exception>
    public async ValueTask<LeaseRenewal?> RenewAsync(long id, CancellationToken cancellationToken = default)
    {
        await using LeaseRenewer renewer = new(_router, id);
        return await renewer.RenewAsync(_router.Options.RetryPatience, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Renews a lease now and then after each third of its time, over one stream, for as long as the sequence is read. Reports
    /// each renewal; ends when the lease is gone.
    /// </summary>
    /// <exception cref="UnavailableException">Nobody answered until the lease's time was up: it may be gone.</exception>
    public async IAsyncEnumerable<LeaseRenewal> KeepAliveAsync(long id, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await using LeaseRenewer renewer = new(_router, id);
        TimeSpan patience = _router.Options.RetryPatience;
        TimeProvider time = _router.Options.Time;
        while (true)
        {
            // The lease lives from when the server got the renewal, which was not before it was sent.
            long sent = time.GetTimestamp();
            if (await renewer.RenewAsync(patience, cancellationToken).ConfigureAwait(false) is not { } renewal) yield break;
            yield return renewal;
            TimeSpan wait = renewal.Ttl / 3 - time.GetElapsedTime(sent);
            if (wait > TimeSpan.Zero) await Task.Delay(wait, time, cancellationToken).ConfigureAwait(false);
            patience = renewal.Ttl - time.GetElapsedTime(sent);
        }
    }

    /// <summary>Keeps a lease alive in the background until the keeper is disposed.</summary>
    /// <param name="id">The lease.</param>
    public LeaseKeeper Keep(long id) => new(this, id);
}
