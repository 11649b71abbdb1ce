using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>What the cluster has committed, as first reported by any node. It only grows.</summary>
internal sealed class CommittedLog
{
    private readonly List<Committed> _entries = [];
    private readonly HashSet<ulong> _operations = [];

    /// <param name="Id">The entry.</param>
    /// <param name="Operation">What it holds; 0 for a no-op.</param>
    /// <param name="InTerm">Term of the node that first reported it committed.</param>
    public readonly record struct Committed(EntryId Id, ulong Operation, Term InTerm);

    public LogIndex Last => new((ulong)_entries.Count);

    public Committed this[LogIndex index] => _entries[(int)index.Value - 1];

    public void Add(SimWorld world, SimNode node, in Entry entry)
    {
        ulong operation = NodeMachine.OperationOf(world.Plan, entry);
        if (entry.Index <= Last)
        {
            Committed known = this[entry.Index];
            if (known.Id != entry.Id || known.Operation != operation)
                throw new SimulationFailure($"I4: {node.Id} commits {entry.Id} (operation {operation}) where {known.Id} (operation {known.Operation}) was committed.");
            return;
        }
        if (entry.Index != Last.Next) throw new SimulationFailure($"I4: {node.Id} commits {entry.Id} after {Last}.");
        if (operation != 0 && !_operations.Add(operation)) throw new SimulationFailure($"I13: operation {operation} is committed a second time, at {entry.Id}.");
        if (operation != 0 && world.Clients.WasRefused(operation)) throw new SimulationFailure($"I13: operation {operation} was refused and is committed at {entry.Id}.");
        _entries.Add(new Committed(entry.Id, operation, node.Core.Term));
        world.Checker.Contents?.OnCommitted(operation);
    }

    /// <summary>The last entry that was committed in a term before this one: every leader of this term must have it.</summary>
    public EntryId LastBefore(Term term)
    {
        for (int i = _entries.Count - 1; i >= 0; i--)
            if (_entries[i].InTerm < term) return _entries[i].Id;
        return EntryId.Zero;
    }
}
