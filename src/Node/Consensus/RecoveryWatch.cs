using Conclave.Raft;

namespace Conclave.Node.Consensus;

/// <summary>Decides when to say that a member which lost the end of its log waits for others: such a member never leads by itself, so without a leader it would wait in silence.</summary>
internal sealed class RecoveryWatch
{
    /// <summary>An election takes less.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Between two reminders.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private TimeSpan? _since;
    private TimeSpan _due;

    /// <summary>Called a few times a second.</summary>
    /// <param name="now">Time since the start of the node.</param>
    /// <param name="lostEnd">What is missing; zero when nothing is.</param>
    /// <param name="leader">Who leads, or None.</param>
    /// <returns>True when it is time to say it.</returns>
    public bool IsDue(TimeSpan now, EntryId lostEnd, NodeId leader)
    {
        if (lostEnd == EntryId.Zero || leader != NodeId.None)
        {
            _since = null;
            return false;
        }

        if (_since is null) (_since, _due) = (now, now + Patience);
        if (now < _due) return false;
        _due = now + Interval;
        return true;
    }
}
