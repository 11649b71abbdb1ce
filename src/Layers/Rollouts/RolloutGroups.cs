using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace Conclave.Layers.Rollouts;

/// <summary>Nodes that a rollout takes in together.</summary>
/// <param name="Position">Where it stands in the order of the rollout: 0 to <see cref="long.MaxValue"/>, spread evenly.</param>
/// <param name="Nodes">In ordinal order, at least one.</param>
public sealed record RolloutGroup(long Position, ImmutableArray<string> Nodes);

/// <summary>The nodes of a state in the groups of one rollout: nodes that share a value of one of its uniform dimensions are never apart.</summary>
/// <remarks>
/// A position comes from the rollout and the group's values, not from who is in it: a node that joins or leaves moves nobody else. A group that is
/// joined with another one stands where the earlier of the two stood, so nobody who was selected is left out again.
/// </remarks>
public sealed class RolloutGroups
{
    private readonly FrozenDictionary<string, RolloutGroup> _byNode;

    private RolloutGroups(ImmutableArray<RolloutGroup> inOrder, FrozenDictionary<string, RolloutGroup> byNode)
    {
        (InOrder, _byNode) = (inOrder, byNode);
    }

    /// <summary>By position.</summary>
    public ImmutableArray<RolloutGroup> InOrder { get; }

    public RolloutGroup? OfNode(string node) => _byNode.GetValueOrDefault(node);

    /// <param name="nodes">The nodes and their values.</param>
    /// <param name="release">The rollout: each has an order of its own, so that the same nodes are not always the first.</param>
    /// <param name="uniform">Dimensions whose nodes have to stay together; empty makes each node a group.</param>
    public static RolloutGroups Of(ImmutableSortedDictionary<string, Assignment> nodes, long release, ImmutableArray<string> uniform)
    {
        var parents = new Dictionary<ScopePair, ScopePair>();
        var alone = new List<RolloutGroup>();
        var together = new List<(string Node, ScopePair Value)>();
        foreach ((string node, Assignment assignment) in nodes)
        {
            ScopePair[] values = [.. uniform.SelectMany(d => assignment[d].Select(v => new ScopePair(d, v)))];
            if (values.Length == 0)
            {
                alone.Add(new(PositionOf(release, new("", node)), [node]));
                continue;
            }
            together.Add((node, values[0]));
            foreach (ScopePair value in values)
                parents[RootOf(parents, value)] = RootOf(parents, values[0]);
        }

        var positions = new Dictionary<ScopePair, long>();
        foreach (ScopePair value in parents.Keys.ToArray())
        {
            ScopePair root = RootOf(parents, value);
            positions[root] = Math.Min(positions.GetValueOrDefault(root, long.MaxValue), PositionOf(release, value));
        }
        IEnumerable<RolloutGroup> joined = together.GroupBy(t => RootOf(parents, t.Value)).Select(g => new RolloutGroup(positions[g.Key], [.. g.Select(t => t.Node)]));
        ImmutableArray<RolloutGroup> inOrder = [.. alone.Concat(joined).OrderBy(g => g.Position).ThenBy(g => g.Nodes[0], StringComparer.Ordinal)];
        return new(inOrder, inOrder.SelectMany(g => g.Nodes.Select(n => KeyValuePair.Create(n, g))).ToFrozenDictionary(StringComparer.Ordinal));
    }

    private static ScopePair RootOf(Dictionary<ScopePair, ScopePair> parents, ScopePair value)
    {
        if (!parents.TryGetValue(value, out ScopePair parent))
            return parents[value] = value;
        while (parent != value)
        {
            ScopePair above = parents[parent];
            parents[value] = above;   // halves the way for the next who asks
            (value, parent) = (parent, above);
        }
        return value;
    }

    // The first 63 bits of SHA-256: no clock, no chance, and nobody can choose a name that is spared.
    private static long PositionOf(long release, ScopePair value)
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{release}\0{value.Dimension}\0{value.Value}"));
        return (long)(BinaryPrimitives.ReadUInt64BigEndian(hash) >> 1);
    }
}
