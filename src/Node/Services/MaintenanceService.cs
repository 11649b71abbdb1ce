using System.Buffers;
using Conclave.Node.Http;
using Conclave.Raft;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;

namespace Conclave.Node.Services;

/// <summary>etcdserverpb.Maintenance.</summary>
internal sealed class MaintenanceService(ServiceContext context)
{
    public void AddTo(RpcRegistry registry)
    {
        registry.Add(RpcMethod.ForUnary<StatusRequest, StatusResponse>("/etcdserverpb.Maintenance/Status", StatusAsync, "/v3/maintenance/status"));
        registry.Add(RpcMethod.ForUnary<AlarmRequest, AlarmResponse>("/etcdserverpb.Maintenance/Alarm", AlarmAsync, "/v3/maintenance/alarm"));
        registry.Add(RpcMethod.ForUnary<DefragmentRequest, DefragmentResponse>("/etcdserverpb.Maintenance/Defragment", DefragmentAsync, "/v3/maintenance/defragment"));
        registry.Add(RpcMethod.ForUnary<HashRequest, HashResponse>("/etcdserverpb.Maintenance/Hash", HashAsync, "/v3/maintenance/hash"));
        registry.Add(RpcMethod.ForUnary<HashKVRequest, HashKVResponse>("/etcdserverpb.Maintenance/HashKV", HashKvAsync, "/v3/maintenance/hashkv"));
        registry.Add(RpcMethod.ForUnary<MoveLeaderRequest, MoveLeaderResponse>("/etcdserverpb.Maintenance/MoveLeader", MoveLeaderAsync, "/v3/maintenance/transfer-leadership"));
        registry.Add(RpcMethod.ForUnary<DowngradeRequest, DowngradeResponse>("/etcdserverpb.Maintenance/Downgrade", DowngradeAsync, "/v3/maintenance/downgrade"));
        registry.Add(RpcMethod.ForServerStream<SnapshotRequest, SnapshotResponse>("/etcdserverpb.Maintenance/Snapshot", new SnapshotDownload(context).ServeAsync, "/v3/maintenance/snapshot"));
    }

    private async ValueTask StatusAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.CheckLeader(call);
        await context.Auth.RequireUserAsync(call).ConfigureAwait(false);
        LeaseService.Parse(StatusRequest.Parser, request);
        StoreView view = context.View;
        var status = context.Replica.Status;
        var answer = new StatusResponse
        {
            Header = context.Responses.Header(view.Revision),
            Version = NodeVersion.EtcdServer,
            DbSize = Math.Max(1, view.SizeBytes),   // etcdctl divides by it
            DbSizeInUse = Math.Max(1, view.SizeInUseBytes),
            DbSizeQuota = context.Options.QuotaBytes == long.MaxValue ? 0 : context.Options.QuotaBytes,
            Leader = status.Leader.Value,
            RaftIndex = status.Commit,
            RaftTerm = status.Term,
            RaftAppliedIndex = view.AppliedIndex,
            StorageVersion = NodeVersion.EtcdStorage,
            IsLearner = context.Replica.IsLearner,
            DowngradeInfo = new DowngradeInfo(),   // none is under way, ever
        };
        if (status.Leader == NodeId.None) answer.Errors.Add(EtcdErrors.NoLeader.Message);
        foreach (ActiveAlarm alarm in view.Alarms) answer.Errors.Add($"memberID:{alarm.MemberId} alarm:{NameOf(alarm.Alarm)} ");
        ResponseWriter.Write(response, answer);
    }

    private async ValueTask AlarmAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.CheckLeader(call);
        Statuses.ThrowIf(RequestCheck.Alarm(request.Span, out bool readOnly));
        if (readOnly)
        {
            await context.Auth.RequireUserAsync(call).ConfigureAwait(false);
            StoreView view = context.View;
            context.Responses.WriteHeader(response, view.Revision);
            Statuses.ThrowIf(view.AlarmGet(request.Span, response));
            return;
        }

        context.BeginWrite(call);
        ApplyOutcome outcome = await context.ProposeAsync(call, CommandKind.Alarm, request).ConfigureAwait(false);
        context.Responses.WriteHeader(response, outcome.Revision);
        response.Write(outcome.Body.Span);
    }

    /// <summary>There is nothing to defragment in memory, and the log is reclaimed as it is compacted: so this is done before it starts.</summary>
    private async ValueTask DefragmentAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.CheckLeader(call);
        LeaseService.Parse(DefragmentRequest.Parser, request);
        await context.Auth.RequireAdminAsync(call).ConfigureAwait(false);
    }

    private async ValueTask HashAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.CheckLeader(call);
        LeaseService.Parse(HashRequest.Parser, request);
        await context.Auth.RequireAdminAsync(call).ConfigureAwait(false);
        StoreView view = context.View;
        ResponseWriter.Write(response, new HashResponse { Header = context.Responses.Header(view.Revision), Hash = view.Hash() });
    }

    private async ValueTask HashKvAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.CheckLeader(call);
        long revision = LeaseService.Parse(HashKVRequest.Parser, request).Revision;
        await context.Auth.RequireAdminAsync(call).ConfigureAwait(false);
        StoreView view = context.View;
        Statuses.ThrowIf(view.HashKv(revision, out uint hash, out long hashedRevision));
        ResponseWriter.Write(response, new HashKVResponse
        {
            Header = context.Responses.Header(view.Revision),
            Hash = hash,
            CompactRevision = view.CompactRevision,
            HashRevision = hashedRevision,
        });
    }

    /// <summary>Hands the leadership over. Only the leader does, as in etcd; its answer has no header.</summary>
    private async ValueTask MoveLeaderAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.CheckLeader(call);
        var target = new NodeId(LeaseService.Parse(MoveLeaderRequest.Parser, request).TargetID);
        await context.Auth.RequireAdminOfNowAsync(call).ConfigureAwait(false);
        if (!context.Replica.IsLeader) throw new GrpcException(EtcdErrors.NotLeader);
        if (!context.Replica.Members.Committed.Voters.Contains(target)) throw new GrpcException(EtcdErrors.BadLeaderTransferee);
        if (target == context.Cluster.Self) return;
        if (!await context.Replica.TransferAsync(target, context.Options.RequestTimeout, call.Cancellation).ConfigureAwait(false))
            throw new GrpcException(UnmappedErrors.TransferTimeout);
    }

    /// <summary>A downgrade leaves the data directory to an older etcd, and none can read this one: so there is no version to go to, and nothing to cancel.</summary>
    private async ValueTask DowngradeAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.CheckLeader(call);
        DowngradeRequest asked = LeaseService.Parse(DowngradeRequest.Parser, request);
        await context.Auth.RequireAdminAsync(call).ConfigureAwait(false);
        if (asked.Action == DowngradeRequest.Types.DowngradeAction.Cancel) throw new GrpcException(EtcdErrors.NoInflightDowngrade);
        // Go's semver takes x.y and x.y.z here; Version.TryParse both, and no sign or letter.
        throw new GrpcException(Version.TryParse(asked.Version, out _) ? EtcdErrors.InvalidDowngradeVersion : EtcdErrors.WrongDowngradeVersionFormat);
    }

    private static string NameOf(AlarmKind alarm) => alarm switch
    {
        AlarmKind.NoSpace => "NOSPACE",
        AlarmKind.Corrupt => "CORRUPT",
        _ => "NONE",
    };
}
