using System.Globalization;
using Conclave.Raft;

namespace Conclave.Exhaustive;

/// <summary>
/// Leads the cluster to where a search is to begin, so that the steps to a well-known situation need not be found again and do not count. Only real
/// steps: where it ends can be reached.
/// </summary>
/// <remarks>
/// Words, each with a node where one is needed: <c>campaign n</c>, <c>heartbeat n</c>, <c>write n</c>, <c>read n</c>, <c>crash n</c>, <c>doubt n</c>, <c>remove n</c> and <c>add n</c> (asked of the leader); <c>settle</c> (everything arrives and
/// every write completes, until nothing is left), <c>disks</c> (only the writes), <c>cut n</c> (settle, but what is for or from n is lost), <c>deliver type from to</c>
/// and <c>drop type from to</c> (the oldest such message), <c>lose</c> (all that is under way is lost).
/// </remarks>
internal sealed class Prologue(Steps steps)
{
    private const int StepsMax = 1_000;
    private readonly List<ClusterAction> _actions = [];
    private int _writes, _reads;

    /// <returns>What was broken on the way; null when nothing was.</returns>
    /// <exception cref="ArgumentException">A word is unknown, or what it says cannot happen.</exception>
    public string? Play(string text, ClusterState state)
    {
        foreach (string sentence in text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            string[] words = sentence.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            int slot = words.Length == 2 && int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? id - 1 : -1;
            string? problem = words[0] switch
            {
                "campaign" => Campaign(state, slot, sentence),
                "heartbeat" => Take(state, new ClusterAction(NodeInputKind.Heartbeat, slot, 0, false, 0), sentence),
                "write" => Take(state, new ClusterAction(NodeInputKind.Propose, slot, 100 + _writes++, false, 0), sentence),
                "read" => Take(state, new ClusterAction(NodeInputKind.Read, slot, 100 + _reads++, false, 0), sentence),
                "crash" => Take(state, new ClusterAction(NodeInputKind.Crash, slot, 0, false, 0), sentence),
                "doubt" => Take(state, new ClusterAction(NodeInputKind.Doubt, slot, 0, false, 0), sentence),
                "remove" => Take(state, new ClusterAction(NodeInputKind.ChangeMembership, LeaderOf(state), NodeInput.Change(MembershipChangeKind.Remove, new NodeId((ulong)slot + 1)), false, 0), sentence),
                "add" => Take(state, new ClusterAction(NodeInputKind.ChangeMembership, LeaderOf(state), NodeInput.Change(MembershipChangeKind.AddVoter, new NodeId((ulong)slot + 1)), false, 0), sentence),
                "settle" => Settle(state, deliver: true, without: -1),
                "cut" => Settle(state, deliver: true, without: slot),
                "deliver" => Take(state, new ClusterAction(NodeInputKind.Deliver, int.Parse(words[^1], CultureInfo.InvariantCulture) - 1, Find(state, words, sentence), false, 0), sentence),
                "drop" => Lose(state, Find(state, words, sentence), 1),
                "disks" => Settle(state, deliver: false, without: -1),
                "lose" => Lose(state, 0, state.Messages.Count),
                _ => throw new ArgumentException($"\"{sentence}\" is no step of a prologue."),
            };
            state.Spent = 0; // what was done so far is not part of any budget
            if (problem is not null) return $"in the prologue, at \"{sentence}\": {problem}";
        }
        return null;
    }

    /// <summary>Where pre-votes take one step, one that leads to an election if there is one.</summary>
    private string? Campaign(ClusterState state, int slot, string sentence)
    {
        ClusterState next = steps.First();
        var alone = new ClusterAction(NodeInputKind.Campaign, slot, 0, false, 0);
        ClusterAction action = Enumerable.Range(1, (1 << state.Nodes.Length) - 1).Where(answering => (answering >> slot & 1) == 0).Select(answering => alone with { Argument = answering })
            .FirstOrDefault(a => steps.TryTake(state, a, next, out _) && next.Nodes[slot].Term > state.Nodes[slot].Term, alone);
        return Take(state, action, sentence);
    }

    private string? Take(ClusterState state, ClusterAction action, string sentence)
    {
        ClusterState next = steps.First();
        if (!steps.TryTake(state, action, next, out string? problem)) throw new ArgumentException($"\"{sentence}\" does nothing there, or leads out of the bounds.");
        state.CopyFrom(next);
        return problem;
    }

    private static int Find(ClusterState state, string[] words, string sentence)
    {
        int at = words.Length < 4 ? -1 : state.Messages.FindIndex(m => m.Message.GetType().Name == words[1] && m.Message.From.ToString() == words[2] && m.Message.To.ToString() == words[3]);
        string underWay = string.Join(", ", state.Messages.Select(m => $"{m.Message.GetType().Name} {m.Message.From} {m.Message.To}"));
        return at >= 0 ? at : throw new ArgumentException($"\"{sentence}\": there is no such message. Under way: {underWay}.");
    }

    private string? Settle(ClusterState state, bool deliver, int without)
    {
        ClusterState next = steps.First();
        for (int taken = 0; taken < StepsMax; taken++)
        {
            if (without >= 0) state.Messages.RemoveAll(m => m.ToSlot == without || (int)m.Message.From.Value - 1 == without);
            steps.Possible(state, _actions);
            ClusterAction[] wanted = [.. _actions.Where(a => a.Kind == NodeInputKind.Persist || (deliver && a is { Kind: NodeInputKind.Deliver, Keep: false }))];
            if (wanted.Length == 0) return null;
            ClusterAction action = wanted.FirstOrDefault(a => a.Kind == NodeInputKind.Persist, wanted[0]);
            if (!steps.TryTake(state, action, next, out string? problem))
            {
                state.Messages.RemoveAt(action.Argument); // without effect
                continue;
            }
            state.CopyFrom(next);
            if (problem is not null) return problem;
        }
        throw new ArgumentException($"The cluster does not settle within {StepsMax} steps.");
    }

    private static int LeaderOf(ClusterState state) => state.Nodes.MaxBy(node => (node.Role == RaftRole.Leader, node.Term))!.Slot; // there are nodes

    private static string? Lose(ClusterState state, int from, int count)
    {
        state.Messages.RemoveRange(from, count);
        return null;
    }
}
