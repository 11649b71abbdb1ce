using System.Text;
using Conclave.Node.Services.Locks;

namespace Conclave.Simulator;

/// <summary>I19, the server's lock queue: who is told that it holds was the first of the queue, with a lease that had not ended, at some moment since its member asked.</summary>
internal sealed class QueueCheck(SimWorld world)
{
    private readonly List<long> _committedAt = [0, 0]; // number of the event, by revision

    public void OnCommitted(long revision)
    {
        while (_committedAt.Count <= revision) _committedAt.Add(world.Events);
    }

    /// <param name="node">The member that answers.</param>
    /// <param name="ticket">What it goes by.</param>
    /// <param name="askedAt">The event at which it asked whether its state is the present one; that of now for a member that did not ask.</param>
    public void OnGranted(SimNode node, QueueTicket ticket, long askedAt)
    {
        string key = Encoding.Latin1.GetString(ticket.Key.Span), prefix = Encoding.Latin1.GetString(ticket.Prefix.Span);
        StoreOracle oracle = world.Oracle!; // only with the real store
        // What is before it in the newest state is before it in every state that it can have seen.
        foreach (OracleKey other in oracle.KeysIn(prefix, prefix[..^1] + (char)(prefix[^1] + 1)))
            if (other.Create < ticket.CreateRevision) throw new SimulationFailure($"I19: {node.Id} lets {key} of revision {ticket.CreateRevision} in before {other}.");
        for (int at = oracle.FirstEventAt(ticket.CreateRevision); at < oracle.Events.Count; at++)
        {
            OracleEvent change = oracle.Events[at];
            if (change.Key != key || change.Now is not null || change.Revision <= ticket.CreateRevision) continue;
            long gone = _committedAt[(int)change.Revision];
            if (gone < askedAt) throw new SimulationFailure($"I19: {node.Id} lets {key} in, asked at event {askedAt}; the key is gone since revision {change.Revision}, committed at event {gone}.");
            break;
        }
        world.Statistics.QueueGrants++;
    }
}
