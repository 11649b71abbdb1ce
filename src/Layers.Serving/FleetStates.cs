using System.Collections.Concurrent;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Layers.Serving;

/// <summary>What agents said last of what they did. In memory on every member: agents repeat it, and members pass on what they hear.</summary>
public sealed class FleetStates(TimeProvider time)
{
    private const int StatesMax = 200_000, DocumentsMax = 64, MessageCharsMax = 1024;

    private readonly ConcurrentDictionary<(string Space, string Node, string Document), State> _states = new();

    /// <summary>When a node's agent last said anything of any document.</summary>
    private readonly ConcurrentDictionary<(string Space, string Node), Heard> _heard = new();

    public sealed record State(long Release, string Name, string Message, ByteString Hash, long SinceUnixMs, long HeardAt);

    /// <returns>False when there is no room for more nodes.</returns>
    public bool Take(V1.AcknowledgeRequest report)
    {
        if (report.States.Count == 0) return true;
        (string, string) node = (report.Space, report.Node);
        if (_heard.Count >= StatesMax && !_heard.ContainsKey(node)) return false;
        Heard heard = _heard.GetOrAdd(node, static _ => new Heard());
        lock (heard)
        {
            Volatile.Write(ref heard.At, time.GetTimestamp());
            foreach (V1.DocumentState said in report.States)
            {
                (string, string, string) key = (report.Space, report.Node, said.Document);
                // One node must not take the room of others. What it has not spoken of for longest is most likely no longer its own.
                if (heard.Documents.Count >= DocumentsMax && !heard.Documents.Contains(said.Document)) ForgetOldest(report.Space, report.Node, heard);
                if (_states.Count >= StatesMax && !_states.ContainsKey(key)) return false;
                heard.Documents.Add(said.Document);
                string message = said.Message.Length > MessageCharsMax ? said.Message[..MessageCharsMax] : said.Message;
                _states.AddOrUpdate(key, static (_, s) => New(s.said, s.message, s.time, null), static (_, old, s) => New(s.said, s.message, s.time, old), (said, message, time));
            }
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
    public bool IsHeard(string space, string node, TimeSpan within) => _heard.TryGetValue((space, node), out Heard? heard) && time.GetElapsedTime(Volatile.Read(ref heard.At)) <= within;

    /// <summary>The node is no more.</summary>
    public void Forget(string space, string node)
    {
        if (!_heard.TryRemove((space, node), out Heard? heard)) return;
        lock (heard)
        {
            foreach (string document in heard.Documents) _states.TryRemove((space, node, document), out _);
        }
    }

    private void ForgetOldest(string space, string node, Heard heard)
    {
        string oldest = heard.Documents.MinBy(d => Find(space, node, d)?.HeardAt ?? 0)!;   // there is one: it is full
        heard.Documents.Remove(oldest);
        _states.TryRemove((space, node, oldest), out _);
    }

    /// <summary>What is known of a node; locked while it is written.</summary>
    private sealed class Heard
    {
        public long At;

        public HashSet<string> Documents { get; } = new(StringComparer.Ordinal);
    }

    private static State New(V1.DocumentState said, string message, TimeProvider time, State? old)
    {
        bool same = old is not null && old.Name == said.State && old.Release == said.Release;
        return new(said.Release, said.State, message, said.Hash, same ? old!.SinceUnixMs : time.GetUtcNow().ToUnixTimeMilliseconds(), time.GetTimestamp());   // same only with an old one
    }
}
