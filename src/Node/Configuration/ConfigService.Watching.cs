using Conclave.Layers.Serving;
using Conclave.Layers.Serving.Secrets;
using Conclave.Node.Http;
using Conclave.Node.Services;
using Conclave.Store;
using Conclave.Wire.Grpc;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Node.Configuration;

/// <content>Streams of a node's documents.</content>
internal sealed partial class ConfigService
{
    private const int WatchedDocumentsMax = 64;

    /// <summary>A stream looks so often whether this member may still serve it.</summary>
    private static readonly TimeSpan WatchLook = TimeSpan.FromSeconds(5);

    private async ValueTask WatchAsync(RpcContext call, RpcStream stream)
    {
        V1.WatchRequest request = await stream.ReadAsync(call.Cancellation).ConfigureAwait(false) is { } bytes
            ? LeaseService.Parse(V1.WatchRequest.Parser, bytes) : throw Invalid("say what to watch");
        context.CheckLeader(call);
        string name = NameOf(request.Space);
        if (request.Node.Length == 0 || request.Documents.Count > WatchedDocumentsMax) throw Invalid($"name a node, and at most {WatchedDocumentsMax} documents");
        await RequireNodeAsync(call, name, request.Node, writes: false).ConfigureAwait(false);
        await _access.RequireReadAsync(call, name, request.Documents.Count > 0 ? request.Documents : null).ConfigureAwait(false);

        var sent = new SentDocuments(engine.Of(name), request);
        bool isFirst = true;
        while (true)
        {
            ConfigSpace space = engine.Of(name);   // until somebody publishes there it is a new one each time
            Task changed = space.Changed;   // before the look, so that no change is missed
            SpaceSnapshot now = space.Current;
            if (engine.Damage is { } damage) throw new GrpcException(new GrpcStatus(GrpcCode.DataLoss, "conclave: " + damage));
            if (engine.HasStarted && now.Release >= sent.ReleaseMin)
            {
                if (now.Fleet.ClassOf(request.Node) is null) throw NoSuchNode(request.Node, now.Release);
                if (NextOf(sent, now, isFirst) is { } delta)
                {
                    await stream.WriteAsync(delta.ToByteArray(), call.Cancellation).ConfigureAwait(false);
                    isFirst = false;
                }
            }

            // A slow reader meets the newest state when it comes back: what lies between is never queued.
            await Task.WhenAny(changed, Task.Delay(engine.HasStarted ? WatchLook : TimeSpan.FromMilliseconds(10), call.Cancellation)).ConfigureAwait(false);
            call.Cancellation.ThrowIfCancellationRequested();
            context.CheckLeader(call);
        }
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

    private async ValueTask RequireNodeAsync(RpcContext call, string space, string node, bool writes)
    {
        StoreView view = context.View;
        if (!view.Auth.IsEnabled) return;
        byte[] name = ConfigKeys.Bytes(ConfigKeys.Node(space, node));
        await context.Auth.CheckReadAsync(call, view, (v, who) => writes ? v.Auth.CheckWrite(who, name, []) : v.Auth.CheckRead(who, name, []), () => ConfigKeys.Node(space, node)).ConfigureAwait(false);
    }
}
