using System.Globalization;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Simulator;

/// <summary>An agent of one configured node: follows its documents on one member after another, says what it has, reports facts, and repeats what it did.</summary>
internal sealed class ConfigAgent(SimWorld world, ConfigLoad load, RandomStream random, string name)
{
    private const long TurnMaxUs = 1_000_000;

    private readonly string[] _wanted = random.Below(3) switch { 0 => ["app"], 1 => ["app", "web"], _ => [] };
    private readonly SortedDictionary<string, SortedDictionary<string, string>> _documents = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, ByteString> _hashes = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, long> _releases = new(StringComparer.Ordinal); // of each document
    private readonly SortedDictionary<string, string> _troubles = new(StringComparer.Ordinal); // documents that are not applied, and what they are
    private ConfigStream? _stream;
    private long _release, _releaseSeen; // of what it has; of anything it ever had
    private long _releaseMin; // what it asked for when it connected
    private int _address, _moment; // of the history, the earliest at which it can have been as it is

    public string Name => name;

    public bool IsComplete => _stream is not null && _documents.All(d => load.History.IsNow(name, d.Key, d.Value)) && Wanted().All(d => _documents.ContainsKey(d) || load.History.IsNow(name, d, []));

    public void Start() => world.Call(random.Between(0, TurnMaxUs), Turn);

    public void OnNodeGone(SimNode node)
    {
        if (_stream?.Node != node) return;
        _stream.Close();
        _stream = null;
        world.Call(random.Between(1, TurnMaxUs / 4), Connect);
    }

    /// <summary>Whether a member has heard what this agent has.</summary>
    public bool IsKnownAt(SimNode member) => member.Services?.Config is { } config
        && _hashes.All(d => config.States.Of(NodeConfig.Space).Any(s => s.Node == name && s.Document == d.Key && s.State.Release == _releases[d.Key] && s.State.Hash.Equals(d.Value)));

    public string Describe(IEnumerable<SimNode> members)
    {
        if (IsComplete && members.All(IsKnownAt)) return "";
        string where = _stream is null ? "without a member" : $"on {_stream.Node.Id} (release {_stream.Node.Services?.Config?.Of().Current.Release})";
        string wrong = string.Join(", ", Wanted().Select(d => $"{d} is [{Text(d)}], and should be [{load.History.Describe(name, d)}]"));
        return $"{name} {where} at release {_release} of {load.History.Release}: {wrong}; not known at {string.Join(", ", members.Where(m => !IsKnownAt(m)).Select(m => m.Id))}";
    }

    /// <summary>What it follows.</summary>
    /// <param name="namesThem">False when it takes whatever there is.</param>
    public string[] Documents(out bool namesThem)
    {
        namesThem = _wanted.Length > 0;
        return Wanted();
    }

    private string[] Wanted() => _wanted.Length > 0 ? _wanted : ConfigLoad.Documents;

    private string Text(string document) => _documents.TryGetValue(document, out var content) ? string.Join(", ", content.Select(e => $"{e.Key}={e.Value}")) : "";

    private void Turn()
    {
        world.Call(random.Between(1, TurnMaxUs), Turn);
        if (_stream is null) Connect();
        if (!world.Clients.Active && _stream is not null && !IsMember(_stream.Node)) Disconnect();
        if (world.Clients.Active)
        {
            switch (random.Below(10))
            {
                case 0 or 1: Disconnect(); break;
                case 2 when _stream is not null: _stream.TakeMaxUs = 1_000L << random.Below(10); break;
                case 3 or 4: _address++; break;
                case 5 when random.Below(4) == 0:
                    Forget();
                    Disconnect();
                    break;
            }
        }
        _troubles.Clear(); // it has tried again by now
        Report();
    }

    /// <summary>A host that lost its cache.</summary>
    private void Forget()
    {
        _documents.Clear();
        _hashes.Clear();
        _releases.Clear();
        _release = 0;
    }

    private void Disconnect()
    {
        if (_stream is { Node.Services.Config: { } config }) config.CloseStream(_stream);
        _stream?.Close();
        _stream = null;
        world.Call(random.Between(1, TurnMaxUs / 8), Connect);
    }

    private void Connect()
    {
        SimNode node = world.Clients.AnyNode(random);
        if (_stream is not null || !node.IsUp || node.Services?.Config is not { } config || (!world.Clients.Active && !IsMember(node))) return; // the next turn tries again
        _releaseMin = Math.Max(_releaseSeen, random.Below(2) == 0 ? load.Acknowledged : 0);
        var request = new V1.WatchRequest { Space = NodeConfig.Space, Node = name, FromRelease = _release, MinRelease = _releaseMin };
        request.Documents.AddRange(_wanted);
        request.Have.AddRange(_hashes.Select(h => new V1.DocumentHash { Document = h.Key, Hash = h.Value, Release = _releases[h.Key] }));
        ConfigStream? mine = null;
        mine = _stream = config.OpenStream(random, request, message => OnMessage(mine!, message)); // set before anything is delivered
    }

    /// <summary>Who is a member no more is told nothing any more, and tells nothing.</summary>
    private bool IsMember(SimNode node) => world.Leader is not { } leader || leader.Core.Membership.Members().Contains(node.Id);

    private void OnMessage(ConfigStream stream, ReadOnlyMemory<byte> message)
    {
        if (stream != _stream) return; // of a connection that was given up
        V1.Delta delta = V1.Delta.Parser.ParseFrom(message.Span);
        if (delta.FromRelease != _release) throw Failure($"a delta from release {delta.FromRelease}, and it has {_release}");
        if (delta.ToRelease < Math.Max(_releaseSeen, _releaseMin)) throw Failure($"release {delta.ToRelease} after {_releaseSeen}, and it asked for {_releaseMin}");
        if (delta.ToRelease > load.History.Release) throw Failure($"release {delta.ToRelease}, and {load.History.Release} is the newest");
        foreach (V1.DocumentDelta document in delta.Documents) Apply(document);
        (_release, _releaseSeen) = (delta.ToRelease, Math.Max(_releaseSeen, delta.ToRelease));
        world.Statistics.ConfigDeltas++;
        if ((_moment = load.History.MomentOf(delta.ToRelease, name, _documents, stream.IsConfirmed ? _moment : 0)) < 0)
            throw Failure($"release {delta.ToRelease}, after which it has {string.Join("; ", _documents.Keys.Select(d => $"{d} [{Text(d)}]"))}: at no moment of that release{(stream.IsConfirmed ? ", and not before what it had," : "")} it was so ({string.Join("; ", Wanted().Select(d => $"{d} [{load.History.Describe(name, d)}]"))} now)");
        Report();
    }

    private void Apply(V1.DocumentDelta delta)
    {
        if (!_documents.TryGetValue(delta.Document, out SortedDictionary<string, string>? content)) _documents[delta.Document] = content = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (delta.Whole) content.Clear();
        foreach (V1.Item item in delta.Set) content[item.Key] = item.Value;
        foreach (string gone in delta.Removed)
            if (!content.Remove(gone)) throw Failure($"that key {gone} of {delta.Document} is gone, which it never had");
        _hashes[delta.Document] = delta.Hash;
        if (delta.Release < _releases.GetValueOrDefault(delta.Document)) throw Failure($"release {delta.Release} of {delta.Document} after {_releases[delta.Document]}");
        _releases[delta.Document] = delta.Release;
        if (load.HasRollouts && random.Below(3) == 0) _troubles[delta.Document] = random.Pick("pending-restart", "pending-restart", "failed");
    }

    private void Report()
    {
        if (_stream is not { Node: { IsUp: true, Services.Config: { } config } }) return;
        var report = new V1.AcknowledgeRequest { Space = NodeConfig.Space, Node = name, HasFacts = true };
        report.Facts["ip"] = string.Create(CultureInfo.InvariantCulture, $"10.{name[1..]}.{_address}");
        foreach ((string document, ByteString hash) in _hashes)
        {
            string state = Text(document).Contains(ConfigHistory.Bad, StringComparison.Ordinal) ? "failed" : _troubles.GetValueOrDefault(document, "applied");
            report.States.Add(new V1.DocumentState { Document = document, Release = _releases[document], State = state, Hash = hash });
            load.Rollouts.OnReported(name, document, state, Text(document));
        }
        // What it wants and has not: else it would be taken for one that does not use it.
        if (load.HasRollouts) report.States.AddRange(_wanted.Where(d => !_hashes.ContainsKey(d)).Select(d => new V1.DocumentState { Document = d, State = "waiting" }));
        config.Node.Call(random.Between(1, 1_000), () => config.Acknowledge(report, random));
    }

    private SimulationFailure Failure(string what) => new($"I27: {name} is told by {_stream?.Node.Id} {what}.");
}
