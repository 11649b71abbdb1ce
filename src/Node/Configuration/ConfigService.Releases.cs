using System.Collections.Immutable;
using Conclave.Layers;
using Conclave.Layers.Serving;
using Conclave.Layers.Serving.Secrets;
using Conclave.Layers.Wire;
using Conclave.Node.Http;
using Conclave.Node.Services;
using Conclave.Wire.Grpc;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Node.Configuration;

/// <content>What was: releases, what differs between them, and everything at one of them.</content>
internal sealed partial class ConfigService
{
    private const int ReleasesUsual = 100, ReleasesMax = 1000, PartEdits = 500;
    private const int PartBytes = 256 << 10;

    private async ValueTask<IMessage> ReleasesAsync(RpcContext call, V1.ReleasesRequest request)
    {
        (ConfigSpace space, SpaceSnapshot now) = await ReadAsync(call, request.Space).ConfigureAwait(false);
        await _access.RequireReadAsync(call, now.Space, request.Document.Length > 0 ? [request.Document] : null).ConfigureAwait(false);
        Func<string, bool> mayRead = await _access.ReadableAsync(call, now.Space).ConfigureAwait(false);
        int limit = request.Limit is > 0 and <= ReleasesMax ? (int)request.Limit : request.Limit > ReleasesMax ? ReleasesMax : ReleasesUsual;
        var answer = new V1.ReleasesResponse { Head = now.Release };
        long from = request.Before > 0 ? Math.Min(request.Before - 1, now.Release) : now.Release;
        bool readsRecords = false;
        using var wait = CancellationTokenSource.CreateLinkedTokenSource(call.Cancellation);
        try
        {
            for (long release = from; release > 0 && answer.Releases.Count < limit; release--)
            {
                if (!readsRecords && release <= now.State.OldestReachable)
                {
                    wait.CancelAfter(FoldTime);
                    await _fold.WaitAsync(wait.Token).ConfigureAwait(false);   // from here on each record is read, and there may be thousands without this document
                    readsRecords = true;
                }

                wait.Token.ThrowIfCancellationRequested();
                V1.ReleaseInfo info = InfoOf(space, now, release);
                if (request.Document.Length == 0 || info.Documents.Contains(request.Document)) answer.Releases.Add(OnlyReadable(info, mayRead));
            }
        }
        catch (OperationCanceledException) when (!call.Cancellation.IsCancellationRequested)
        {
            if (!readsRecords) throw InLine();
            throw new GrpcException(new GrpcStatus(GrpcCode.Unavailable,
                $"conclave: the releases before {now.State.OldestReachable} could not be read within {FoldTime.TotalSeconds} s; ask for fewer (limit), or for those before a release (before)"));
        }
        finally
        {
            if (readsRecords) _fold.Release();
        }

        return answer;
    }

    /// <summary>Who published a release, when, why, and how much. Of what is not at hand the record says it.</summary>
    private V1.ReleaseInfo InfoOf(ConfigSpace space, SpaceSnapshot now, long release)
    {
        if (now.State.Notes.TryGetValue(release, out ReleaseNote? note) && now.State.EditsOf(release) is { } edits) return Shown.Release(release, note, edits);
        ChangeRecord record = RecordOf(space, release);
        return Shown.Release(release, record.Note, record.Change.Edits);
    }

    private async ValueTask<IMessage> DiffAsync(RpcContext call, V1.DiffRequest request)
    {
        (ConfigSpace space, SpaceSnapshot now) = await ReadAsync(call, request.Space).ConfigureAwait(false);
        await _access.RequireReadAsync(call, now.Space, documents: null).ConfigureAwait(false);
        long to = request.To == 0 ? now.Release : request.To;
        SpaceSnapshot a = await AtReleaseAsync(call, space, now, request.From).ConfigureAwait(false), b = await AtReleaseAsync(call, space, now, to).ConfigureAwait(false);
        ImmutableArray<Edit> touched = now.State.Diff(request.From, to) is { } pairs ? [.. pairs.Select(p => p.After)] : a.State.EditsTo(b.State);
        var answer = new V1.DiffResponse();
        answer.Change = Between(a, b, touched, answer.Changes);
        return answer;
    }

    /// <summary>What leads from one release to another, of what some edits touch. Secrets are hidden.</summary>
    private static V1.Change Between(SpaceSnapshot a, SpaceSnapshot b, ImmutableArray<Edit> touched, ICollection<V1.EntryChange> entries)
    {
        ImmutableArray<Edit> changed = b.State.MovedSince(a.State, touched);
        foreach (V1.EntryChange entry in changed.OfType<EntryEdit>().Select(e => Shown.EntryChange(a, b.Fleet, e)).OfType<V1.EntryChange>()) entries.Add(entry);
        return ChangeMessages.Of(changed, b.State.Dimensions, (document, key, value) =>
            Shown.IsHidden(value, a.State.Document(document).SchemaOf(key).Secret || b.State.Document(document).SchemaOf(key).Secret) ? b.Secrets.Hide(value).ToString() : value.ToString());
    }

    private async ValueTask ExportAsync(RpcContext call, RpcStream stream)
    {
        V1.ExportRequest request = await stream.ReadAsync(call.Cancellation).ConfigureAwait(false) is { } bytes
            ? LeaseService.Parse(V1.ExportRequest.Parser, bytes) : throw Invalid("say what to export");
        (ConfigSpace space, SpaceSnapshot now) = await ReadAsync(call, request.Space).ConfigureAwait(false);
        await _access.RequireReadAsync(call, now.Space, request.Documents.Count > 0 ? request.Documents : null).ConfigureAwait(false);
        if (request.Reveal) await _access.RequireRevealAsync(call, now.Space, request.Documents).ConfigureAwait(false);
        SpaceSnapshot at = await AtAsync(call, space, now, request.At).ConfigureAwait(false);
        var message = new V1.ExportPart { Release = at.Release };
        try
        {
            foreach (Edit[] part in EditsOf(at, request.Documents, request.Reveal).Chunk(PartEdits))
            {
                // By size as well: few of them may be large.
                foreach (Edit[] piece in SplitBySize(part))
                {
                    message.Change = ChangeMessages.Of(piece, at.State.Dimensions);
                    await stream.WriteAsync(message.ToByteArray(), call.Cancellation).ConfigureAwait(false);
                }
            }
        }
        catch (SecretUnavailableException missing)
        {
            throw Unavailable(missing);
        }

        if (message.Change is not null) return;
        message.Change = new V1.Change();   // there is nothing, and that too is so at a release
        await stream.WriteAsync(message.ToByteArray(), call.Cancellation).ConfigureAwait(false);
    }

    private static IEnumerable<Edit> EditsOf(SpaceSnapshot at, ICollection<string> documents, bool reveal)
    {
        if (documents.Count == 0)
        {
            yield return new DimensionsEdit(at.State.Dimensions.List, at.State.Dimensions.NodeDimension);
            foreach (((string dimension, string value), int weight) in at.State.Dimensions.Weights) yield return new WeightEdit(dimension, value, weight);
            foreach ((string node, Assignment assignment) in at.State.Nodes) yield return new NodeEdit(node, assignment);
        }

        foreach ((string name, DocumentState document) in at.State.Documents)
        {
            if (documents.Count > 0 && !documents.Contains(name)) continue;
            foreach ((string key, KeySchema schema) in document.Schemas) yield return new SchemaEdit(name, key, schema);
            foreach ((Scope scope, var entries) in document.Scopes)
            {
                foreach ((string key, Entry entry) in entries)
                {
                    if (!Shown.IsHidden(entry.Value, document.SchemaOf(key).Secret)) yield return new EntryEdit(name, scope, key, entry);
                    else if (reveal) yield return new EntryEdit(name, scope, key, entry with { Value = WithSealedInClear(at, entry.Value) });
                }
            }
        }
    }

    private static IEnumerable<Edit[]> SplitBySize(Edit[] edits)
    {
        var piece = new List<Edit>();
        int bytes = 0;
        foreach (Edit edit in edits)
        {
            int size = edit is EntryEdit { Entry: { } entry } ? entry.Value.ToBytes().Length : 64;
            if (piece.Count > 0 && bytes + size > PartBytes)
            {
                yield return [.. piece];
                piece.Clear();
                bytes = 0;
            }

            piece.Add(edit);
            bytes += size;
        }

        if (piece.Count > 0) yield return [.. piece];
    }
}
