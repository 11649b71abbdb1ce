using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>The state machine of one node. Two kinds: a few registers, fast, and the real key-value store.</summary>
internal interface INodeMachine
{
    EntryId Applied { get; }

    /// <summary>Of everything that was applied and answered. Nodes with equal applied indexes have equal hashes.</summary>
    ulong Hash { get; }

    void Apply(in Entry entry);

    /// <summary>Makes everything applied so far visible to readers and watchers.</summary>
    void Publish();

    byte[] Save();

    /// <summary>Goes on from a saved state that is later than its own.</summary>
    void Install(byte[] saved);
}

internal static class NodeMachine
{
    public static INodeMachine Empty(SimWorld world) => world.Plan.RealStore ? new StoreMachine(world.Mutation.ToStoreFaults()) : new RegisterMachine();

    public static INodeMachine Load(SimWorld world, byte[] saved) => world.Plan.RealStore ? StoreMachine.Load(saved, world.Mutation.ToStoreFaults()) : RegisterMachine.Load(saved);

    /// <summary>The number of the operation that an entry carries out; 0 for entries that are no commands.</summary>
    public static ulong OperationOf(Plan plan, in Entry entry)
    {
        if (entry.Kind != EntryKind.Command) return 0;
        if (!plan.RealStore) return RegisterMachine.OperationOf(entry);
        if (!Store.Command.TryDecode(entry.Payload, out Store.Command command)) throw new SimulationFailure($"Entry {entry.Id} holds no command.");
        return command.RequestId;
    }
}
