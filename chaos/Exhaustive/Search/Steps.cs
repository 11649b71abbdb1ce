using System.Numerics;
using Conclave.Raft;

namespace Conclave.Exhaustive;

/// <summary>What may happen next in a state, and what comes of it.</summary>
internal sealed class Steps
{
    private readonly Bounds _bounds;
    private readonly ClusterChecks _checks = new();
    private readonly bool _staleVotesCount;

    public Steps(Bounds bounds)
    {
        _bounds = bounds;
        _staleVotesCount = (bounds.Faults & CoreFaults.StaleVotesCount) != 0;
        Renamings = Renaming.All(bounds.Nodes, bounds.Symmetry);
        Messages = new MessageTable(Renamings);
        Histories = new HistoryTable(bounds.Nodes, bounds.Terms, bounds.Reads, Renamings);
        Nodes = new NodeTable(bounds.Nodes, new ReplicaOptions(Math.Min(bounds.Nodes, bounds.Voters), bounds.SyncDisk, bounds.CheckReleases,
            bounds.Lose.Split(',', StringSplitOptions.RemoveEmptyEntries).ToHashSet(), bounds.Faults), Renamings, Messages);
    }

    public Renaming[] Renamings { get; }
    public NodeTable Nodes { get; }
    public MessageTable Messages { get; }
    public HistoryTable Histories { get; }

    /// <summary>Steps that lead out of the bounds on terms or log.</summary>
    public long Cut { get; private set; }

    public long Checked => _checks.Checked;

    public ClusterState First()
    {
        var state = new ClusterState(_bounds.Nodes) { History = Histories.Empty() };
        for (int slot = 0; slot < _bounds.Nodes; slot++) state.Nodes[slot] = Nodes.Fresh(slot);
        return state;
    }

    /// <summary>Everything that may happen in a state within the budgets, without what the network loses.</summary>
    public void Possible(ClusterState state, List<ClusterAction> into)
    {
        into.Clear();
        bool mayDuplicate = MaySpend(state, Budget.Duplicates);
        for (int at = 0; at < state.Messages.Count; at++)
        {
            int slot = state.Messages[at].ToSlot;
            into.Add(new ClusterAction(NodeInputKind.Deliver, slot, at, Keep: false, 0));
            if (mayDuplicate) into.Add(new ClusterAction(NodeInputKind.Deliver, slot, at, Keep: true, 0));
        }
        for (int slot = 0; slot < state.Nodes.Length; slot++)
        {
            NodeState node = state.Nodes[slot];
            bool leads = node.Role == RaftRole.Leader;
            if (node.HasPendingWrite) Add(NodeInputKind.Persist);
            if (!leads && node.SelfVotes && MaySpend(state, Budget.Campaigns)) AddCampaigns();
            if (!leads && node.KnowsLeader && !node.InDoubt) Add(NodeInputKind.Doubt);
            if (leads && MaySpend(state, Budget.Heartbeats)) Add(NodeInputKind.Heartbeat);
            if (leads && MaySpend(state, Budget.Heartbeats)) Add(NodeInputKind.QuorumCheck);
            if (leads && MaySpend(state, Budget.Proposals)) Add(NodeInputKind.Propose, Budgets.Used(state.Spent, Budget.Proposals) + 1);
            if (MaySpend(state, Budget.Reads)) Add(NodeInputKind.Read, Budgets.Used(state.Spent, Budget.Reads));
            if (MaySpend(state, Budget.Crashes)) Add(NodeInputKind.Crash);
            for (int other = 1; leads && other <= state.Nodes.Length; other++)
            {
                bool votes = ((node.Voters | node.VotersOutgoing) >> other & 1) != 0;
                if (votes && other != slot + 1 && MaySpend(state, Budget.Transfers)) Add(NodeInputKind.Transfer, other);
                MembershipChangeKind kind = votes ? MembershipChangeKind.Remove : MembershipChangeKind.AddVoter;
                // An id is never used again, so only those are added that were no members at first.
                if ((votes || other > _bounds.Voters) && MaySpend(state, Budget.Changes)) Add(NodeInputKind.ChangeMembership, NodeInput.Change(kind, new NodeId((ulong)other)));
            }

            // With pre-votes in one step the argument says who answers, bit n for slot n.
            void AddCampaigns()
            {
                Add(NodeInputKind.Campaign);
                for (int answering = 1; _bounds.FastPreVotes && answering < 1 << state.Nodes.Length; answering++)
                    if ((answering >> slot & 1) == 0) Add(NodeInputKind.Campaign, answering);
            }

            void Add(NodeInputKind kind, int argument = 0) => into.Add(new ClusterAction(kind, slot, argument, Keep: false, 0));
        }
    }

    /// <summary>Carries out an action, up to the choice of what the network loses: <paramref name="next"/> may have more messages under way than fit.</summary>
    /// <param name="state">Before it; stays as it is.</param>
    /// <param name="action">One of those that are possible there.</param>
    /// <param name="next">Gets the state after it, if this returns true.</param>
    /// <param name="problem">An invariant that is broken, in the transition or in the state after it.</param>
    /// <returns>False when it does nothing, or leads out of the bounds.</returns>
    public bool TryTake(ClusterState state, ClusterAction action, ClusterState next, out string? problem)
    {
        KnownMessage? message = action.Kind == NodeInputKind.Deliver ? state.Messages[action.Argument] : null;
        NodeState before = state.Nodes[action.Slot];
        NodeTransition transition = Nodes.Apply(before, new NodeInput(action.Kind, action.Kind == NodeInputKind.Campaign ? 0 : message?.Id ?? action.Argument));
        NodeState after = transition.Next;
        problem = transition.Violation is { } broken ? $"n{before.Node}: {broken}" : null;
        if (problem is not null)
        {
            next.CopyFrom(state);
            next.Nodes[action.Slot] = after;
            return true;
        }
        // A message without effect is as good as lost, and losing one needs no step: it just never arrives.
        if (after == before && transition.IsSilent) return false;
        if (after.Term > (ulong)_bounds.Terms || after.Log.Length > _bounds.Log)
        {
            Cut++;
            return false;
        }

        next.CopyFrom(state);
        KnownMessage[] sent = transition.Messages;
        if (action.Kind == NodeInputKind.Campaign && _bounds.FastPreVotes)
        {
            if (!TryExchangePreVotes(state, action.Argument, ref transition, out sent, out problem)) return false;
            if (problem is not null) return true;
            after = transition.Next;
            if (after.Term > (ulong)_bounds.Terms)
            {
                Cut++;
                return false;
            }
        }
        next.Nodes[action.Slot] = after;
        if (BudgetOf(action) is { } budget) next.Spent = Budgets.Spend(next.Spent, budget);
        problem = Histories.After(state.History, after, transition, action.Kind == NodeInputKind.Read ? action.Argument : -1, out History history);
        next.History = history;
        if (problem is not null) return true;
        problem = ClusterChecks.DurableOnMajority(next.Nodes, transition.Committed, state.History.Committed.Length);
        Route(next, action, sent);
        return true;
    }

    /// <summary>What is wrong with a state that was reached by changing one node; null when nothing is. Depends on no message, so it need be asked once per new state only.</summary>
    public string? ProblemWith(ClusterState next, ClusterAction action, bool historyChanged) =>
        _checks.Problem(next.Nodes, next.History, action.Slot, historyChanged);

    /// <summary>Takes away what the action says is lost.</summary>
    public static void Lose(ClusterState state, uint lost)
    {
        for (int at = state.Messages.Count - 1; at >= 0; at--)
            if ((lost >> at & 1) != 0) state.Messages.RemoveAt(at);
    }

    /// <summary>The next set of as many of <paramref name="count"/> messages as in <paramref name="lost"/>; 0 after the last.</summary>
    public static uint NextLoss(uint lost, int count)
    {
        if (lost == 0) return 0;
        uint lowest = lost & (uint)-(int)lost, ripple = lost + lowest;
        uint next = ripple | ((lost ^ ripple) >> 2) / lowest;
        return next >> count == 0 && BitOperations.PopCount(next) == BitOperations.PopCount(lost) ? next : 0;
    }

    private void Route(ClusterState next, ClusterAction action, KnownMessage[] sent)
    {
        if (action is { Kind: NodeInputKind.Deliver, Keep: false }) next.Messages.RemoveAt(action.Argument);
        next.Messages.AddRange(sent);
        for (int at = next.Messages.Count - 1; at >= 0; at--)
            if (next.Messages[at].IsDeadAt(next.Nodes[next.Messages[at].ToSlot], _staleVotesCount)) next.Messages.RemoveAt(at);
        if (next.Messages.Count > ClusterAction.MessagesMax) throw new InvalidOperationException($"{next.Messages.Count} messages at once; the search has room for {ClusterAction.MessagesMax}. Use a lower --messages.");
    }

    /// <summary>Delivers the pre-vote requests to those who answer, and their answers.</summary>
    /// <param name="state">Before the campaign.</param>
    /// <param name="answering">Who answers, bit n for slot n.</param>
    /// <param name="transition">The candidate's: before, what it did of itself; after, including the answers.</param>
    /// <param name="sent">What the candidate sends after them.</param>
    /// <param name="problem">An invariant that is broken on the way.</param>
    /// <returns>False when one of them cannot answer at once, or its answer comes too late.</returns>
    private bool TryExchangePreVotes(ClusterState state, int answering, ref NodeTransition transition, out KnownMessage[] sent, out string? problem)
    {
        problem = null;
        KnownMessage[] requests = transition.Messages;
        sent = [];
        foreach (KnownMessage request in requests)
        {
            if ((answering >> request.ToSlot & 1) == 0) continue;
            NodeState voter = state.Nodes[request.ToSlot];
            NodeTransition answer = Nodes.Apply(voter, new NodeInput(NodeInputKind.Deliver, request.Id));
            problem ??= answer.Violation is { } wrong ? $"n{voter.Node}: {wrong}" : null;
            if (problem is not null) return true;
            if (answer.Next != voter || answer.Messages.Length != 1 || sent.Length > 0 || transition.Next.Role != RaftRole.PreCandidate) return false;
            transition = Nodes.Apply(transition.Next, new NodeInput(NodeInputKind.Deliver, answer.Messages[0].Id));
            problem ??= transition.Violation is { } broken ? $"n{transition.Next.Node}: {broken}" : null;
            sent = transition.Messages;
        }
        return true;
    }

    private bool MaySpend(ClusterState state, Budget budget) => Budgets.Used(state.Spent, budget) < _bounds.Of(budget);

    private static Budget? BudgetOf(ClusterAction action) => action.Kind switch
    {
        NodeInputKind.Deliver => action.Keep ? Budget.Duplicates : null,
        NodeInputKind.Campaign => Budget.Campaigns,
        NodeInputKind.Heartbeat or NodeInputKind.QuorumCheck => Budget.Heartbeats,
        NodeInputKind.Propose => Budget.Proposals,
        NodeInputKind.Read => Budget.Reads,
        NodeInputKind.Crash => Budget.Crashes,
        NodeInputKind.ChangeMembership => Budget.Changes,
        NodeInputKind.Transfer => Budget.Transfers,
        _ => null,
    };
}
