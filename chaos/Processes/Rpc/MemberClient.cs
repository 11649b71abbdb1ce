using System.Net.Security;
using Conclave.Client.Rpc;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Processes.Rpc;

/// <summary>The calls that the chaos and bench programs make, to one member and no other. Nothing is retried: what a member answers is what is seen.</summary>
public sealed partial class MemberClient(Uri endpoint, SslClientAuthenticationOptions? tls = null) : IDisposable
{
    private readonly GrpcCaller _caller = new(endpoint, tls);

    /// <summary>Sent with every call that begins from now on, such as a token. Default none.</summary>
    public RpcMetadata? Metadata
    {
        get => _caller.Metadata;
        set => _caller.Metadata = value;
    }

    /// <summary>KV.Put.</summary>
    public Task<RpcResult<PutResponse>> PutAsync(byte[] key, byte[] value, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        PutAsync(new PutRequest { Key = UnsafeByteOperations.UnsafeWrap(key), Value = UnsafeByteOperations.UnsafeWrap(value) }, timeout, cancellationToken);

    /// <summary>KV.Put.</summary>
    public Task<RpcResult<PutResponse>> PutAsync(PutRequest request, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        _caller.CallAsync(Methods.Put, request, PutResponse.Parser, timeout, cancellationToken);

    /// <summary>KV.Range.</summary>
    public Task<RpcResult<RangeResponse>> RangeAsync(RangeRequest request, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        _caller.CallAsync(Methods.Range, request, RangeResponse.Parser, timeout, cancellationToken);

    /// <summary>KV.DeleteRange.</summary>
    public Task<RpcResult<DeleteRangeResponse>> DeleteAsync(DeleteRangeRequest request, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        _caller.CallAsync(Methods.DeleteRange, request, DeleteRangeResponse.Parser, timeout, cancellationToken);

    /// <summary>KV.Txn.</summary>
    public Task<RpcResult<TxnResponse>> TxnAsync(TxnRequest request, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        _caller.CallAsync(Methods.Txn, request, TxnResponse.Parser, timeout, cancellationToken);

    /// <summary>KV.Compact.</summary>
    public Task<RpcResult<CompactionResponse>> CompactAsync(long revision, bool physical, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        _caller.CallAsync(Methods.Compact, new CompactionRequest { Revision = revision, Physical = physical }, CompactionResponse.Parser, timeout, cancellationToken);

    /// <summary>Lease.LeaseGrant.</summary>
    public Task<RpcResult<LeaseGrantResponse>> LeaseGrantAsync(long id, long ttlSeconds, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        _caller.CallAsync(Methods.LeaseGrant, new LeaseGrantRequest { ID = id, TTL = ttlSeconds }, LeaseGrantResponse.Parser, timeout, cancellationToken);

    /// <summary>Lease.LeaseRevoke.</summary>
    public Task<RpcResult<LeaseRevokeResponse>> LeaseRevokeAsync(long id, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        _caller.CallAsync(Methods.LeaseRevoke, new LeaseRevokeRequest { ID = id }, LeaseRevokeResponse.Parser, timeout, cancellationToken);

    /// <summary>Maintenance.Status, answered by this member from what it knows.</summary>
    public Task<RpcResult<StatusResponse>> StatusAsync(TimeSpan timeout, CancellationToken cancellationToken = default) =>
        _caller.CallAsync(Methods.Status, new StatusRequest(), StatusResponse.Parser, timeout, cancellationToken);

    /// <summary>Maintenance.HashKV.</summary>
    public Task<RpcResult<HashKVResponse>> HashKvAsync(long revision, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        _caller.CallAsync(Methods.HashKv, new HashKVRequest { Revision = revision }, HashKVResponse.Parser, timeout, cancellationToken);

    /// <summary>Cluster.MemberList, as the leader has it.</summary>
    public Task<RpcResult<MemberListResponse>> MemberListAsync(TimeSpan timeout, CancellationToken cancellationToken = default) =>
        _caller.CallAsync(Methods.MemberList, new MemberListRequest { Linearizable = true }, MemberListResponse.Parser, timeout, cancellationToken);

    /// <summary>Cluster.MemberAdd.</summary>
    public Task<RpcResult<MemberAddResponse>> MemberAddAsync(string peerUrl, bool asLearner, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        _caller.CallAsync(Methods.MemberAdd, new MemberAddRequest { PeerURLs = { peerUrl }, IsLearner = asLearner }, MemberAddResponse.Parser, timeout, cancellationToken);

    /// <summary>Cluster.MemberRemove.</summary>
    public Task<RpcResult<MemberRemoveResponse>> MemberRemoveAsync(ulong id, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        _caller.CallAsync(Methods.MemberRemove, new MemberRemoveRequest { ID = id }, MemberRemoveResponse.Parser, timeout, cancellationToken);

    /// <summary>Maintenance.MoveLeader, to be asked of the leader.</summary>
    public Task<RpcResult<MoveLeaderResponse>> MoveLeaderAsync(ulong targetId, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        _caller.CallAsync(Methods.MoveLeader, new MoveLeaderRequest { TargetID = targetId }, MoveLeaderResponse.Parser, timeout, cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _caller.Dispose();
}
