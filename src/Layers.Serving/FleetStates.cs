using System.Collections.Concurrent;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Layers.Serving;

/// <summary>What agents said last of what they did. In memory on every member: agents repeat it, and members pass on what they hear.</summary>
public sealed class FleetStates(TimeProvider time)
{
    private const int StatesMax = 200_000, DocumentsMax = 64, MessageCharsMax = 1024;

    /// <summary>Reports of the start before the last one are late ones for so long; then that agent is the one that is left.</summary>
    private static readonly TimeSpan LateMax = TimeSpan.FromSeconds(60);

    private readonly ConcurrentDictionary<(string Space, string Node, string Document), State> _states = new();

    /// <summary>When a node's agent last said anything of any document.</summary>
    private readonly ConcurrentDictionary<(string Space, string Node), Heard> _heard = new();

    /// <summary>What ages are told by.</summary>
    public TimeProvider Time => time;

    /// <param name="Release">Of the document.</param>
    /// <param name="Name">applied, failed, ...</param>
    /// <param name="Message">Why.</param>
    /// <param name="Hash">Of the document; empty when the agent does not say.</param>
    /// <param name="SinceUnixMs">Since when it is so.</param>
    /// <param name="HeardAt">When this member heard of it last.</param>
    /// <param name="Order">Which report said so.</param>
    public sealed record State(long Release, string Name, string Message, ByteString Hash, long SinceUnixMs, long HeardAt, ReportOrder Order);

    /// <summary>Where a report stands among those of its agent.</summary>
    /// <param name="Run">The agent's start; empty for one that does not number.</param>
    /// <param name="RunBefore">The start before that.</param>
    /// <param name="Sequence">Larger is newer.</param>
    /// <param name="RunHeardAt">When this member heard of that start first.</param>
    public readonly record struct ReportOrder(ByteString Run, ByteString RunBefore, long Sequence, long RunHeardAt);

    /// <summary>Takes in what a report says, except where a newer one of the same agent is known.</summary>
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
            heard.ListsAll = report.ListsAll;
            var ended = new HashSet<ByteString>();   // starts of this agent before this one, of which something is known
            long runHeardAt = RunHeardAt(report);
            bool isNews = false;
            foreach (V1.DocumentState said in report.States)
            {
                (string, string, string) key = (report.Space, report.Node, said.Document);
                State? known = _states.GetValueOrDefault(key);
                if (IsLate(known, report)) continue;
                // One node must not take the room of others. What it has not spoken of for longest is most likely no longer its own.
                if (heard.Documents.Count >= DocumentsMax && !heard.Documents.Contains(said.Document)) ForgetOldest(report.Space, report.Node, heard);
                if (_states.Count >= StatesMax && !_states.ContainsKey(key)) return false;
                heard.Documents.Add(said.Document);
                string message = said.Message.Length > MessageCharsMax ? said.Message[..MessageCharsMax] : said.Message;
                if (known is not null && !known.Order.Run.IsEmpty && known.Order.Run != report.Run) ended.Add(known.Order.Run);
                ByteString runBefore = known is null ? report.RunBefore : known.Order.Run == report.Run ? known.Order.RunBefore : known.Order.Run;
                _states[key] = New(said, message, new ReportOrder(report.Run, runBefore, report.Sequence, runHeardAt), known);
                isNews = true;
            }

            if (report.ListsAll && isNews) ForgetUnnamed(report, heard, ended, runHeardAt);
        }

        return true;
    }

    /// <summary>Nodes of a space that something was heard of, in no order.</summary>
    public IEnumerable<string> Nodes(string space) => _heard.Keys.Where(n => n.Space == space).Select(n => n.Node);

    /// <summary>What was said last of a node's documents, in ordinal order.</summary>
    public IReadOnlyList<(string Document, State State)> Of(string space, string node)
    {
        if (!_heard.TryGetValue((space, node), out Heard? heard)) return [];
        lock (heard) return [.. heard.Documents.Order(StringComparer.Ordinal).Select(d => (d, Find(space, node, d))).Where(s => s.Item2 is not null).Select(s => (s.d, s.Item2!))];   // nulls are filtered out
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

    /// <summary>Whether the node's agent said within this time that it names every document that it uses.</summary>
    public bool ListsAll(string space, string node, TimeSpan within) => IsHeard(space, node, within) && _heard.TryGetValue((space, node), out Heard? heard) && heard.ListsAll;

    /// <summary>The node is no more.</summary>
    public void Forget(string space, string node)
    {
        if (!_heard.TryRemove((space, node), out Heard? heard)) return;
        lock (heard)
        {
            foreach (string document in heard.Documents) _states.TryRemove((space, node, document), out _);
        }
    }

    /// <summary>Documents that the agent had before it was started again, and does not name any more. Those of another agent on the machine are of another start.</summary>
    private void ForgetUnnamed(V1.AcknowledgeRequest report, Heard heard, HashSet<ByteString> ended, long runHeardAt)
    {
        bool saysWhich = !report.Run.IsEmpty && !report.RunBefore.IsEmpty && report.RunBefore != report.Run;
        if (ended.Count == 0 && !saysWhich) return;
        foreach (string document in heard.Documents.Except(report.States.Select(s => s.Document)).ToArray())
        {
            // A start that is heard after the next one has not ended: the agent's state directory was copied, and both run.
            if (Find(report.Space, report.Node, document) is { } left && !ended.Contains(left.Order.Run)
                && !(saysWhich && left.Order.Run == report.RunBefore && left.HeardAt <= runHeardAt)) continue;
            heard.Documents.Remove(document);
            _states.TryRemove((report.Space, report.Node, document), out _);
        }
    }

    private void ForgetOldest(string space, string node, Heard heard)
    {
        string oldest = heard.Documents.MinBy(d => Find(space, node, d)?.HeardAt ?? 0)!;   // there is one: it is full
        heard.Documents.Remove(oldest);
        _states.TryRemove((space, node, oldest), out _);
    }

    /// <summary>When something of the report's start was first heard; now where this is the first.</summary>
    private long RunHeardAt(V1.AcknowledgeRequest report)
    {
        long first = time.GetTimestamp();
        foreach (V1.DocumentState said in report.States)
        {
            if (Find(report.Space, report.Node, said.Document) is { } known && known.Order.Run == report.Run) first = Math.Min(first, known.Order.RunHeardAt);
        }

        return first;
    }

    /// <summary>Reports come by several ways, and one may overtake another. By document, since several agents may share a machine.</summary>
    private bool IsLate(State? known, V1.AcknowledgeRequest report)
    {
        if (known is null || report.Run.IsEmpty) return false;   // an agent that does not number
        return report.Run == known.Order.Run ? report.Sequence < known.Order.Sequence : report.Run == known.Order.RunBefore && time.GetElapsedTime(known.HeardAt) <= LateMax;
    }

    /// <summary>What is known of a node; locked while it is written.</summary>
    private sealed class Heard
    {
        public long At;
        public volatile bool ListsAll;

        public HashSet<string> Documents { get; } = new(StringComparer.Ordinal);
    }

    private State New(V1.DocumentState said, string message, ReportOrder order, State? old)
    {
        // The agent knows best, and a member that was started since has only heard of it now. Its clock may be ahead, and it may have been started itself.
        long now = time.GetUtcNow().ToUnixTimeMilliseconds();
        long since = said.SinceUnixMs > 0 ? Math.Min(said.SinceUnixMs, now) : now;
        if (old is not null && old.Name == said.State && old.Release == said.Release) since = Math.Min(since, old.SinceUnixMs);
        return new(said.Release, said.State, message, said.Hash, since, time.GetTimestamp(), order);
    }
}
