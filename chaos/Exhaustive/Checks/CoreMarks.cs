using Conclave.Raft;

namespace Conclave.Exhaustive;

/// <summary>What one core must not go back behind while it lives, remembered before an input and compared after it.</summary>
internal sealed class CoreMarks
{
    private readonly Term _term;
    private readonly NodeId _vote;
    private readonly LogIndex _commit;
    private readonly RaftRole _role;
    private readonly List<PeerStatus> _peers = [];

    public CoreMarks(RaftCore core)
    {
        (_term, _vote, _commit, _role) = (core.Term, core.VotedFor, core.Commit, core.Role);
        core.CopyPeers(_peers);
    }

    public void CheckAfter(RaftCore core, Membership bootstrap, NodeEffects effects)
    {
        ConfigRules.Check(core, bootstrap, effects);
        if (core.Term < _term) effects.Break($"I9: goes from term {_term} to {core.Term}");
        if (core.Commit < _commit) effects.Break($"I9: goes from commit {_commit} to {core.Commit}");
        if (core.Term == _term && _vote != NodeId.None && core.VotedFor != _vote) effects.Break($"I2: takes its vote for {_vote} in term {_term} back and has {core.VotedFor}");
        bool ordered = core.LogBase.Index <= core.Applied && core.Applied <= core.Commit && core.Commit <= core.LastEntry.Index && core.Durable <= core.LastEntry.Index;
        if (!ordered) effects.Break($"I10: has base {core.LogBase} applied {core.Applied} commit {core.Commit} durable {core.Durable} last {core.LastEntry}");
        if (core.Role == RaftRole.Leader) CheckLeader(core, effects);
    }

    private void CheckLeader(RaftCore core, NodeEffects effects)
    {
        bool ledBefore = _role == RaftRole.Leader && _term == core.Term;
        if (core.Commit > _commit && core.Log[core.Commit].Term != core.Term) effects.Break($"I6: commits {core.Log[core.Commit].Id} by count in term {core.Term}");
        var peers = new List<PeerStatus>();
        core.CopyPeers(peers);
        foreach (PeerStatus peer in peers)
        {
            if (peer.Match >= peer.Next) effects.Break($"I11: believes match {peer.Match} and next {peer.Next} of {peer.Node}");
            if (!ledBefore) continue;
            foreach (PeerStatus earlier in _peers)
                if (earlier.Node == peer.Node && peer.Match < earlier.Match) effects.Break($"I9: lowers the match of {peer.Node} from {earlier.Match} to {peer.Match}");
        }
    }
}
