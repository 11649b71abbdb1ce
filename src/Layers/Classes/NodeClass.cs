using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Conclave.Layers;

/// <summary>Nodes with equal values in every dimension but their own name. They share what they resolve to, except where one has entries of its own.</summary>
public sealed class NodeClass
{
    internal NodeClass(Assignment assignment, ImmutableArray<string> nodes)
    {
        (Assignment, Nodes) = (assignment, nodes);
    }

    public Assignment Assignment { get; }

    /// <summary>In ordinal order, at least one.</summary>
    public ImmutableArray<string> Nodes { get; }

    /// <summary>Does everything that the scope asks for, except the node's name, hold here?</summary>
    internal bool Matches(Scope scope, string nodeDimension) => Matches(Assignment, scope, nodeDimension);

    internal static bool Matches(Assignment assignment, Scope scope, string nodeDimension)
    {
        foreach (ScopePair pair in scope.Pairs)
        {
            if (pair.Dimension != nodeDimension && !assignment[pair.Dimension].Contains(pair.Value))
                return false;
        }
        return true;
    }
}

/// <summary>All classes of a state.</summary>
internal sealed class ClassTable
{
    private readonly FrozenDictionary<string, NodeClass> _byNode;
    private readonly Dictionary<Assignment, NodeClass> _byAssignment;

    private ClassTable(Dictionary<Assignment, NodeClass> byAssignment, FrozenDictionary<string, NodeClass> byNode)
    {
        (_byAssignment, _byNode) = (byAssignment, byNode);
    }

    public IReadOnlyCollection<NodeClass> Classes => _byAssignment.Values;

    public NodeClass? OfNode(string node) => _byNode.GetValueOrDefault(node);

    public NodeClass? Of(Assignment assignment) => _byAssignment.GetValueOrDefault(assignment);

    public static ClassTable Of(ImmutableSortedDictionary<string, Assignment> nodes)
    {
        var members = new Dictionary<Assignment, ImmutableArray<string>.Builder>();
        foreach ((string node, Assignment assignment) in nodes)
        {
            if (!members.TryGetValue(assignment, out ImmutableArray<string>.Builder? list))
                members[assignment] = list = ImmutableArray.CreateBuilder<string>();
            list.Add(node);
        }
        Dictionary<Assignment, NodeClass> classes = members.ToDictionary(m => m.Key, m => new NodeClass(m.Key, m.Value.ToImmutable()));
        return new(classes, nodes.ToFrozenDictionary(n => n.Key, n => classes[n.Value], StringComparer.Ordinal));
    }
}
