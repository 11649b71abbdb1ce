using Conclave.Raft;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Consensus;

/// <summary>Writes to the log what this member is, and now and then that nobody leads. One caller at a time.</summary>
/// <remarks>Without a majority a member campaigns again with each election timeout, for as long as that lasts. A line for each would bury the one that says why.</remarks>
/// <param name="logger">Where to.</param>
/// <param name="time">Clock of how long there is no leader.</param>
/// <param name="notConnected">Names of the other voters without a connection.</param>
internal sealed class RoleLog(ILogger logger, TimeProvider time, Func<IReadOnlyList<string>> notConnected)
{
    // Longer than any healthy election, and often enough for whoever looks at the end of the log.
    private static readonly TimeSpan FirstAfter = TimeSpan.FromSeconds(10), AgainAfter = TimeSpan.FromSeconds(60);

    private RoleChange? _last;
    private long? _leaderlessSince;
    private TimeSpan _sayAfter = FirstAfter;

    public void OnRole(RoleChange change)
    {
        bool isNews = change != _last;
        _last = change;
        if (isNews) Log.RoleChanged(logger, change.Role, change.Term.Value, change.Leader == NodeId.None ? "not known" : change.Leader.ToString());
        if (change.Leader != NodeId.None)
        {
            (_leaderlessSince, _sayAfter) = (null, FirstAfter);
            return;
        }

        _leaderlessSince ??= time.GetTimestamp();
        TimeSpan leaderless = time.GetElapsedTime(_leaderlessSince.Value);
        if (leaderless < _sayAfter) return;
        _sayAfter = leaderless + AgainAfter;
        string missing = string.Join(", ", notConnected());
        Log.NoLeader(logger, (long)leaderless.TotalSeconds, missing.Length == 0 ? "all other members are connected, and no majority of them votes for one" : $"there is no connection to {missing}");
    }
}
