using System.Collections.Immutable;

namespace Conclave.Simulator;

/// <summary>What the committed releases mean: the configuration once more, as one would explain it (I26, I30), and what each node must get (I27).</summary>
/// <remarks>It looks at every entry for every question, and knows the rules of just what the simulated publishers write: most specific scope, facts, references with a default, stages.</remarks>
internal sealed class ConfigHistory
{
    public const string FactReference = "%{fact:ip}", KeyReference = "<%{key:a|none}>", NodeReference = "%{node:n1/app/a|gone}", DocumentReference = "[%{doc:app/a|none}]";

    /// <summary>A value with this in it makes services fail.</summary>
    public const string Bad = "bad";

    private readonly List<Point> _points = [new()];
    private readonly List<int> _firstPoint = [0]; // by release
    private readonly Dictionary<string, long> _requests = [];
    private readonly HashSet<string> _refused = [];
    private readonly Dictionary<(int Point, string Node, string Document, long Without), ImmutableSortedDictionary<string, string>?> _resolved = [];

    /// <summary>Everything after one entry of the log.</summary>
    private sealed record Point
    {
        public long Release { get; init; }

        /// <summary>Of the store.</summary>
        public long Revision { get; init; }
        public ImmutableSortedDictionary<(string Document, string Scope, string Key), string> Entries { get; init; } = ImmutableSortedDictionary<(string, string, string), string>.Empty;
        public ImmutableSortedDictionary<string, string> Sites { get; init; } = ImmutableSortedDictionary<string, string>.Empty;
        public ImmutableDictionary<string, string> Facts { get; init; } = ImmutableDictionary<string, string>.Empty;

        /// <summary>The last release that touched a document.</summary>
        public ImmutableDictionary<string, long> Heads { get; init; } = ImmutableDictionary<string, long>.Empty;

        /// <summary>Those that are under way.</summary>
        public ImmutableSortedDictionary<long, HistoryRollout> Rollouts { get; init; } = ImmutableSortedDictionary<long, HistoryRollout>.Empty;

        public bool Has(HistoryRollout rollout, string node) => rollout.Has(node, Sites[node]);

        public long HeadOf(string document) => Entries.Keys.Any(k => k.Document == document) ? Heads[document] : Release;
    }

    public long Release => _points[^1].Release;

    /// <summary>Rollouts that go on by themselves.</summary>
    public IEnumerable<long> Running => _points[^1].Rollouts.Values.Where(r => r.Phase == HistoryRollout.Running).Select(r => r.Release);

    /// <summary>An entry is committed, and its conditions held.</summary>
    /// <param name="write">What it means.</param>
    /// <param name="revision">Of the store after it.</param>
    public void OnCommitted(ConfigWrite write, long revision)
    {
        Point now = _points[^1];
        Point next = write switch
        {
            ConfigFacts facts => now with { Facts = now.Facts.SetItem(facts.Node, facts.Address) },
            ConfigRelease release => Released(now, release),
            ConfigRolloutMove move => Moved(now, move),
            _ => throw new SimulationFailure($"The history does not know {write}."),
        };
        CheckKept(now, next, write);
        if (next.Release > now.Release) _firstPoint.Add(_points.Count);
        _points.Add(next with { Revision = revision });
    }

    private Point Released(Point now, ConfigRelease release)
    {
        if (release.Number != now.Release + 1) throw new SimulationFailure($"I26: release {release.Number} is committed after release {now.Release}.");
        if (!_requests.TryAdd(release.RequestId, release.Number)) throw new SimulationFailure($"I26: request {release.RequestId} is release {_requests[release.RequestId]}, and release {release.Number} too.");
        if (_refused.Contains(release.RequestId)) throw new SimulationFailure($"I26: request {release.RequestId} was refused and is release {release.Number}.");
        ImmutableSortedDictionary<string, string> sites = now.Sites;
        foreach (ConfigMove move in release.Edits.OfType<ConfigMove>()) sites = sites.SetItem(move.Node, move.Site);
        ConfigSet[] sets = [.. release.Edits.OfType<ConfigSet>().Where(s => s.Text != now.Entries.GetValueOrDefault(s.Address))];
        var before = sets.ToImmutableDictionary(s => s.Address, s => now.Entries.GetValueOrDefault(s.Address));
        string[] documents = [.. sets.Select(s => s.Document).Distinct()];
        if (now.Rollouts.Values.FirstOrDefault(r => documents.Any(r.BaseReleases.ContainsKey)) is { } under) throw new SimulationFailure($"I30: release {release.Number} touches what release {under.Release} brings, which is under rollout.");
        Point next = With(now with { Sites = sites }, release.Number, sets.Select(s => (s.Address, s.Text)));
        return release.Strategy is null ? next : next with
        {
            Rollouts = next.Rollouts.Add(release.Number, new HistoryRollout
            {
                Release = release.Number,
                Strategy = release.Strategy,
                Before = before,
                BaseReleases = documents.ToImmutableSortedDictionary(d => d, now.HeadOf),
                Thresholds = [release.FirstThreshold],
            }),
        };
    }

    private static Point Moved(Point now, ConfigRolloutMove move)
    {
        HistoryRollout? was = now.Rollouts.GetValueOrDefault(move.Release), moved = HistoryRollout.Moved(was, move);
        Point next = now with { Rollouts = moved is null ? now.Rollouts.Remove(move.Release) : now.Rollouts.SetItem(move.Release, moved) };
        if (move.TakenBackBy == 0) return next;
        if (move.TakenBackBy != now.Release + 1) throw new SimulationFailure($"I26: release {move.TakenBackBy}, which takes {move.Release} back, is committed after release {now.Release}.");
        return With(next, move.TakenBackBy, was!.Before.Select(b => (b.Key, b.Value))); // it was there, or it had not moved
    }

    private static Point With(Point now, long release, IEnumerable<((string Document, string Scope, string Key) Address, string? Text)> edits)
    {
        (var entries, var heads) = (now.Entries, now.Heads);
        foreach (((string Document, string, string) address, string? text) in edits)
        {
            entries = text is null ? entries.Remove(address) : entries.SetItem(address, text);
            heads = heads.SetItem(address.Document, release);
        }
        return now with { Release = release, Entries = entries, Heads = heads };
    }

    /// <summary>I30: who had a release that is on its way keeps it, and when it is done everybody has it.</summary>
    private static void CheckKept(Point now, Point next, ConfigWrite write)
    {
        foreach (HistoryRollout rollout in now.Rollouts.Values)
        {
            if (next.Rollouts.TryGetValue(rollout.Release, out HistoryRollout? still))
            {
                if (now.Sites.Keys.FirstOrDefault(n => now.Has(rollout, n) && !next.Has(still, n)) is { } loser) throw new SimulationFailure($"I30: {loser} loses release {rollout.Release} again, which is under rollout, by {write}.");
            }
            else if (write is ConfigRolloutMove { Phase: HistoryRollout.Done } && now.Sites.Keys.FirstOrDefault(n => !now.Has(rollout, n)) is { } without)
            {
                throw new SimulationFailure($"I30: the rollout of release {rollout.Release} is done, and {without} was never selected.");
            }
        }
    }

    /// <summary>A publisher is told which release its request became.</summary>
    public void OnTold(string requestId, long release)
    {
        if (!_requests.TryGetValue(requestId, out long known) || known != release)
            throw new SimulationFailure($"I26: request {requestId} is told that it is release {release}, and it is {(known == 0 ? "none" : known)}.");
    }

    /// <summary>A publisher is told that its request will never be a release.</summary>
    public void OnRefused(string requestId)
    {
        if (_requests.TryGetValue(requestId, out long known)) throw new SimulationFailure($"I26: request {requestId} is refused, and it is release {known}.");
        _refused.Add(requestId);
    }

    /// <summary>The first moment of a release, and not before another moment, at which these are the documents of a node; -1 when there is none.</summary>
    public int MomentOf(long release, string node, IReadOnlyDictionary<string, SortedDictionary<string, string>> documents, int notBefore)
    {
        int end = release + 1 < _firstPoint.Count ? _firstPoint[(int)release + 1] : _points.Count;
        for (int point = Math.Max(notBefore, _firstPoint[(int)release]); point < end; point++)
            if (documents.All(d => IsAt(point, node, d.Key, d.Value))) return point;
        return -1;
    }

    /// <summary>Whether this is the document as it is now.</summary>
    public bool IsNow(string node, string document, SortedDictionary<string, string> content) => IsAt(_points.Count - 1, node, document, content);

    public string Describe(string node, string document) => Text(Resolve(_points.Count - 1, node, document)) ?? "lacks a fact";

    /// <summary>The moment at which a store had this revision.</summary>
    public int PointAt(long revision)
    {
        int point = _points.Count - 1;
        while (_points[point].Revision > revision) point--;
        return point;
    }

    public long ReleaseAt(int point) => _points[point].Release;

    public IEnumerable<string> NodesAt(int point) => _points[point].Sites.Keys;

    /// <summary>Nodes that have a release by then, and whether it makes a difference to a document of theirs; none when it is not under rollout.</summary>
    public IEnumerable<string> SelectedAt(int point, long release) =>
        _points[point].Rollouts.TryGetValue(release, out HistoryRollout? rollout) ? _points[point].Sites.Keys.Where(n => _points[point].Has(rollout, n)) : [];

    public HistoryRollout? RolloutAt(int point, long release) => _points[point].Rollouts.GetValueOrDefault(release);

    /// <summary>A node's document as one text; null when it lacks a fact.</summary>
    public string? TextAt(int point, string node, string document, long without = 0) => Text(Resolve(point, node, document, without));

    /// <summary>The release that a node's document is of.</summary>
    public long DocumentReleaseAt(int point, string node, string document)
    {
        Point at = _points[point];
        return at.Rollouts.Values.FirstOrDefault(r => !at.Has(r, node) && r.BaseReleases.ContainsKey(document)) is { } holding ? holding.BaseReleases[document] : at.HeadOf(document);
    }

    private static string? Text(IEnumerable<KeyValuePair<string, string>>? content) => content is null ? null : string.Join(", ", content.Select(e => $"{e.Key}={e.Value}"));

    /// <summary>A document that lacks a fact is kept as it was, whatever that is.</summary>
    private bool IsAt(int point, string node, string document, SortedDictionary<string, string> content) => Resolve(point, node, document) is not { } expected || expected.SequenceEqual(content);

    /// <param name="at">The moment.</param>
    /// <param name="node">The node.</param>
    /// <param name="document">The document.</param>
    /// <param name="without">As if this release had not reached the node; 0 for as it is.</param>
    /// <returns>Null when a fact is missing.</returns>
    private ImmutableSortedDictionary<string, string>? Resolve(int at, string node, string document, long without = 0)
    {
        if (_resolved.TryGetValue((at, node, document, without), out var known)) return known;
        var view = new NodeView(_points[at], node, without);
        var result = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        bool isWhole = true;
        foreach (string key in _points[at].Entries.Keys.Concat(_points[at].Rollouts.Values.SelectMany(r => r.Before.Keys)).Where(k => k.Document == document).Select(k => k.Key).Distinct())
        {
            (string? text, bool lacksFact) = ValueOf(view, document, key);
            isWhole &= !lacksFact;
            if (text is not null) result[key] = $"\"{text}\"";
        }
        return _resolved[(at, node, document, without)] = isWhole ? result.ToImmutable() : null;
    }

    /// <summary>What one node sees: what rollouts hold back is as it was before them.</summary>
    private sealed record NodeView(Point At, string Node, long Without)
    {
        public string? EntryOf((string Document, string Scope, string Key) address)
        {
            foreach (HistoryRollout rollout in At.Rollouts.Values)
                if ((rollout.Release == Without || !At.Has(rollout, Node)) && rollout.Before.TryGetValue(address, out string? before)) return before;
            return At.Entries.GetValueOrDefault(address);
        }

        /// <summary>A reference by name sees the version that the named node is on, as if or not.</summary>
        public NodeView Of(string node) => new(At, node, 0);
    }

    private static (string? Text, bool LacksFact) ValueOf(NodeView view, string document, string key)
    {
        (Point at, string node) = (view.At, view.Node);
        string? text = new[] { $"host={node}", $"site={at.Sites.GetValueOrDefault(node)}", "*" }.Select(scope => view.EntryOf((document, scope, key))).FirstOrDefault(found => found is not null);
        return text switch
        {
            null or "" => (null, false),
            FactReference => (at.Facts.GetValueOrDefault(node), !at.Facts.ContainsKey(node)),
            KeyReference when ValueOf(view, document, "a") is var (used, lacks) => ($"<{used ?? "none"}>", lacks),
            DocumentReference when ValueOf(view, "app", "a") is var (used, lacks) => ($"[{used ?? "none"}]", lacks),
            NodeReference when ValueOf(view.Of("n1"), "app", "a") is var (used, lacks) => (used ?? "gone", lacks),
            _ => (text, false),
        };
    }
}
