using System.Buffers;
using Conclave.Node.Http;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Etcd.V3Lockpb;
using Google.Protobuf;

namespace Conclave.Node.Services.Locks;

/// <summary>v3lockpb.Lock.</summary>
internal sealed class LockService(ServiceContext context, LockQueue queue)
{
    public void AddTo(RpcRegistry registry)
    {
        registry.Add(RpcMethod.ForWaitingUnary<LockRequest, LockResponse>("/v3lockpb.Lock/Lock", LockAsync, "/v3/lock/lock"));
        registry.Add(RpcMethod.ForUnary<UnlockRequest, UnlockResponse>("/v3lockpb.Lock/Unlock", UnlockAsync, "/v3/lock/unlock"));
    }

    private async ValueTask LockAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        LockRequest asked = LeaseService.Parse(LockRequest.Parser, request);
        (QueueTicket ticket, long revision) = await queue.TakeTurnAsync(call, asked.Name, asked.Lease, value: null).ConfigureAwait(false);
        ResponseWriter.Write(response, new LockResponse { Header = context.Responses.Header(revision), Key = ticket.Key });
    }

    private async ValueTask UnlockAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.BeginWrite(call);
        byte[] delete = new DeleteRangeRequest { Key = LeaseService.Parse(UnlockRequest.Parser, request).Key }.ToByteArray();
        Statuses.ThrowIf(RequestCheck.DeleteRange(delete));
        ApplyOutcome outcome = await context.ProposeAsync(call, CommandKind.DeleteRange, delete).ConfigureAwait(false);
        context.Responses.WriteHeader(response, outcome.Revision);
    }
}
