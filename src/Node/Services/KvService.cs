using System.Buffers;
using Conclave.Node.Auth;
using Conclave.Node.Http;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Node.Services;

/// <summary>etcdserverpb.KV: the hot service. Requests stay in wire form from the socket to the log, answers are written in wire form by the store.</summary>
internal sealed class KvService(ServiceContext context)
{
    public void AddTo(RpcRegistry registry)
    {
        registry.Add(RpcMethod.ForRead<RangeRequest, RangeResponse>("/etcdserverpb.KV/Range", RangeAsync, "/v3/kv/range"));
        registry.Add(Unary<PutRequest, PutResponse>("Put", PutAsync, "/v3/kv/put"));
        registry.Add(Unary<DeleteRangeRequest, DeleteRangeResponse>("DeleteRange", DeleteRangeAsync, "/v3/kv/deleterange"));
        registry.Add(RpcMethod.ForRead<TxnRequest, TxnResponse>("/etcdserverpb.KV/Txn", TxnAsync, "/v3/kv/txn"));   // one that writes sets its outcome
        registry.Add(Unary<CompactionRequest, CompactionResponse>("Compact", CompactAsync, "/v3/kv/compaction"));
    }

    private static RpcMethod Unary<TRequest, TResponse>(string name, UnaryHandler handler, string httpPath) where TRequest : IMessage, new() where TResponse : IMessage, new() =>
        RpcMethod.ForUnary<TRequest, TResponse>($"/etcdserverpb.KV/{name}", handler, httpPath);

    private async ValueTask RangeAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.CheckLeader(call);
        Statuses.ThrowIf(RequestCheck.Range(request.Span, out bool serializable));
        if (!serializable) await context.ConfirmReadAsync(call).ConfigureAwait(false);
        StoreView view = context.View;
        if (view.Auth.IsEnabled) await CheckRangeAsync(call, view, request).ConfigureAwait(false);
        context.Responses.WriteHeader(response, view.Revision);
        Statuses.ThrowIf(view.Range(request.Span, response));
    }

    private ValueTask PutAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        SessionSequence session = context.BeginWrite(call);
        Statuses.ThrowIf(RequestCheck.Put(request.Span));
        return WriteAsync(call, CommandKind.Put, request, response, session, grows: true);
    }

    private ValueTask DeleteRangeAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        SessionSequence session = context.BeginWrite(call);
        Statuses.ThrowIf(RequestCheck.DeleteRange(request.Span));
        return WriteAsync(call, CommandKind.DeleteRange, request, response, session, grows: false);
    }

    private async ValueTask TxnAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        SessionSequence session = context.BeginWrite(call);
        Statuses.ThrowIf(RequestCheck.Txn(request.Span, out bool readOnly, out bool serializable, out bool writes, context.Options.MaxTxnOps));
        if (!readOnly || !session.IsNone)
        {
            await WriteAsync(call, CommandKind.Txn, request, response, session, grows: writes).ConfigureAwait(false);
            return;
        }

        call.Outcome = WriteOutcome.None;
        if (!serializable) await context.ConfirmReadAsync(call).ConfigureAwait(false);
        StoreView view = context.View;
        if (view.Auth.IsEnabled) await CheckTxnAsync(call, view, request).ConfigureAwait(false);
        context.Responses.WriteHeader(response, view.Revision);
        Statuses.ThrowIf(view.ReadOnlyTxn(request.Span, response));
    }

    private async ValueTask CompactAsync(RpcContext call, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        context.BeginWrite(call);
        Statuses.ThrowIf(RequestCheck.Compact(request.Span, out long revision, out bool physical));
        await WriteAsync(call, CommandKind.Compact, request, response, session: default, grows: false).ConfigureAwait(false);
        if (physical) await context.Replica.WaitForReclaimAsync(revision, call.Cancellation).ConfigureAwait(false);
    }

    // Methods of their own: what they capture would be allocated at the beginning of every read otherwise.
    private ValueTask CheckRangeAsync(RpcContext call, StoreView view, ReadOnlyMemory<byte> request) =>
        context.Auth.CheckReadAsync(call, view, (v, who) => v.CheckRange(who, request.Span), () => AuditLog.RangeOf(request.Span));

    private ValueTask CheckTxnAsync(RpcContext call, StoreView view, ReadOnlyMemory<byte> request) =>
        context.Auth.CheckReadAsync(call, view, (v, who) => v.CheckReadOnlyTxn(who, request.Span), () => AuditLog.KeysIn(CommandKind.Txn, request.Span));

    private async ValueTask WriteAsync(
        RpcContext call, CommandKind kind, ReadOnlyMemory<byte> request, IBufferWriter<byte> response, SessionSequence session, bool grows)
    {
        // In a session this may be a repeat of what was done while there was room: then its answer is due, and only the store can tell.
        if (grows && session.IsNone && context.IsOutOfSpace) Statuses.ThrowIf(StoreError.NoSpace);
        ApplyOutcome outcome = await context.ProposeAsync(call, kind, request, session).ConfigureAwait(false);
        context.Responses.WriteHeader(response, outcome.Revision);
        response.Write(outcome.Body.Span);
    }
}
