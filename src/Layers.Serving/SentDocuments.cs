using Conclave.Wire;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Layers.Serving;

/// <summary>What one stream has: decides what it gets next.</summary>
public sealed class SentDocuments
{
    private readonly string _node;
    private readonly bool _wantsAll, _wantsItemsHash;
    private readonly SortedDictionary<string, Sent?> _sent = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ByteString> _had = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _releases = new(StringComparer.Ordinal);
    private readonly ConfigSpace _space;
    private SpaceSnapshot? _before;
    private long _release;

    public SentDocuments(ConfigSpace space, V1.WatchRequest request)
    {
        (_space, _node, _wantsAll, _release) = (space, request.Node, request.Documents.Count == 0, request.FromRelease);
        (RevisionMin, _wantsItemsHash) = (request.MinRevision, request.WantsItemsHash);
        ReleaseMin = Has(ServingFaults.IgnoreMinRelease) ? 0 : Math.Max(request.FromRelease, request.MinRelease);
        foreach (string document in request.Documents) _sent[document] = null;
        if (request.FromRelease == 0) return;
        foreach (V1.DocumentHash have in request.Have)
        {
            _had[have.Document] = have.Hash;
            if (have.Release > 0) _releases[have.Document] = have.Release;
            if (_wantsAll) _sent[have.Document] = null;   // one that is no more has to be told too
        }

        _before = space.Recent(request.FromRelease)?.As(_node);
    }

    /// <param name="Document">What the caller has.</param>
    /// <param name="At">The newest state in which it was just that.</param>
    private sealed record Sent(EffectiveDocument Document, SpaceSnapshot At);

    /// <summary>Nothing older is sent.</summary>
    public long ReleaseMin { get; private set; }

    /// <summary>
    /// The stream does not begin before the space was followed so far: values of other nodes, which move with the stages and facts of those, tell nobody
    /// how old they are. A member that a majority told that there is nothing newer need not look at it. Compare it with <see cref="ConfigSpace.FollowedRevision"/>, read before the snapshot.
    /// </summary>
    public long RevisionMin { get; }

    /// <returns>Null when nothing that the node gets is different, or this is older than what the caller has seen.</returns>
    public V1.Delta? Next(SpaceSnapshot now, bool isFirst)
    {
        if (now.Release < ReleaseMin) return null;
        now = now.As(_node);
        var delta = new V1.Delta { FromRelease = _release, ToRelease = now.Release, MovedRevision = now.MovedRevision };
        if (_wantsAll && (isFirst || !Has(ServingFaults.MissNewDocuments)))
        {
            foreach (string document in now.State.Documents.Keys) _sent.TryAdd(document, null);
        }

        // This member may not know yet how far a rollout has come, and the node had the answer of one that does. The other documents wait too: they may refer to it.
        if (!Has(ServingFaults.IgnoreMinRelease) && _sent.Keys.Any(d => now.ReleaseOf(d) < _releases.GetValueOrDefault(d))) return null;
        foreach (string document in _sent.Keys.ToArray())
        {
            Sent? sent = _sent[document];
            (long known, long release) = (_releases.GetValueOrDefault(document), now.ReleaseOf(document));
            // No value tells of these, and the caller is not to keep an old number: a flag behind it would let a later release shrink the document.
            bool mayShrink = known > 0 && release > known && MayShrink(now.State, document, known, release);
            bool isReshaped = known > 0 && release > known && IsReshaped(now.State, document, known, release);
            if (sent is not null && !mayShrink && !isReshaped && !now.Differs(sent.At, _node, document))
            {
                _sent[document] = ReferenceEquals(sent.At, now) ? sent : sent with { At = now };
                _releases[document] = Math.Max(known, release);
                continue;
            }

            // Null only for a node that is not there; a document that misses facts, or a secret that was dropped, is kept as it was.
            if (now.Fleet.Effective(_node, document, now.Inputs) is not { Problems.IsEmpty: true } effective) continue;
            if (effective.Entries.Any(e => e.IsPending && SecretReferences.HasUnknown(e.Value))) continue;
            _releases[document] = release;
            bool had = _had.ContainsKey(document);
            EffectiveDocument? last = sent?.Document ?? Had(document, effective);
            _sent[document] = new Sent(effective, now);
            isReshaped &= !effective.Entries.IsEmpty;
            if (last is not null && last.Hash.SequenceEqual(effective.Hash) && !mayShrink && !isReshaped) continue;
            if (isReshaped) last = null;
            if (last is null && effective.Entries.IsEmpty && _wantsAll && !had) continue;
            if (last is not null && Has(ServingFaults.DeltaFromNewest)) last = _space.Recent(now.Release - 1)?.Fleet.Effective(_node, document, now.Inputs) ?? last;
            V1.DocumentDelta changed = now.DeltaOf(Has(ServingFaults.ShareDeltas) ? null : last, effective, () => Make(now, last, effective));
            if (MayShrink(now.State, document, known, release)) changed = new V1.DocumentDelta(changed) { AllowShrink = true };   // a copy: others share it
            if (_wantsItemsHash && changed.ItemsHash.IsEmpty) changed = new V1.DocumentDelta(changed) { ItemsHash = ItemsHashOf(now, effective) };
            delta.Documents.Add(changed);
            if (Has(ServingFaults.HalfRelease)) break;
        }

        _before = null;   // of use to the first message alone
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
        return then is not null && (hash.Span.SequenceEqual(then.Hash) || Has(ServingFaults.TrustBase)) ? then : null;
    }

    /// <summary>Whether one of the releases that lie between says so; of a document that nothing is known of, its newest one.</summary>
    private static bool MayShrink(ConfigState state, string document, long had, long release)
    {
        for (long between = had > 0 ? Math.Min(had + 1, release) : release; between <= release; between++)
        {
            if (!state.Notes.TryGetValue(between, out ReleaseNote? note))
            {
                between = Math.Max(between, state.Notes.Keys.FirstOrDefault() - 1);   // the oldest are forgotten
                continue;
            }

            if (note.AllowShrink && state.EditsOf(between) is { } edits && new Change(0, edits).Documents().Contains(document)) return true;
        }

        return false;
    }

    /// <summary>Whether a schema changed in one of the releases that lie between, or may have: how a file is written and when it takes effect hangs on it, and no hash does.</summary>
    private static bool IsReshaped(ConfigState state, string document, long had, long release)
    {
        if (had < state.OldestReachable) return true;
        for (long between = had + 1; between <= release; between++)
        {
            if (state.EditsOf(between) is { } edits && edits.Any(e => e is SchemaEdit schema && schema.Document == document)) return true;
        }

        return false;
    }

    private bool Has(ServingFaults fault) => (_space.Faults & fault) != 0;

    private V1.DocumentDelta Make(SpaceSnapshot now, EffectiveDocument? last, EffectiveDocument effective)
    {
        var message = new V1.DocumentDelta { Document = effective.Document, Hash = ByteString.CopyFrom(effective.Hash), Whole = last is null, Release = now.ReleaseOf(effective.Document) };
        IEnumerable<EffectiveEntry> set = effective.Entries;
        if (last is not null)
        {
            var between = DocumentDelta.Between(last, effective);
            set = between.Changed;
            if (!Has(ServingFaults.KeepGoneKeys)) message.Removed.AddRange(between.Gone);
        }

        if (effective.Entries.Any(e => Shown.IsSecret(now, effective.Document, e))) message.ItemsHash = ItemsHashOf(now, effective);
        // In clear: this is how a node gets its secrets, and whoever may watch it may have them.
        message.Set.AddRange(set.Select(e => Shown.Item(now, effective, e, now.Fleet.WinnerOf(_node, effective.Document, e.Key), reveal: true)));
        return message;
    }

    /// <summary>Of what the node has then: <see cref="V1.DocumentDelta.Hash"/> has secrets by name only, and so says nothing of what was sent.</summary>
    private static ByteString ItemsHashOf(SpaceSnapshot now, EffectiveDocument effective) => ItemsHash.Of(effective.Entries.Select(entry =>
    {
        bool isPending = entry.IsPending;
        Value value = Shown.Effective(now, effective.Document, entry.Key, entry.Value, ref isPending, reveal: true);
        return (entry.Key, value.ToString(), isPending);
    }));
}
