using Conclave.Layers.Serving;
using Conclave.Layers.Serving.Secrets;
using Conclave.Node.Http;
using Conclave.Node.Services;
using Conclave.Wire.Grpc;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Node.Configuration;

/// <content>Streams of a node's documents.</content>
internal sealed partial class ConfigService
{
    private const int WatchedDocumentsMax = 64;

    /// <summary>First messages, which are often whole documents, are made and sent so many at a time: ten thousand agents that come at once are served one after the other.</summary>
    private const int FirstMessagesMax = 32;

    /// <summary>Who does not take its first message within this time lets others go first.</summary>
    private static readonly TimeSpan FirstMessagePatience = TimeSpan.FromSeconds(1);

    /// <summary>A stream that begins waits so long to be sure that what is here is the newest. A minority never is, and serves all the same.</summary>
    private static readonly TimeSpan NewestPatience = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _firstMessages = new(FirstMessagesMax);

    private async ValueTask WatchAsync(RpcContext call, RpcStream stream)
    {
        V1.WatchRequest request = await stream.ReadAsync(call.Cancellation).ConfigureAwait(false) is { } bytes
            ? LeaseService.Parse(V1.WatchRequest.Parser, bytes) : throw Invalid("say what to watch");
        context.CheckLeader(call);
        string name = NameOf(request.Space);
        if (request.Node.Length == 0 || request.Documents.Count > WatchedDocumentsMax) throw Invalid($"name a node, and at most {WatchedDocumentsMax} documents");
        var permission = new WatchPermission(context, call, name, request);
        await permission.BeginAsync().ConfigureAwait(false);

        bool isNewest = await FollowNewestAsync(call, name).ConfigureAwait(false);
        var sent = new SentDocuments(engine.Of(name), request);
        using StreamWake wake = engine.Wakes.Enter(name, request.Node);   // before the look, so that no change is missed
        bool isFirst = true;
        while (true)
        {
            bool isBehind = isFirst && !isNewest && await IsBehindAsync(call, name, sent.RevisionMin).ConfigureAwait(false);   // before the snapshot, which then has all of it
            if (isBehind) isBehind = !(isNewest = await FollowNewestAsync(call, name).ConfigureAwait(false));   // a majority may be there by now
            SpaceSnapshot now = engine.Of(name).Current;
            permission.Check(context.View);   // after it, so that who lost the permission gets nothing that was written afterwards
            if (engine.DamageOf(name) is { } damage) throw new GrpcException(new GrpcStatus(GrpcCode.DataLoss, "conclave: " + damage));
            if (engine.HasStarted && now.Release >= sent.ReleaseMin && !isBehind)
            {
                if (now.Fleet.ClassOf(request.Node) is null) throw NoSuchNode(request.Node, now.Release);
                if (isFirst && await SendFirstAsync(call, stream, name, sent, permission).ConfigureAwait(false))
                {
                    isFirst = false;
                    wake.Calm();
                    continue;   // what came meanwhile may have concerned others, and this one too
                }

                if (!isFirst && NextOf(sent, now, isFirst: false) is { } delta) await stream.WriteAsync(delta.ToByteArray(), call.Cancellation).ConfigureAwait(false);
            }

            // A slow reader meets the newest state when it comes back: what lies between is never queued.
            await wake.WaitAsync(call.Cancellation).ConfigureAwait(false);
            context.CheckLeader(call);
        }
    }

    /// <summary>Stages, secrets and facts move without a release, so the release that the caller has seen does not tell a member that lags from one that does not.</summary>
    /// <returns>Whether a majority confirmed what is newest, and it is here. Then nobody has seen more, and a caller who says so had it from a cluster that a backup replaced.</returns>
    private async ValueTask<bool> FollowNewestAsync(RpcContext call, string space)
    {
        if (context.Replica.IsLearner) return false;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(call.Cancellation);
        limit.CancelAfter(NewestPatience);
        try
        {
            if (!await context.Replica.Reads.WaitAsync().WaitAsync(limit.Token).ConfigureAwait(false)) return false;
            await WaitForRevisionAsync(space, context.View.Revision, limit.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (!call.Cancellation.IsCancellationRequested)
        {
            return false;   // nobody confirmed it in time
        }
    }

    /// <summary>Whether the space was not followed up to a revision yet. What this member has applied by then is waited for.</summary>
    private async ValueTask<bool> IsBehindAsync(RpcContext call, string space, long revision)
    {
        if (engine.Of(space).FollowedRevision >= revision) return false;
        if (context.View.Revision >= revision) await WaitForRevisionAsync(call, space, revision).ConfigureAwait(false);
        return engine.Of(space).FollowedRevision < revision;
    }

    /// <exception cref="GrpcException">The node's documents have a secret that this member cannot open: another one may.</exception>
    private static V1.Delta? NextOf(SentDocuments sent, SpaceSnapshot now, bool isFirst)
    {
        try
        {
            return sent.Next(now, isFirst);
        }
        catch (SecretUnavailableException missing)
        {
            throw Unavailable(missing);
        }
    }

    /// <returns>False when there is nothing to send yet.</returns>
    private async ValueTask<bool> SendFirstAsync(RpcContext call, RpcStream stream, string space, SentDocuments sent, WatchPermission permission)
    {
        Task write;
        await _firstMessages.WaitAsync(call.Cancellation).ConfigureAwait(false);
        try
        {
            SpaceSnapshot now = engine.Of(space).Current;
            permission.Check(context.View);   // it may have waited for its turn
            if (NextOf(sent, now, isFirst: true) is not { } delta) return false;   // the state was replaced by an older one
            write = stream.WriteAsync(delta.ToByteArray(), call.Cancellation).AsTask();
            if (!write.IsCompleted) await Task.WhenAny(write, Task.Delay(FirstMessagePatience, call.Cancellation)).ConfigureAwait(false);
        }
        finally
        {
            _firstMessages.Release();
        }

        await write.ConfigureAwait(false);
        return true;
    }
}
