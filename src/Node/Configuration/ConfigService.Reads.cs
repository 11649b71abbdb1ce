using System.Text;
using Conclave.Layers;
using Conclave.Layers.Rendering;
using Conclave.Layers.Serving;
using Conclave.Layers.Wire;
using Conclave.Node.Http;
using Conclave.Wire.Grpc;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Node.Configuration;

/// <content>Questions about effective values and entries.</content>
internal sealed partial class ConfigService
{
    /// <summary>A document as a subject has it, and where each value comes from.</summary>
    private sealed record Effective(EffectiveDocument Document, Func<string, Contribution?> WinnerOf);

    private async ValueTask<IMessage> GetAsync(RpcContext call, V1.GetRequest request)
    {
        SpaceSnapshot at = await ReadDocumentAsync(call, request.Space, request.Document, request.At, request.Reveal, request.MinRelease).ConfigureAwait(false);
        at = at.As(NodeOf(at, request.Subject));
        Effective effective = Of(at, request.Subject, request.Document);
        var answer = new V1.GetResponse { Release = at.Release, Hash = ByteString.CopyFrom(effective.Document.Hash) };
        foreach (EffectiveEntry entry in effective.Document.Entries.Where(e => IsSelected(e.Key, request.Keys) && !(e.IsPending && SecretReferences.HasUnknown(e.Value))))
            answer.Items.Add(Shown.Item(at, effective.Document, entry, effective.WinnerOf(entry.Key), request.Reveal));
        answer.Problems.AddRange(effective.Document.Problems.Concat(MissingSecrets(effective.Document)).Select(Shown.Problem));
        return answer;
    }

    private async ValueTask<IMessage> ExplainAsync(RpcContext call, V1.ExplainRequest request)
    {
        SpaceSnapshot at = await ReadDocumentAsync(call, request.Space, request.Document, request.At, reveal: false).ConfigureAwait(false);
        at = at.As(NodeOf(at, request.Subject));
        if (request.Key.Length == 0) throw Invalid("name a key to explain");
        Explanation why = NodeOf(at, request.Subject) is { } node
            ? at.Fleet.Explain(node, request.Document, request.Key, at.Inputs) ?? throw NoSuchNode(node, at.Release)
            : at.Fleet.ExplainAs(ThoughtOf(at, request.Subject), request.Document, request.Key, at.Inputs);
        if (why.Entries.IsEmpty && !at.State.Document(request.Document).Schemas.ContainsKey(request.Key))
            throw NotFound($"nothing is said of {request.Key} in {request.Document} for whom was asked");
        var answer = new V1.ExplainResponse
        {
            Release = at.Release,
            Value = why.Result.Value is { } value ? ShownEffective(at, request.Document, request.Key, value, why.Result.IsPending) : "",
            Type = Named(why.Schema.Type),
            Apply = Named(why.Schema.Apply),
            Merge = Named(why.Schema.Merge),
            Secret = at.IsSecret(request.Document, request.Key) || (why.Result is { IsPending: true, Value: { } pending } && SecretReferences.HasAny(pending)),
            Problem = why.Result.Problem?.Message ?? "",
        };
        Func<string, bool> mayRead = await _access.ReadableAsync(call, at.Space).ConfigureAwait(false);
        foreach (ExplainedEntry entry in why.Entries)
        {
            answer.Layers.Add(new V1.Layer
            {
                Scope = entry.Scope,
                Op = ChangeMessages.NameOf(entry.Entry.Op),
                Value = entry.Entry.Op == EntryOp.Unset ? "" : Shown.Entry(at, request.Document, request.Key, entry.Entry.Value),
                Comment = entry.Entry.Comment,
                Release = OnlyReadable(Shown.Release(at.State, entry.Entry.Release, entry.Note ?? OldNoteOf(at.Space, entry.Entry.Release)), mayRead),
                Wins = entry.Fate is EntryFate.Wins or EntryFate.Merged,
                WhyNot = entry.Fate switch { EntryFate.Hidden => "overridden by a more specific scope", EntryFate.Blocked => "blocked by a final value", _ => "" },
            });
        }

        answer.UsedBy.AddRange(why.UsedBy.Where(u => mayRead(u.Document)).Select(u => u.ToString()));
        return answer;
    }

    private async ValueTask<IMessage> CompareAsync(RpcContext call, V1.CompareRequest request)
    {
        (ConfigSpace space, SpaceSnapshot now) = await ReadAsync(call, request.Space).ConfigureAwait(false);
        SpaceSnapshot at = await AtAsync(call, space, now, request.At).ConfigureAwait(false);
        string[] documents = request.Document.Length > 0 ? [request.Document] : [.. at.State.Documents.Keys];
        await _access.RequireReadAsync(call, now.Space, documents, request.Document.Length > 0 ? null : $"read permission on {ConfigAccess.PrefixesOf(now.Space, null)[0]} and all below it; or name a document").ConfigureAwait(false);
        var answer = new V1.CompareResponse { Release = at.Release };
        foreach (string document in documents)
        {
            Effective a = Of(at, request.A, document), b = Of(at, request.B, document);
            IEnumerable<string> keys = a.Document.Entries.Concat(b.Document.Entries).Select(e => e.Key).Concat(a.Document.Problems.Concat(b.Document.Problems).Select(p => p.Key ?? ""))
                .Where(k => k.Length > 0 && IsSelected(k, request.Keys)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);
            foreach (string key in keys)
            {
                EffectiveEntry? inA = a.Document.Find(key), inB = b.Document.Find(key);
                if (inA is not null && inA == inB)
                {
                    answer.Equal++;
                    continue;
                }

                answer.Differences.Add(new V1.Difference
                {
                    Document = document,
                    Key = key,
                    A = inA is null ? "" : ShownEffective(at, document, key, inA.Value, inA.IsPending),
                    B = inB is null ? "" : ShownEffective(at, document, key, inB.Value, inB.IsPending),
                    ScopeA = ScopeOf(a, key),
                    ScopeB = ScopeOf(b, key),
                });
            }
        }

        return answer;

        string ScopeOf(Effective effective, string key) => effective.WinnerOf(key) is { } winner ? at.State.Dimensions.TextOf(winner.Scope) : "";
    }

    private async ValueTask<IMessage> SearchAsync(RpcContext call, V1.SearchRequest request)
    {
        (ConfigSpace space, SpaceSnapshot now) = await ReadAsync(call, request.Space).ConfigureAwait(false);
        await _access.RequireReadAsync(call, now.Space, documents: null).ConfigureAwait(false);
        if (request.Text.Length == 0) throw Invalid("an empty text is everywhere; export shows everything");
        SpaceSnapshot at = await AtAsync(call, space, now, request.At).ConfigureAwait(false);
        int limit = request.Limit is > 0 and < Limits.SearchResultsMax ? (int)request.Limit : Limits.SearchResultsMax;
        var found = at.Fleet.Search(request.Text);
        var answer = new V1.SearchResponse { Release = at.Release, More = found.Length > limit || found.Length == Limits.SearchResultsMax };
        answer.Entries.AddRange(found.Take(limit).Select(f => Of(at, f)));
        return answer;
    }

    private async ValueTask<IMessage> WhoUsesAsync(RpcContext call, V1.WhoUsesRequest request)
    {
        (ConfigSpace space, SpaceSnapshot now) = await ReadAsync(call, request.Space).ConfigureAwait(false);
        await _access.RequireReadAsync(call, now.Space, documents: null).ConfigureAwait(false);   // who refers to it may be in any document
        SpaceSnapshot at = await AtAsync(call, space, now, request.At).ConfigureAwait(false);
        var answer = new V1.WhoUsesResponse { Release = at.Release };
        foreach (Found found in at.Fleet.EntriesThatUse(request.Document, request.Key))
        {
            if (answer.More = answer.Entries.Count == Limits.SearchResultsMax) break;
            answer.Entries.Add(Of(at, found));
        }

        return answer;
    }

    private async ValueTask<IMessage> RenderAsync(RpcContext call, V1.RenderRequest request)
    {
        SpaceSnapshot at = await ReadDocumentAsync(call, request.Space, request.Document, request.At, request.Reveal).ConfigureAwait(false);
        at = at.As(NodeOf(at, request.Subject));
        Effective effective = Of(at, request.Subject, request.Document);
        // An empty file is a service on its defaults, so a slip in a name must not give one.
        if (effective.Document.Entries.IsEmpty && effective.Document.Problems.IsEmpty)
            throw NotFound($"{(request.Subject?.Node is { Length: > 0 } node ? node : "who was asked for")} gets nothing of {request.Document} at release {at.Release}");
        DocumentState schemas = at.State.Document(request.Document);
        EffectiveDocument document = request.Reveal ? effective.Document : Hidden(at, effective.Document);
        var source = new RenderSource(document, schemas.SchemaOf, reference => reference.Kind != ReferenceKind.Secret ? null
            : at.Secrets.Open(SecretReferences.NameOf(reference)));   // none is left in a document that is not revealed
        Rendered rendered = Formats.TryGetValue(request.Format, out RenderFormat format) ? Renderer.Render(format, source)
            : throw Invalid($"there is no format \"{request.Format}\"; there are {string.Join(", ", Formats.Keys.Where(f => f.Length > 0))}");
        return rendered.Text is { } text
            ? new V1.RenderResponse { Release = at.Release, Hash = ByteString.CopyFrom(effective.Document.Hash), Content = ByteString.CopyFrom(text, Encoding.UTF8) }
            : throw new GrpcException(new GrpcStatus(GrpcCode.FailedPrecondition, string.Join('\n', rendered.Problems.Select(p => $"{p.Code} {p.Message}"))));
    }

    private async ValueTask<IMessage> NodesAsync(RpcContext call, V1.NodesRequest request)
    {
        (ConfigSpace space, SpaceSnapshot now) = await ReadAsync(call, request.Space).ConfigureAwait(false);
        await _access.RequireReadAsync(call, now.Space, []).ConfigureAwait(false);
        SpaceSnapshot at = await AtAsync(call, space, now, request.At, () => RequireSomeReadAsync(call, now)).ConfigureAwait(false);
        if (request.Node.Length > 0 && !at.State.Nodes.ContainsKey(request.Node)) throw NoSuchNode(request.Node, at.Release);
        int limit = request.Limit is > 0 and < NodesMax ? (int)request.Limit : NodesMax;
        var answer = new V1.NodesResponse { Release = at.Release, Total = at.State.Nodes.Count, Dimensions = ChangeMessages.Of(at.State.Dimensions.List, at.State.Dimensions.NodeDimension) };
        foreach ((string node, Assignment assigned) in at.State.Nodes)
        {
            if ((request.Node.Length > 0 && node != request.Node) || string.CompareOrdinal(node, request.After) <= 0) continue;
            if (answer.Nodes.Count == limit) break;
            var info = new V1.NodeInfo { Node = node };
            info.Assigned.AddRange(assigned.Pairs.Select(p => new V1.Pair { Dimension = p.Dimension, Value = p.Value }));
            if (at.Facts.TryGetValue(node, out Value? facts))
                foreach ((string name, Value value) in facts.Members) info.Facts[name] = value.ToString();
            answer.Nodes.Add(info);
        }

        return answer;
    }

    private const int NodesMax = 1000;

    private static readonly SortedDictionary<string, RenderFormat> Formats = new(StringComparer.Ordinal)
    {
        [""] = RenderFormat.OsloIni,
        ["oslo-ini"] = RenderFormat.OsloIni,
        ["ini"] = RenderFormat.Ini,
        ["json"] = RenderFormat.Json,
        ["yaml"] = RenderFormat.Yaml,
        ["toml"] = RenderFormat.Toml,
        ["env-systemd"] = RenderFormat.EnvironmentFile,
        ["env-shell"] = RenderFormat.Shell,
        ["properties"] = RenderFormat.Properties,
        ["raw"] = RenderFormat.Raw,
    };

    private async ValueTask<SpaceSnapshot> ReadDocumentAsync(RpcContext call, string space, string document, V1.At? when, bool reveal, long minRelease = 0)
    {
        (ConfigSpace known, SpaceSnapshot now) = await ReadAsync(call, space, minRelease).ConfigureAwait(false);
        if (document.Length == 0) throw Invalid("name a document");
        await _access.RequireReadAsync(call, now.Space, [document]).ConfigureAwait(false);
        if (reveal) await _access.RequireRevealAsync(call, now.Space, [document]).ConfigureAwait(false);
        return await AtAsync(call, known, now, when).ConfigureAwait(false);
    }

    private static Effective Of(SpaceSnapshot at, V1.Subject? subject, string document)
    {
        if (NodeOf(at, subject) is { } node)
        {
            at = at.As(node);
            EffectiveDocument effective = at.Fleet.Effective(node, document, at.Inputs) ?? throw NoSuchNode(node, at.Release);
            return new(effective, key => at.Fleet.WinnerOf(node, document, key));
        }

        Assignment thought = ThoughtOf(at, subject);
        return new(at.Fleet.EffectiveAs(thought, document, at.Inputs), at.Fleet.WinnersAs(thought, document));
    }

    /// <summary>A node by name, or by its own dimension among the criteria.</summary>
    private static string? NodeOf(SpaceSnapshot at, V1.Subject? subject)
    {
        if (subject is null) return null;
        if (subject.Node.Length > 0) return subject.Node;
        return subject.Criteria.FirstOrDefault(p => p.Dimension == at.State.Dimensions.NodeDimension)?.Value;
    }

    private static Assignment ThoughtOf(SpaceSnapshot at, V1.Subject? subject)
    {
        foreach (V1.Pair pair in subject?.Criteria ?? [])
        {
            if (!at.State.Dimensions.Contains(pair.Dimension))
                throw Invalid($"there is no dimension {pair.Dimension}; there are {string.Join(", ", at.State.Dimensions.List.Select(d => d.Name))}");
        }

        return Assignment.Of((subject?.Criteria ?? []).Select(p => new ScopePair(p.Dimension, p.Value)));
    }

    private static EffectiveDocument Hidden(SpaceSnapshot at, EffectiveDocument document) => document.With(entry =>
    {
        bool isPending = entry.IsPending;
        Value shown = Shown.Effective(at, document.Document, entry.Key, entry.Value, ref isPending);
        return ReferenceEquals(shown, entry.Value) ? entry : new EffectiveEntry(entry.Key, shown, isPending);
    });

    private static V1.EntryEdit Of(SpaceSnapshot at, Found found) =>
        ChangeMessages.Of(found.Document, found.Scope, found.Key, found.Entry, (document, key, value) => Shown.Entry(at, document, key, value));

    private static bool IsSelected(string key, ICollection<string> wanted) =>
        wanted.Count == 0 || wanted.Any(w => w.EndsWith('/') ? key.StartsWith(w, StringComparison.Ordinal) : key == w);

    private static string Named<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();
}
