using System.Numerics;

namespace Conclave.Raft;

/// <summary>Majorities over sets of slots (see <see cref="Roster"/>). An empty set has no say: it agrees with anything.</summary>
internal static class Quorum
{
    public static bool HasMajority(ulong voters, ulong inFavour) =>
        voters == 0 || 2 * BitOperations.PopCount(voters & inFavour) > BitOperations.PopCount(voters);

    /// <summary>The highest value that a majority of <paramref name="voters"/> has reached.</summary>
    /// <param name="voters">Set of slots.</param>
    /// <param name="values">One per slot.</param>
    public static ulong HighestHeld(ulong voters, ReadOnlySpan<ulong> values)
    {
        if (voters == 0) return ulong.MaxValue;
        // A member count is tiny, so an insertion sort beats anything cleverer. All values are sorted: picking candidates near
        // the old mark is a shortcut that has committed without a quorum elsewhere.
        Span<ulong> sorted = stackalloc ulong[Membership.MembersMax];
        int count = 0;
        for (ulong rest = voters; rest != 0; rest &= rest - 1)
        {
            ulong value = values[BitOperations.TrailingZeroCount(rest)];
            int at = count++;
            for (; at > 0 && sorted[at - 1] < value; at--) sorted[at] = sorted[at - 1];
            sorted[at] = value;
        }
        return sorted[count / 2]; // descending: count / 2 + 1 voters hold at least this
    }
}
