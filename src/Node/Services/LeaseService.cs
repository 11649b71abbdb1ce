using System.Buffers;
using System.Security.Cryptography;
using Conclave.Node.Consensus;
using Conclave.Node.Http;
using Conclave.Raft;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;
using Google.Protobuf;

namespace Conclave.Node.Services;

/// <summary>etcdserverpb.Lease. Grants and revocations go through the log; renewals and remaining times are the leader's alone.</summary>
internal sealed class LeaseService(ServiceContext context)
{
    /// <summary>Ids that this server chooses stay below 2^53, so that JSON readers with doubles keep them exact.</summary>
    private const ulong ChosenIdMask = (1UL << 53) - 1;

    private const long TtlSecondsMax = 9_000_000_000;

    public void AddTo(RpcRegistry registry)
    {
        registry.Add(RpcMethod.ForUnary<LeaseGrantRequest, LeaseGrantResponse>("/etcdserverpb.Lease/LeaseGrant", GrantAsync, "/v3/lease/grant"));
        registry.Add(RpcMethod.ForUnary<LeaseRevokeRequest, LeaseRevokeResponse>("/etcdserverpb.Lease/LeaseRevoke", RevokeAsync, "/v3/lease/revoke", "/v3/kv/lease/revoke"));
        registry.Add(RpcMethod.ForBidiStream<LeaseKeepAliveRequest, LeaseKeepAliveResponse>("/etcdserverpb.Lease/LeaseKeepAlive", KeepAliveAsync, "/v3/lease/keepalive"));
        registry.Add(RpcMethod.ForRead<LeaseTimeToLiveRequest, LeaseTimeToLiveResponse>("/etcdserverpb.Lease/LeaseTimeToLive", TimeToLiveAsync, "/v3/lease/timetolive", "/v3/kv/lease/timetolive"));
        registry.Add(RpcMethod.ForRead<LeaseLeasesRequest, LeaseLeasesResponse>("/etcdserverpb.Lease/LeaseLeases", LeasesAsync, "/v3/lease/leases", "/v3/kv/lease/leases"));
    }

    private async ValueTask GrantAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.BeginWrite(call);
        Statuses.ThrowIf(RequestCheck.LeaseGrant(request.Span, out long id, out long ttl));
        if (ttl > TtlSecondsMax) Statuses.ThrowIf(StoreError.LeaseTtlTooLarge);
        if (context.IsOutOfSpace) Statuses.ThrowIf(StoreError.NoSpace);
        bool chosen = id == 0;
        ttl = Math.Max(ttl, context.Options.LeaseTtlSecondsMin);
        while (true)
        {
            if (chosen) id = NewId();
            ApplyOutcome outcome;
            try
            {
                outcome = await context.ProposeAsync(call, CommandKind.LeaseGrant, CommandBody.LeaseGrant(id, ttl, NewIncarnation())).ConfigureAwait(false);
            }
            catch (GrpcException taken) when (chosen && taken.Status == EtcdErrors.LeaseExists)
            {
                continue;   // one chance in 2^53 for each lease there is
            }

            ResponseWriter.Write(response, new LeaseGrantResponse { Header = context.Responses.Header(outcome.Revision), ID = id, TTL = ttl });
            return;
        }
    }

    private async ValueTask RevokeAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.BeginWrite(call);
        Statuses.ThrowIf(RequestCheck.LeaseRevoke(request.Span, out _));
        ApplyOutcome outcome = await context.ProposeAsync(call, CommandKind.LeaseRevoke, request).ConfigureAwait(false);
        context.Responses.WriteHeader(response, outcome.Revision);
    }

    private async ValueTask KeepAliveAsync(RpcContext call, RpcStream stream)
    {
        context.CheckLeader(call);
        var response = new ArrayBufferWriter<byte>(64);
        while (await stream.ReadAsync(call.Cancellation).ConfigureAwait(false) is { } message)
        {
            long id = Parse(LeaseKeepAliveRequest.Parser, message).ID;
            await context.Auth.RequireLeaseAsync(call, id).ConfigureAwait(false);
            long? ttl = await context.Replica.LeaderCalls.AskAsync(LeaderQuestion.LeaseRenew, id, call.Cancellation).ConfigureAwait(false);
            if (ttl is null) throw new GrpcException(context.Replica.Status.Leader == NodeId.None ? EtcdErrors.NoLeader : EtcdErrors.Timeout);
            response.ResetWrittenCount();
            context.Responses.WriteHeader(response, context.View.Revision);
            WriteKeepAlive(response, id, ttl.Value);
            await stream.WriteAsync(response.WrittenMemory, call.Cancellation).ConfigureAwait(false);
        }
    }

    private async ValueTask TimeToLiveAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.CheckLeader(call);
        LeaseTimeToLiveRequest asked = Parse(LeaseTimeToLiveRequest.Parser, request);
        await context.ConfirmReadAsync(call).ConfigureAwait(false);
        StoreView view = context.View;
        if (asked.Keys && view.Auth.IsEnabled)   // the time alone is nobody's secret, as in etcd
            await context.Auth.CheckReadAsync(call, view, (v, who) => v.CheckAttached(who, asked.ID, writes: false)).ConfigureAwait(false);
        var answer = new LeaseTimeToLiveResponse { Header = context.Responses.Header(view.Revision), ID = asked.ID, TTL = -1 };
        if (view.TryGetLease(asked.ID, out LeaseState lease))
        {
            long? remaining = await context.Replica.LeaderCalls.AskAsync(LeaderQuestion.LeaseRemaining, asked.ID, call.Cancellation).ConfigureAwait(false);
            if (remaining is null) throw new GrpcException(EtcdErrors.Timeout);
            answer.TTL = remaining.Value;
            if (remaining.Value >= 0)
            {
                answer.GrantedTTL = lease.TtlSeconds;
                if (asked.Keys)
                {
                    foreach (ReadOnlyMemory<byte> key in view.LeaseKeys(asked.ID)) answer.Keys.Add(UnsafeByteOperations.UnsafeWrap(key));
                }
            }
        }

        ResponseWriter.Write(response, answer);
    }

    private async ValueTask LeasesAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.CheckLeader(call);
        Parse(LeaseLeasesRequest.Parser, request);
        await context.ConfirmReadAsync(call).ConfigureAwait(false);
        StoreView view = context.View;
        var answer = new LeaseLeasesResponse { Header = context.Responses.Header(view.Revision) };
        // Of the others' leases nobody need know: who has an id could end up with what is on the lease.
        CommandIdentity who = default;
        if (view.Auth.IsEnabled)
            await context.Auth.CheckReadAsync(call, view, (v, caller) => v.Auth.CheckUser(who = caller)).ConfigureAwait(false);
        foreach (long id in context.Replica.Leases.ByExpiry(view))
        {
            if (view.CheckAttached(who, id, writes: false) == StoreError.None) answer.Leases.Add(new LeaseStatus { ID = id });
        }

        ResponseWriter.Write(response, answer);
    }

    /// <exception cref="GrpcException">The bytes are no message of this type.</exception>
    internal static T Parse<T>(MessageParser<T> parser, ReadOnlyMemory<byte> message) where T : IMessage<T>
    {
        try
        {
            return MessageBytes.Parse(parser, message.Span);
        }
        catch (UnreadableMessageException)
        {
            throw new GrpcException(Statuses.Of(StoreError.Malformed));
        }
    }

    private static void WriteKeepAlive(IBufferWriter<byte> response, long id, long ttl)
    {
        var fields = new LeaseKeepAliveResponse { ID = id, TTL = ttl };   // without a header: that one is written already
        fields.WriteTo(response);
    }

    /// <summary>Never 0, which stands for none. Chosen here, because replicas that apply the grant must all find the same.</summary>
    internal static ulong NewIncarnation() => BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) | 1;

    internal static long NewId()
    {
        ulong id;
        do id = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) & ChosenIdMask;
        while (id == 0);
        return (long)id;
    }
}
