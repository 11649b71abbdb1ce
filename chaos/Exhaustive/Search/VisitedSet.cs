namespace Conclave.Exhaustive;

/// <summary>Hashes of the states that were seen. Open addressing, 128 bits each and nothing else.</summary>
/// <remarks>Two different states fall together with a probability of about states^2 / 2^129: for a billion of them less than 10^-20.</remarks>
internal sealed class VisitedSet
{
    private Hash128[] _slots = new Hash128[1 << 16];

    public long Count { get; private set; }

    public bool Add(Hash128 hash)
    {
        if (Count * 10 > _slots.Length * 7L) Grow();
        if (!Put(_slots, hash)) return false;
        Count++;
        return true;
    }

    private static bool Put(Hash128[] slots, Hash128 hash)
    {
        int mask = slots.Length - 1;
        for (int at = (int)hash.B & mask; ; at = (at + 1) & mask)
        {
            if (slots[at] == hash) return false;
            if (slots[at] != default) continue;
            slots[at] = hash;
            return true;
        }
    }

    private void Grow()
    {
        var larger = new Hash128[checked(_slots.Length * 2)];
        foreach (Hash128 hash in _slots)
            if (hash != default) Put(larger, hash);
        _slots = larger;
    }
}
