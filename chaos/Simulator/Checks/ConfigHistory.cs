using System.Collections.Immutable;

namespace Conclave.Simulator;

/// <summary>What the committed releases mean: the configuration once more, as one would explain it (I26), and what each node must get (I27).</summary>
/// <remarks>It looks at every entry for every question, and knows the rules of just what the simulated publishers write: most specific scope, facts, references with a default.</remarks>
internal sealed class ConfigHistory
{
    public const string FactReference = "%{fact:ip}", KeyReference = "<%{key:a|none}>", NodeReference = "%{node:n1/app/a|gone}";

    private readonly List<Point> _points = [new(0, ImmutableSortedDictionary<(string, string, string), string>.Empty, ImmutableSortedDictionary<string, string>.Empty, ImmutableDictionary<string, string>.Empty)];
    private readonly List<int> _firstPoint = [0]; // by release
    private readonly Dictionary<string, long> _requests = [];
    private readonly HashSet<string> _refused = [];
    private readonly Dictionary<(int Point, string Node, string Document), ImmutableSortedDictionary<string, string>?> _resolved = [];

    /// <summary>Everything after one entry of the log.</summary>
    private sealed record Point(long Release, ImmutableSortedDictionary<(string Document, string Scope, string Key), string> Entries, ImmutableSortedDictionary<string, string> Sites, ImmutableDictionary<string, string> Facts);

    public long Release => _points[^1].Release;

    /// <summary>An entry is committed, and its conditions held.</summary>
    public void OnCommitted(ConfigWrite write)
    {
        Point now = _points[^1];
        if (write is ConfigFacts facts)
        {
            _points.Add(now with { Facts = now.Facts.SetItem(facts.Node, facts.Address) });
            return;
        }
        var release = (ConfigRelease)write;
        if (release.Number != now.Release + 1) throw new SimulationFailure($"I26: release {release.Number} is committed after release {now.Release}.");
        if (!_requests.TryAdd(release.RequestId, release.Number)) throw new SimulationFailure($"I26: request {release.RequestId} is release {_requests[release.RequestId]}, and release {release.Number} too.");
        if (_refused.Contains(release.RequestId)) throw new SimulationFailure($"I26: request {release.RequestId} was refused and is release {release.Number}.");
        (var entries, var sites) = (now.Entries, now.Sites);
        foreach (ConfigEdit edit in release.Edits)
        {
            if (edit is ConfigMove move) sites = sites.SetItem(move.Node, move.Site);
            if (edit is ConfigSet set) entries = set.Text is null ? entries.Remove((set.Document, set.Scope, set.Key)) : entries.SetItem((set.Document, set.Scope, set.Key), set.Text);
        }
        _firstPoint.Add(_points.Count);
        _points.Add(new Point(release.Number, entries, sites, now.Facts));
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

    /// <summary>Whether these are the documents of a node at some moment of a release.</summary>
    public bool WasEver(long release, string node, IReadOnlyDictionary<string, SortedDictionary<string, string>> documents)
    {
        int end = release + 1 < _firstPoint.Count ? _firstPoint[(int)release + 1] : _points.Count;
        for (int point = _firstPoint[(int)release]; point < end; point++)
            if (documents.All(d => IsAt(point, node, d.Key, d.Value))) return true;
        return false;
    }

    /// <summary>Whether this is the document as it is now.</summary>
    public bool IsNow(string node, string document, SortedDictionary<string, string> content) => IsAt(_points.Count - 1, node, document, content);

    public string Describe(string node, string document) =>
        Resolve(_points.Count - 1, node, document) is { } content ? string.Join(", ", content.Select(e => $"{e.Key}={e.Value}")) : "lacks a fact";

    /// <summary>A document that lacks a fact is kept as it was, whatever that is.</summary>
    private bool IsAt(int point, string node, string document, SortedDictionary<string, string> content) => Resolve(point, node, document) is not { } expected || expected.SequenceEqual(content);

    /// <summary>Null when a fact is missing.</summary>
    private ImmutableSortedDictionary<string, string>? Resolve(int at, string node, string document)
    {
        if (_resolved.TryGetValue((at, node, document), out var known)) return known;
        var result = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        bool isWhole = true;
        foreach (string key in _points[at].Entries.Keys.Where(k => k.Document == document).Select(k => k.Key).Distinct())
        {
            (string? text, bool lacksFact) = ValueOf(_points[at], node, document, key);
            isWhole &= !lacksFact;
            if (text is not null) result[key] = $"\"{text}\"";
        }
        return _resolved[(at, node, document)] = isWhole ? result.ToImmutable() : null;
    }

    private static (string? Text, bool LacksFact) ValueOf(Point at, string node, string document, string key)
    {
        string? text = new[] { $"host={node}", $"site={at.Sites.GetValueOrDefault(node)}", "*" }.Select(scope => at.Entries.GetValueOrDefault((document, scope, key))).FirstOrDefault(found => found is not null);
        return text switch
        {
            null or "" => (null, false),
            FactReference => (at.Facts.GetValueOrDefault(node), !at.Facts.ContainsKey(node)),
            KeyReference when ValueOf(at, node, document, "a") is var (used, lacks) => ($"<{used ?? "none"}>", lacks),
            NodeReference when ValueOf(at, "n1", "app", "a") is var (used, lacks) => (used ?? "gone", lacks),
            _ => (text, false),
        };
    }
}
