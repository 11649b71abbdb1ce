using System.Collections.Concurrent;
using System.Collections.Immutable;
using Conclave.Layers.Rollouts;

namespace Conclave.Layers.Serving.Rollouts;

/// <summary>The fleets that there are while releases are on their way, and which of them a node is on. Immutable for its users.</summary>
/// <remarks>
/// A set of rollouts that hold a node back is a number: bit i stands for the i-th active rollout. The fleet of a set is the head without those
/// releases. There are at most 2^4, and only those are made that some node is on or somebody asks for.
/// </remarks>
public sealed class FleetVersions(Fleet head, ImmutableArray<ActiveRollout> rollouts)
{
    /// <summary>No rollout holds the node back.</summary>
    public const int Head = 0;

    private readonly ConcurrentDictionary<int, Fleet> _plain = new();
    private readonly ConcurrentDictionary<int, Fleet> _mixed = new();
    private bool? _namesNodes;

    public ImmutableArray<ActiveRollout> Rollouts => rollouts;

    /// <summary>By which rollouts a node is held back now.</summary>
    public int HeldBy(string node)
    {
        int held = Head;
        for (int i = 0; i < rollouts.Length; i++)
        {
            if (!rollouts[i].SelectionAt(head.State).Selects(node)) held |= 1 << i;
        }

        return held;
    }

    /// <summary>The fleet of a node that is held back by these, in which every other node is on its own.</summary>
    public Fleet FleetOf(int held) => !NamesNodes ? Plain(held) : _mixed.GetOrAdd(held, h => Plain(h).Among(other => FleetOf(HeldBy(other))));

    /// <summary>The fleet without any of the releases that are on their way.</summary>
    public Fleet AllHeld => Plain((1 << rollouts.Length) - 1);

    /// <summary>The fleet as if every node were held back by these.</summary>
    public Fleet Plain(int held) => held == Head ? head
        : _plain.GetOrAdd(held, h => head.Without(rollouts.Where((_, i) => (h & (1 << i)) != 0).Select(InverseFor)));

    private static ImmutableArray<Edit> InverseFor(ActiveRollout held) => !held.Faults.HasFlag(ServingFaults.HoldOneDocument) ? held.Inverse
        : [.. held.Inverse.Where(e => new Change(0, [e]).Documents().Contains(held.Rollout.Documents[0]))];

    // What an entry of any set says is said at the head or with all of them held back.
    private bool NamesNodes => _namesNodes ??= head.NamesNodes || AllHeld.NamesNodes;

    /// <summary>Every set: nodes may be on any of them, and taking rollouts back in some order leads to any of them. What a change must not break.</summary>
    public IEnumerable<int> HeldSets() => Enumerable.Range(1, (1 << rollouts.Length) - 1);

    /// <summary>The releases of documents as a node has them that is held back by these.</summary>
    public ImmutableDictionary<string, long> BaseReleases(int held) => rollouts.Where((_, i) => (held & (1 << i)) != 0)
        .SelectMany(r => r.Rollout.Documents.Select(d => KeyValuePair.Create(d, r.Rollout.BaseReleaseOf(d)))).ToImmutableDictionary(StringComparer.Ordinal);
}
