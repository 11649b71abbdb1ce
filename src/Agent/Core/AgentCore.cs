using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using V1 = Conclave.Wire.V1;

namespace Conclave.Agent;

/// <summary>The agent as a pure state machine: events in, effects out. No clock, file, process or socket; equal events give equal effects.</summary>
/// <remarks>
/// Each group of files goes its own way (<see cref="GroupMachine"/>), so that one that fails stops none of the others. Whatever is needed to go on after a crash is on disk before the
/// step that needs it, so a core that is given that as <see cref="Started"/> goes on where the one before ended.
/// </remarks>
public sealed class AgentCore
{
    private readonly AgentOptions _options;
    private readonly SortedDictionary<string, GroupMachine> _groups = new(StringComparer.Ordinal);
    private readonly Dictionary<string, AgentDocument> _have = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _warned = new(StringComparer.Ordinal);
    private string _reported = "";
    private long _inspectAt;

    /// <param name="options">What to do.</param>
    /// <param name="settles">False: changes are taken at once, without waiting for more and without a splay. For one pass over everything.</param>
    public AgentCore(AgentOptions options, bool settles = true)
    {
        _options = options;
        foreach (GroupOptions group in options.Groups)
            _groups.Add(group.Name, new GroupMachine(options, settles ? group : group with { SettleMin = TimeSpan.Zero, SettleMax = TimeSpan.Zero, Splay = TimeSpan.Zero }));
    }

    /// <summary>When to come with <see cref="Ticked"/> at the latest, in milliseconds of the clock that is passed in.</summary>
    public long NextDue => Math.Min(_inspectAt, _groups.Values.Min(g => g.NextDue));

    /// <summary>Whether nothing is under way, and nothing is waited for but news.</summary>
    public bool IsQuiet => _groups.Values.All(g => g.IsQuiet);

    /// <summary>What is here of each document: a stream goes on from that.</summary>
    public IEnumerable<AgentDocument> Have => _have.Values;

    /// <summary>What there is to acknowledge.</summary>
    public ImmutableArray<V1.DocumentState> States { get; private set; } = [];

    /// <summary>Group and what it is doing.</summary>
    public IEnumerable<(string Group, string Phase)> Phases => _groups.Select(g => (g.Key, g.Value.PhaseText));

    /// <param name="what">What happened.</param>
    /// <param name="now">Milliseconds of a clock that never goes back.</param>
    public ImmutableArray<AgentEffect> Step(AgentEvent what, long now)
    {
        var effects = new List<AgentEffect>();
        switch (what)
        {
            case Started started:
                OnStarted(started, now, effects);
                break;
            case Received received:
                OnReceived(received.Delta, now, effects);
                break;
            case StepDone done:
                if (_groups.TryGetValue(done.Group, out GroupMachine? group)) group.OnDone(done.Step, done.Result, now, effects);
                break;
            case Touched touched:
                GroupOf(touched.File)?.OnTouched(touched.File, effects);
                break;
            case Inspected inspected:
                GroupOf(inspected.File)?.OnInspected(inspected, now, effects);
                break;
            case Restarted restarted:
                if (_groups.TryGetValue(restarted.Group, out GroupMachine? held)) held.OnRestarted(now, effects);
                break;
            case Ticked:
                foreach (GroupMachine due in _groups.Values) due.OnTime(now, effects);
                InspectAll(now, effects);
                break;
        }

        Tell(effects);
        return [.. effects];
    }

    private void OnStarted(Started started, long now, List<AgentEffect> effects)
    {
        // The newest of each that was ever here: the cache may have been lost or be older than what was committed.
        foreach (AgentDocument document in started.Documents.Concat(started.Groups.Values.SelectMany(g => (g.Next?.Documents ?? []).Concat(g.Good?.Documents ?? []))))
        {
            if (_options.Documents.Contains(document.Name) && (!_have.TryGetValue(document.Name, out AgentDocument? have) || have.Release < document.Release)) _have[document.Name] = document;
        }

        foreach ((string name, GroupMachine group) in _groups) group.Start(started.Groups.GetValueOrDefault(name), _have, _options.OfflineStart, now, effects);
        _inspectAt = now + (long)_options.DriftInterval.TotalMilliseconds;
    }

    private void OnReceived(V1.Delta delta, long now, List<AgentEffect> effects)
    {
        var changed = new HashSet<string>(StringComparer.Ordinal);
        foreach (V1.DocumentDelta part in delta.Documents)
        {
            if (!_options.Documents.Contains(part.Document)) continue;
            AgentDocument? have = _have.GetValueOrDefault(part.Document);
            if (AgentDocument.Apply(have, part, delta.ToRelease, out string problem) is not { } document)
            {
                effects.Add(new Tell(IsWarning: true, $"The stream is begun anew: {problem}."));
                effects.Add(new Resync());
                continue;
            }

            if (have is not null && document.Release < have.Release)
            {
                Warn(effects, part.Document, $"{part.Document}: the server has r{document.Release}, and r{have.Release} was here before. The files are kept. Was the cluster restored from an older backup? If its data is right, remove {_options.StateDirectory} and start again.");
                continue;
            }

            _warned.Remove(part.Document);
            // A permission to shrink holds until what it was given for is applied, whatever comes on top.
            if (have is { AllowShrink: true } && _groups.Values.Any(g => g.Reads(part.Document) && !g.IsGood(have))) document = document with { AllowShrink = true };
            _have[part.Document] = document;
            effects.Add(new SaveDocument(document));
            changed.Add(part.Document);
        }

        foreach (GroupMachine group in _groups.Values) group.OnDocuments(_have, changed, now, effects);
    }

    private void InspectAll(long now, List<AgentEffect> effects)
    {
        if (now < _inspectAt) return;
        _inspectAt = now + (long)_options.DriftInterval.TotalMilliseconds;
        foreach (FileOptions file in _options.Files) GroupOf(file.Name)?.OnTouched(file.Name, effects);
    }

    private GroupMachine? GroupOf(string file) => _options.Files.FirstOrDefault(f => f.Name == file) is { } known ? _groups[known.Group] : null;

    private void Warn(List<AgentEffect> effects, string about, string text)
    {
        if (_warned.GetValueOrDefault(about) == text) return;
        _warned[about] = text;
        effects.Add(new Tell(IsWarning: true, text));
    }

    /// <summary>Each document of the configuration has a state; it is the least good of what the groups that read it say.</summary>
    private void Tell(List<AgentEffect> effects)
    {
        var states = ImmutableArray.CreateBuilder<V1.DocumentState>();
        foreach (string document in _options.Documents)
        {
            IEnumerable<V1.DocumentState> all = _groups.Values.Where(g => g.Reads(document)).Select(g => g.StateOf(document));
            if (all.OrderBy(s => Severity(s.State)).ThenBy(s => s.Release).FirstOrDefault() is { } state) states.Add(state);
        }

        string text = string.Join('\n', states.Select(s => s.ToString()));
        if (text == _reported) return;
        _reported = text;
        States = states.ToImmutable();
        effects.Add(new Report(States));
    }

    private static int Severity(string state) => state switch { "failed" => 0, "rejected" => 1, "waiting" => 2, "drifted" => 3, "pending-restart" => 4, _ => 5 };

    public override string ToString()
    {
        var text = new StringBuilder();
        foreach ((string name, GroupMachine group) in _groups) text.Append(CultureInfo.InvariantCulture, $"{name}: {group.PhaseText}\n");
        return text.ToString();
    }
}
