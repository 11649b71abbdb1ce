namespace Conclave.Exhaustive;

/// <summary>A permutation of the members. States that differ by one are the same state with other names.</summary>
internal sealed class Renaming
{
    private readonly byte[] _to; // by id

    private Renaming(byte[] to) => _to = to;

    public ulong Node(ulong id) => id == 0 ? 0UL : _to[id];

    /// <summary>Renames a set of members, where bit n stands for member n.</summary>
    public ulong Set(ulong members)
    {
        ulong renamed = 0;
        for (int id = 1; id < _to.Length; id++) renamed |= (members >> id & 1UL) << _to[id];
        return renamed;
    }

    /// <summary>All permutations of members 1 to <paramref name="nodes"/>, the identity first; only that one when <paramref name="symmetry"/> is off.</summary>
    public static Renaming[] All(int nodes, bool symmetry)
    {
        byte[] identity = [.. Enumerable.Range(0, nodes + 1).Select(id => (byte)id)];
        var all = new List<Renaming>();
        if (symmetry) Permute(identity, 1, all);
        else all.Add(new Renaming(identity));
        return [.. all];
    }

    private static void Permute(byte[] ids, int from, List<Renaming> all)
    {
        if (from == ids.Length)
        {
            all.Add(new Renaming([.. ids]));
            return;
        }
        for (int i = from; i < ids.Length; i++)
        {
            (ids[from], ids[i]) = (ids[i], ids[from]);
            Permute(ids, from + 1, all);
            (ids[from], ids[i]) = (ids[i], ids[from]);
        }
    }
}
