using Conclave.Raft;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Consensus;

/// <summary>Writes to the log what this member is, and now and then that nobody leads. May be called from any thread.</summary>
/// <remarks>
/// Without a majority a member campaigns again with each election timeout, for as long as that lasts. A line for each would bury the one that says why. A member that does not
/// campaign, because it does not vote or its log has lost its end, has one change of role to tell of when the leader goes, or none: so somebody has to look.
/// </remarks>
/// <param name="logger">Where to.</param>
/// <param name="time">Clock of how long there is no leader.</param>
/// <param name="firstAfter">Time without a leader until that is said: longer than any healthy election.</param>
/// <param name="notConnected">Names of the other voters without a connection.</param>
internal sealed class RoleLog(ILogger logger, TimeProvider time, TimeSpan firstAfter, Func<IReadOnlyList<string>> notConnected)
{
    /// <summary>Often enough for whoever looks at the end of the log.</summary>
    private static readonly TimeSpan AgainAfter = TimeSpan.FromSeconds(60);

    private readonly Lock _gate = new();

    // Under _gate.
    private RoleChange? _last;
    private long? _leaderlessSince;
    private TimeSpan? _sayAgainAfter;

    public void OnRole(RoleChange change)
    {
        lock (_gate)
        {
            if (change != _last) Log.RoleChanged(logger, change.Role, change.Term.Value, change.Leader == NodeId.None ? "not known" : change.Leader.ToString());
            _last = change;
            Count(change.Leader);   // also of one that is gone again before the next look
        }
    }

    /// <summary>Says that there is no leader when it is time for that. Called a few times a second.</summary>
    /// <param name="leader">Now, or None.</param>
    public void Look(NodeId leader)
    {
        lock (_gate)
        {
            TimeSpan leaderless = Count(leader);
            if (leaderless < (_sayAgainAfter ?? firstAfter)) return;
            _sayAgainAfter = leaderless + AgainAfter;
            string missing = string.Join(", ", notConnected());
            Log.NoLeader(logger, (long)leaderless.TotalSeconds, missing.Length == 0 ? "all other voting members are connected, and none of them says that it leads" : $"there is no connection to {missing}");
        }
    }

    private TimeSpan Count(NodeId leader)
    {
        if (leader != NodeId.None)
        {
            (_leaderlessSince, _sayAgainAfter) = (null, null);
            return TimeSpan.Zero;
        }

        _leaderlessSince ??= time.GetTimestamp();
        return time.GetElapsedTime(_leaderlessSince.Value);
    }
}
