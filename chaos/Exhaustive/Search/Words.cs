using System.Globalization;
using Conclave.Raft;

namespace Conclave.Exhaustive;

/// <summary>Steps in words, for people who look for the mistake.</summary>
internal static class Words
{
    public static string Of(ClusterState state, ClusterAction action, ClusterState next)
    {
        NodeState before = state.Nodes[action.Slot], after = next.Nodes[action.Slot];
        string what = action.Kind switch
        {
            NodeInputKind.Deliver => $"gets {Of(state.Messages[action.Argument].Message)}{(action.Keep ? ", of which a copy stays under way" : "")}",
            NodeInputKind.Persist => "has its oldest write on disk",
            NodeInputKind.Campaign => "waits long enough to campaign" + string.Concat(state.Nodes.Where(node => (action.Argument >> node.Slot & 1) != 0).Select(node => $", n{node.Node} answers its pre-vote")),
            NodeInputKind.Doubt => "has not heard its leader for an election timeout",
            NodeInputKind.Heartbeat => "sends heartbeats",
            NodeInputKind.QuorumCheck => "checks whether a majority was heard",
            NodeInputKind.Propose => $"is asked to write {action.Argument}",
            NodeInputKind.Read => $"is asked to read (read {action.Argument})",
            NodeInputKind.ChangeMembership => $"is asked to {NodeInput.ChangeOf(action.Argument).Kind} n{NodeInput.ChangeOf(action.Argument).Node}",
            NodeInputKind.Transfer => $"is asked to hand over to n{action.Argument}",
            NodeInputKind.Crash => "loses power and starts again",
            _ => action.Kind.ToString(),
        };
        string lost = string.Join(" and ", next.Messages.Where((_, at) => (action.Lost >> at & 1) != 0).Select(m => Of(m.Message)));
        return $"n{before.Node} {what}: {Of(after)}" + (lost.Length == 0 ? "" : $"; lost: {lost}");
    }

    private static string Of(NodeState node)
    {
        string log = string.Join(' ', node.Log.Select(entry => entry.Term.ToString(CultureInfo.InvariantCulture)));
        string disk = string.Join(' ', node.DurableLog.Select(entry => entry.Term.ToString(CultureInfo.InvariantCulture)));
        return $"{node.Role} in term {node.Term} (disk {node.DurableTerm}), log of terms [{log}] (disk [{disk}]), commit {node.Commit}";
    }

    private static string Of(Message message)
    {
        string what = message switch
        {
            VoteRequest m => $"{(m.PreVote ? "pre-vote" : "vote")} request, last {m.Last}",
            VoteReply m => $"{(m.PreVote ? "pre-vote" : "vote")} {(m.Granted ? "granted" : "refused")}",
            AppendRequest m => $"append of {m.Entries.Length} after {m.Previous}, commit {m.Commit}",
            AppendReply { Success: true } m => $"acknowledgement up to {m.Match}",
            AppendReply m => $"refusal of an append, hint {m.Hint}",
            CommitNotice m => $"notice of commit {m.Commit}",
            HeartbeatRequest m => $"heartbeat, commit {m.Commit}, read round {m.ReadEpoch}",
            HeartbeatReply m => $"answer to a heartbeat, read round {m.ReadEpoch}",
            TimeoutNow m => $"timeout now, last {m.Last}",
            ReadIndexReply m => $"read index {m.Index}",
            _ => message.GetType().Name,
        };
        return $"[{what}; n{message.From} to n{message.To}, term {message.Term}]";
    }
}
