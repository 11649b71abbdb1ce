using Conclave.Layers;
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
                if (sent.Next(now, isFirst) is { } delta)
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

    private async ValueTask RequireNodeAsync(RpcContext call, string space, string node, bool writes)
    {
        StoreView view = context.View;
        if (!view.Auth.IsEnabled) return;
        byte[] name = ConfigKeys.Bytes(ConfigKeys.Node(space, node));
        await context.Auth.CheckReadAsync(call, view, (v, who) => writes ? v.Auth.CheckWrite(who, name, []) : v.Auth.CheckRead(who, name, []), () => ConfigKeys.Node(space, node)).ConfigureAwait(false);
    }

    /// <summary>What one stream has: decides what it gets next.</summary>
    private sealed class SentDocuments
    {
        private readonly string _node;
        private readonly bool _wantsAll;
        private readonly SortedDictionary<string, EffectiveDocument?> _sent = new(StringComparer.Ordinal);
        private readonly Dictionary<string, ByteString> _had = new(StringComparer.Ordinal);
        private readonly SpaceSnapshot? _before;
        private long _release;

        public SentDocuments(ConfigSpace space, V1.WatchRequest request)
        {
            (_node, _wantsAll, _release) = (request.Node, request.Documents.Count == 0, request.FromRelease);
            ReleaseMin = Math.Max(request.FromRelease, request.MinRelease);
            foreach (string document in request.Documents) _sent[document] = null;
            if (request.FromRelease == 0) return;
            foreach (V1.DocumentHash have in request.Have) _had[have.Document] = have.Hash;
            _before = space.Recent(request.FromRelease);
        }

        /// <summary>Nothing older is sent.</summary>
        public long ReleaseMin { get; private set; }

        /// <returns>Null when nothing that the node gets is different.</returns>
        public V1.Delta? Next(SpaceSnapshot now, bool isFirst)
        {
            var delta = new V1.Delta { FromRelease = _release, ToRelease = now.Release };
            if (_wantsAll)
            {
                foreach (string document in now.State.Documents.Keys) _sent.TryAdd(document, null);
            }

            foreach (string document in _sent.Keys.ToArray())
            {
                // Null only for a node that is not there; a document that misses facts is kept as it was.
                if (now.Fleet.Effective(_node, document, now.Inputs) is not { Problems.IsEmpty: true } effective) continue;
                EffectiveDocument? last = _sent[document] ?? Had(document, effective);
                _sent[document] = effective;
                if (last is not null && last.Hash.SequenceEqual(effective.Hash)) continue;
                if (last is null && effective.Entries.IsEmpty && _wantsAll) continue;
                delta.Documents.Add(now.DeltaOf(last, effective, () => Make(now, last, effective)));
            }

            ReleaseMin = Math.Max(ReleaseMin, now.Release);
            if (!isFirst && delta.Documents.Count == 0) return null;
            _release = now.Release;
            return delta;
        }

        /// <summary>What the caller says that it has, where that is known here.</summary>
        private EffectiveDocument? Had(string document, EffectiveDocument now)
        {
            if (!_had.Remove(document, out ByteString? hash)) return null;
            if (hash.Span.SequenceEqual(now.Hash)) return now;
            EffectiveDocument? then = _before?.Fleet.Effective(_node, document, _before.Inputs);
            return then is not null && hash.Span.SequenceEqual(then.Hash) ? then : null;
        }

        private V1.DocumentDelta Make(SpaceSnapshot now, EffectiveDocument? last, EffectiveDocument effective)
        {
            var message = new V1.DocumentDelta { Document = effective.Document, Hash = ByteString.CopyFrom(effective.Hash), Whole = last is null };
            IEnumerable<EffectiveEntry> set = effective.Entries;
            if (last is not null)
            {
                var between = DocumentDelta.Between(last, effective);
                set = between.Changed;
                message.Removed.AddRange(between.Gone);
            }

            // In clear: this is how a node gets its secrets, and whoever may watch it may have them.
            message.Set.AddRange(set.Select(e => Shown.Item(now, effective, e, now.Fleet.WinnerOf(_node, effective.Document, e.Key), reveal: true)));
            return message;
        }
    }
}
