using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>I19, leases: what was promised to a holder is kept, by whichever leader.</summary>
/// <remarks>
/// A promise is counted from the moment the question was asked, as a careful client counts. The leader that ends a lease must have seen the whole TTL pass
/// since then on its own clock, however fast that runs, whoever gave the promise.
/// </remarks>
internal sealed class LeaseCheck(SimWorld world)
{
    /// <summary>Clocks are read in whole milliseconds.</summary>
    private const long ToleranceMs = 1;

    private readonly Dictionary<long, Life> _lives = [];

    private sealed class Life
    {
        public required long TtlMs;
        public long GrantedAt;
        public LogIndex Grant;
        public long EndedAt = long.MaxValue;
        public required Moment Promised;
    }

    /// <summary>A moment in the time of the world and of every node.</summary>
    public sealed record Moment(long At, long[] Clocks)
    {
        /// <summary>A node that was not there yet has had the time of the world until then.</summary>
        public long ClockOf(SimNode node) => node.Slot < Clocks.Length ? Clocks[node.Slot] : At / 1_000;

        public static Moment Now(SimWorld world) => new(world.Now, [.. world.Nodes.Select(node => node.ClockMs)]);
    }

    public void OnCommitted(StoreRequest? request, string answer)
    {
        if (request is LeaseGrantRequest grant && answer == StoreAnswer.Granted(grant.Id, grant.TtlSeconds))
            _lives[grant.Id] = new Life { TtlMs = 1000 * grant.TtlSeconds, GrantedAt = world.Now, Grant = world.Oracle!.Applied, Promised = Moment.Now(world) };
        else if (request is LeaseRevokeRequest revoke && answer == "" && _lives.TryGetValue(revoke.Id, out Life? life))
            End(revoke, life);
    }

    private void End(LeaseRevokeRequest revoke, Life life)
    {
        life.EndedAt = world.Now;
        // An id that was revoked and granted again meanwhile is another lease; that its first one's end may hit it is known, and so in etcd.
        if (revoke.ExpiredAt is not { } decided || life.GrantedAt > decided || life.Promised.At <= decided) return;
        throw new SimulationFailure($"I19: lease {revoke.Id} ends by a decision of {decided} us, after it was promised at {life.Promised.At} us.");
    }

    /// <summary>A leader told a holder that the lease has its full time again.</summary>
    public void OnRenewed(SimNode leader, long id, Moment asked)
    {
        if (!_lives.TryGetValue(id, out Life? life)) throw new SimulationFailure($"I19: {leader.Id} renews lease {id}, which was never granted.");
        if (life.EndedAt < asked.At) throw new SimulationFailure($"I19: {leader.Id} renews lease {id}, asked at {asked.At} us; it ended at {life.EndedAt} us.");
        world.Statistics.LeasesRenewed++;
        if (asked.At > life.Promised.At) life.Promised = asked;
    }

    /// <summary>A leader told a holder that the lease is gone.</summary>
    public void OnToldGone(SimNode leader, long id, Moment asked)
    {
        if (!_lives.TryGetValue(id, out Life? life) || life.EndedAt <= world.Now || life.GrantedAt >= asked.At) return;
        RequireOver(leader, id, life, "tells the holder that it is gone");
    }

    /// <summary>A leader is about to propose the end of a lease, because its clock says so.</summary>
    public void OnExpired(SimNode leader, long id)
    {
        if (!_lives.TryGetValue(id, out Life? life) || life.EndedAt <= world.Now) return; // ended already: the revoke will find nothing
        world.Statistics.LeasesExpired++;
        // What a leader of the past proposes in its own term is never committed; that its successor has promised more is nothing it could know.
        if (!IsOfThePast(leader)) RequireOver(leader, id, life, "lets it expire");
    }

    private bool IsOfThePast(SimNode node) => node.Core.Role == RaftRole.Leader
        && world.Nodes.Any(other => other.IsUp && other.Core.Role == RaftRole.Leader && other.Core.Term > node.Core.Term);

    private static void RequireOver(SimNode leader, long id, Life life, string what)
    {
        // An id that was revoked and granted again: that leader has the first of the two in mind, and its revoke may hit the second, as in etcd.
        if (leader.Machine.Applied.Index < life.Grant) return;
        long passedMs = leader.ClockMs - life.Promised.ClockOf(leader);
        if (passedMs < life.TtlMs - ToleranceMs)
            throw new SimulationFailure($"I19: lease {id} was promised {life.TtlMs} ms at {life.Promised.At} us; {passedMs} ms later on its own clock {leader.Id} {what}.");
    }
}
