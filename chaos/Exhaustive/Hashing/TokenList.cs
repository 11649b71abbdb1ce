using Conclave.Raft;

namespace Conclave.Exhaustive;

/// <summary>A value written down as numbers, in which the places that name members are marked, so that it can be hashed under any renaming.</summary>
internal sealed class TokenList
{
    private enum Kind : byte { Number, Node, Set, Bag, Item, EndOfBag }

    private readonly List<(Kind Kind, ulong Value)> _tokens = [];

    public void Clear() => _tokens.Clear();

    public void Number(ulong value) => _tokens.Add((Kind.Number, value));

    public void Node(NodeId node) => _tokens.Add((Kind.Node, node.Value));

    /// <summary>Bit n stands for member n.</summary>
    public void Set(ulong members) => _tokens.Add((Kind.Set, members));

    public void Set(IEnumerable<NodeId> members) => Set(members.Aggregate(0UL, (set, node) => set | 1UL << (int)node.Value));

    /// <summary>What follows are items whose order means nothing, each begun by <see cref="Item"/>.</summary>
    public void Bag() => _tokens.Add((Kind.Bag, 0));

    public void Item() => _tokens.Add((Kind.Item, 0));

    public void EndOfBag() => _tokens.Add((Kind.EndOfBag, 0));

    public void Bytes(ReadOnlySpan<byte> bytes)
    {
        Number((ulong)bytes.Length);
        foreach (byte value in bytes) Number(value);
    }

    public Hash128 Hash(Renaming renaming)
    {
        int at = 0;
        return Sequence(renaming, ref at);
    }

    private Hash128 Sequence(Renaming renaming, ref int at)
    {
        Hash128 hash = default;
        for (; at < _tokens.Count; at++)
        {
            (Kind kind, ulong value) = _tokens[at];
            switch (kind)
            {
                case Kind.Number: hash = hash.Then(value); break;
                case Kind.Node: hash = hash.Then(renaming.Node(value)); break;
                case Kind.Set: hash = hash.Then(renaming.Set(value)); break;
                case Kind.Bag: hash = hash.Then(Items(renaming, ref at)); break;
                default: return hash; // the end of an item
            }
        }
        return hash;
    }

    private Hash128 Items(Renaming renaming, ref int at)
    {
        Hash128 sum = default;
        at++;
        while (_tokens[at].Kind == Kind.Item)
        {
            at++;
            sum += Sequence(renaming, ref at).Then(1);
        }
        return sum; // at the end of the bag
    }
}
