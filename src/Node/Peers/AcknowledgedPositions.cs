using System.Collections.Immutable;
using Conclave.Raft;

namespace Conclave.Node.Peers;

/// <summary>How far a leader has seen members acknowledge committed entries: newer than what the state marks have on record, so that also a loss of the last seconds is noticed.</summary>
/// <remarks>
/// Shown only from the second look on after it was seen: a greeting may be older than an acknowledgement that comes over another connection, and would seem to fall short of it.
/// Never falls: committed entries stay where they are. Written on one thread, read by any.
/// </remarks>
internal sealed class AcknowledgedPositions
{
    private ImmutableDictionary<NodeId, LogIndex> _seen = ImmutableDictionary<NodeId, LogIndex>.Empty, _shown = ImmutableDictionary<NodeId, LogIndex>.Empty;

    /// <summary>Called now and then by a leader, and only by one: on other roles what is known of peers may speak of entries that were replaced.</summary>
    public void Observe(IReadOnlyList<PeerStatus> peers, LogIndex commit)
    {
        Volatile.Write(ref _shown, _seen);
        // Who is no member any more is left out; its id does not come back.
        _seen = peers.ToImmutableDictionary(p => p.Node, p => LogIndex.Max(LogIndex.Min(p.Match, commit), _seen.GetValueOrDefault(p.Node)));
    }

    public LogIndex Of(NodeId member) => Volatile.Read(ref _shown).GetValueOrDefault(member);
}
