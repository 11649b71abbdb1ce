using System.Buffers;
using Conclave.Node.Auth;
using Conclave.Node.Http;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Etcd.Mvccpb;
using Conclave.Wire.Etcd.V3Electionpb;
using Conclave.Wire.Grpc;
using Google.Protobuf;

namespace Conclave.Node.Services.Locks;

/// <summary>v3electionpb.Election: a lock whose key has a value, and whose holder can be asked for.</summary>
internal sealed class ElectionService(ServiceContext context, LockQueue queue)
{
    public void AddTo(RpcRegistry registry)
    {
        registry.Add(RpcMethod.ForWaitingUnary<CampaignRequest, CampaignResponse>("/v3electionpb.Election/Campaign", CampaignAsync, "/v3/election/campaign"));
        registry.Add(RpcMethod.ForUnary<ProclaimRequest, ProclaimResponse>("/v3electionpb.Election/Proclaim", ProclaimAsync, "/v3/election/proclaim"));
        registry.Add(RpcMethod.ForRead<LeaderRequest, LeaderResponse>("/v3electionpb.Election/Leader", LeaderAsync, "/v3/election/leader"));
        registry.Add(RpcMethod.ForServerStream<LeaderRequest, LeaderResponse>("/v3electionpb.Election/Observe", ObserveAsync, "/v3/election/observe"));
        registry.Add(RpcMethod.ForUnary<ResignRequest, ResignResponse>("/v3electionpb.Election/Resign", ResignAsync, "/v3/election/resign"));
    }

    private async ValueTask CampaignAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        CampaignRequest asked = LeaseService.Parse(CampaignRequest.Parser, request);
        (QueueTicket ticket, long revision) = await queue.TakeTurnAsync(call, asked.Name, asked.Lease, asked.Value).ConfigureAwait(false);
        ResponseWriter.Write(response, new CampaignResponse
        {
            Header = context.Responses.Header(revision),
            Leader = new LeaderKey { Name = asked.Name, Key = ticket.Key, Rev = ticket.CreateRevision, Lease = ticket.Lease },
        });
    }

    private async ValueTask ProclaimAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.BeginWrite(call);
        ProclaimRequest asked = LeaseService.Parse(ProclaimRequest.Parser, request);
        LeaderKey leader = asked.Leader ?? throw new GrpcException(UnmappedErrors.LeaderKeyMissing);
        if (context.IsOutOfSpace) Statuses.ThrowIf(StoreError.NoSpace);
        ApplyOutcome outcome = await RunAsync(call, QueueRequests.Proclaim(leader.Key, leader.Rev, leader.Lease, asked.Value)).ConfigureAwait(false);
        if (!TxnResponse.Parser.ParseFrom(outcome.Body.Span).Succeeded) throw new GrpcException(UnmappedErrors.ElectionNotLeader);
        context.Responses.WriteHeader(response, outcome.Revision);
    }

    private async ValueTask ResignAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.BeginWrite(call);
        LeaderKey leader = LeaseService.Parse(ResignRequest.Parser, request).Leader ?? throw new GrpcException(UnmappedErrors.LeaderKeyMissing);
        ApplyOutcome outcome = await RunAsync(call, QueueRequests.Resign(leader.Key, leader.Rev)).ConfigureAwait(false);
        context.Responses.WriteHeader(response, outcome.Revision);
    }

    private async ValueTask LeaderAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.CheckLeader(call);
        ByteString prefix = QueueKeys.Prefix(LeaseService.Parse(LeaderRequest.Parser, request).Name);
        await context.ConfirmReadAsync(call).ConfigureAwait(false);
        StandingReader reader = await ReaderAsync(call, prefix).ConfigureAwait(false);
        StoreView view = context.View;
        reader.Check(view);
        KeyValue leader = QueuePlace.First(view, prefix) ?? throw new GrpcException(UnmappedErrors.ElectionNoLeader);
        ResponseWriter.Write(response, new LeaderResponse { Header = context.Responses.Header(view.Revision), Kv = leader });
    }

    private async ValueTask ObserveAsync(RpcContext call, RpcStream stream)
    {
        context.CheckLeader(call);
        ReadOnlyMemory<byte> request = await stream.ReadAsync(call.Cancellation).ConfigureAwait(false)
            ?? throw new GrpcException(GrpcCode.Internal, "the request holds no message");
        ByteString prefix = QueueKeys.Prefix(LeaseService.Parse(LeaderRequest.Parser, request).Name);
        await context.ConfirmReadAsync(call).ConfigureAwait(false);
        StandingReader reader = await ReaderAsync(call, prefix).ConfigureAwait(false);
        KeyWatch watch = queue.Open(call);
        try
        {
            for (KeyValue? told = null; ;) told = await FollowOneAsync(call, stream, reader, watch, prefix, told).ConfigureAwait(false);
        }
        finally
        {
            queue.Close(watch);
        }
    }

    /// <summary>Tells of the first of the queue and of each value it takes, until it is gone; or waits until there is one.</summary>
    /// <param name="call">The call.</param>
    /// <param name="stream">Where to tell.</param>
    /// <param name="reader">May look.</param>
    /// <param name="watch">Its.</param>
    /// <param name="prefix">Of the election.</param>
    /// <param name="told">The last that it was told: what comes up again, because history was compacted away under the watch, is not told twice.</param>
    private async ValueTask<KeyValue?> FollowOneAsync(RpcContext call, RpcStream stream, StandingReader reader, KeyWatch watch, ByteString prefix, KeyValue? told)
    {
        StoreView view = context.View;
        reader.Check(view);
        KeyValue? leader = QueuePlace.First(view, prefix);
        if (leader is null)
        {
            watch.Watch(view.Revision + 1, new WatchCreateRequest { Key = prefix, RangeEnd = QueueKeys.EndOf(prefix), Filters = { WatchCreateRequest.Types.FilterType.Nodelete } });
            await watch.NextAsync().ConfigureAwait(false);
            return told;
        }

        if (told is null || leader.Key != told.Key || leader.ModRevision != told.ModRevision) await TellAsync(call, stream, leader, view.Revision).ConfigureAwait(false);
        told = leader;
        watch.Watch(view.Revision + 1, new WatchCreateRequest { Key = leader.Key });
        while (await watch.NextAsync().ConfigureAwait(false) is { } response)
        {
            foreach (Event change in response.Events)
            {
                if (change.Type == Event.Types.EventType.Delete) return told;
                reader.Check(context.View);   // what changed after the permission was taken away is not told
                told = change.Kv;
                await TellAsync(call, stream, told, response.Header.Revision).ConfigureAwait(false);
            }
        }

        return told;
    }

    private async ValueTask<StandingReader> ReaderAsync(RpcContext call, ByteString prefix)
    {
        var reader = new StandingReader(context.Auth, new RememberedCall(call), prefix, QueueKeys.EndOf(prefix));
        await reader.BeginAsync().ConfigureAwait(false);
        return reader;
    }

    private ValueTask TellAsync(RpcContext call, RpcStream stream, KeyValue leader, long revision) =>
        stream.WriteAsync(new LeaderResponse { Header = context.Responses.Header(revision), Kv = leader }.ToByteArray(), call.Cancellation);

    private async ValueTask<ApplyOutcome> RunAsync(RpcContext call, TxnRequest request)
    {
        byte[] body = request.ToByteArray();
        Statuses.ThrowIf(RequestCheck.Txn(body, out _, out _, out _, context.Options.MaxTxnOps));
        return await context.ProposeAsync(call, CommandKind.Txn, body).ConfigureAwait(false);
    }
}
