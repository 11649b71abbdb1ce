using Conclave.Client.Rpc;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Etcd.V3Electionpb;
using Conclave.Wire.Etcd.V3Lockpb;
using Google.Protobuf;

namespace Conclave.Processes.Rpc;

/// <summary>Locks, elections, renewals and watches.</summary>
public sealed partial class MemberClient
{
    /// <summary>Lease.LeaseKeepAlive, once. A TTL of 0 in the answer: there is no such lease.</summary>
    public Task<RpcResult<LeaseKeepAliveResponse>> KeepAliveAsync(long lease, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        _caller.ExchangeAsync(Methods.LeaseKeepAlive, new LeaseKeepAliveRequest { ID = lease }, LeaseKeepAliveResponse.Parser, timeout, cancellationToken);

    /// <summary>v3lockpb.Lock.Lock: waits for its turn.</summary>
    public Task<RpcResult<LockResponse>> LockAsync(string name, long lease, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        _caller.CallAsync("/v3lockpb.Lock/Lock", new LockRequest { Name = ByteString.CopyFromUtf8(name), Lease = lease }, LockResponse.Parser, timeout, cancellationToken);

    /// <summary>v3lockpb.Lock.Unlock.</summary>
    public Task<RpcResult<UnlockResponse>> UnlockAsync(string key, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        _caller.CallAsync("/v3lockpb.Lock/Unlock", new UnlockRequest { Key = ByteString.CopyFromUtf8(key) }, UnlockResponse.Parser, timeout, cancellationToken);

    /// <summary>v3electionpb.Election.Campaign: waits for its turn.</summary>
    public Task<RpcResult<CampaignResponse>> CampaignAsync(string name, long lease, string value, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        _caller.CallAsync(
            "/v3electionpb.Election/Campaign", new CampaignRequest { Name = ByteString.CopyFromUtf8(name), Lease = lease, Value = ByteString.CopyFromUtf8(value) }, CampaignResponse.Parser, timeout, cancellationToken);

    /// <summary>v3electionpb.Election.Resign.</summary>
    public Task<RpcResult<ResignResponse>> ResignAsync(LeaderKey leader, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        _caller.CallAsync("/v3electionpb.Election/Resign", new ResignRequest { Leader = leader }, ResignResponse.Parser, timeout, cancellationToken);

    /// <summary>v3electionpb.Election.Observe; to be disposed of by the caller.</summary>
    /// <exception cref="RpcException">No connection.</exception>
    public async Task<RpcStream> ObserveAsync(string name, CancellationToken cancellationToken = default) =>
        await OpenAsync("/v3electionpb.Election/Observe", new LeaderRequest { Name = ByteString.CopyFromUtf8(name) }, cancellationToken).ConfigureAwait(false);

    /// <summary>Watch.Watch with its first request sent; to be disposed of by the caller.</summary>
    /// <exception cref="RpcException">No connection.</exception>
    public async Task<RpcStream> WatchAsync(WatchCreateRequest request, CancellationToken cancellationToken = default) =>
        await OpenAsync(Methods.Watch, new WatchRequest { CreateRequest = request }, cancellationToken).ConfigureAwait(false);

    private async Task<RpcStream> OpenAsync(string method, IMessage first, CancellationToken cancellationToken)
    {
        RpcStream stream = await _caller.OpenAsync(method, cancellationToken).ConfigureAwait(false);
        try
        {
            await stream.WriteAsync(first.ToByteArray(), cancellationToken).ConfigureAwait(false);
            return stream;
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
