using System.Collections.Concurrent;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Layers.Serving;

/// <summary>What agents said last of what they did. In memory on every member: agents repeat it, and members pass on what they hear.</summary>
public sealed class FleetStates(TimeProvider time)
{
    private const int StatesMax = 200_000, MessageCharsMax = 1024;

    private readonly ConcurrentDictionary<(string Space, string Node, string Document), State> _states = new();

    /// <summary>When a node's agent last said anything of any document.</summary>
    private readonly ConcurrentDictionary<(string Space, string Node), long> _heard = new();

    public sealed record State(long Release, string Name, string Message, ByteString Hash, long SinceUnixMs, long HeardAt);

    /// <returns>False when there is no room for more nodes.</returns>
    public bool Take(V1.AcknowledgeRequest report)
    {
        if (report.States.Count > 0 && (_heard.Count < StatesMax || _heard.ContainsKey((report.Space, report.Node)))) _heard[(report.Space, report.Node)] = time.GetTimestamp();
        foreach (V1.DocumentState said in report.States)
        {
            (string, string, string) key = (report.Space, report.Node, said.Document);
            if (_states.Count >= StatesMax && !_states.ContainsKey(key)) return false;
            string message = said.Message.Length > MessageCharsMax ? said.Message[..MessageCharsMax] : said.Message;
            _states.AddOrUpdate(key, static (_, s) => New(s.said, s.message, s.time, null), static (_, old, s) => New(s.said, s.message, s.time, old), (said, message, time));
        }

        return true;
    }

    /// <summary>By node and document, of one space.</summary>
    public IEnumerable<(string Node, string Document, State State)> Of(string space) =>
        _states.Where(s => s.Key.Space == space).Select(s => (s.Key.Node, s.Key.Document, s.Value));

    /// <summary>Milliseconds since this member heard of it.</summary>
    public long Age(State state) => (long)time.GetElapsedTime(state.HeardAt).TotalMilliseconds;

    /// <summary>What was said last of one document; null when nothing was.</summary>
    public State? Find(string space, string node, string document) => _states.GetValueOrDefault((space, node, document));

    /// <summary>Whether the node's agent said something of some document within this time.</summary>
    public bool IsHeard(string space, string node, TimeSpan within) => _heard.TryGetValue((space, node), out long at) && time.GetElapsedTime(at) <= within;

    public void Forget(string space, string node, string document)
    {
        _states.TryRemove((space, node, document), out _);
        _heard.TryRemove((space, node), out _);
    }

    private static State New(V1.DocumentState said, string message, TimeProvider time, State? old)
    {
        bool same = old is not null && old.Name == said.State && old.Release == said.Release;
        return new(said.Release, said.State, message, said.Hash, same ? old!.SinceUnixMs : time.GetUtcNow().ToUnixTimeMilliseconds(), time.GetTimestamp());   // same only with an old one
    }
}
