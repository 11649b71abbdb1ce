using Conclave.Node.Consensus;
using Conclave.Node.Tests.Limits;
using Conclave.Node.Tests.Nodes;
using Conclave.Raft;

namespace Conclave.Node.Tests.Consensus;

public class RoleLogTests
{
    private readonly ManualClock _time = new();
    private readonly TestOutputLogger _log = new("n1");
    private readonly RoleLog _roles;

    public RoleLogTests() => _roles = new RoleLog(_log, _time, TimeSpan.FromSeconds(10), () => ["n2", "n3"]);

    [Fact]
    public void A_member_that_campaigns_for_hours_says_so_once_and_then_once_a_minute_why()
    {
        for (int i = 0; i < 3600; i++)
        {
            _roles.OnRole(new RoleChange(RaftRole.PreCandidate, new Term(7), NodeId.None));
            _roles.Look(NodeId.None);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Single(_log.Lines, line => line.Contains("Now PreCandidate in term 7"));
        string[] why = [.. _log.Lines.Where(line => line.Contains("No leader for"))];
        Assert.Equal(60, why.Length);
        Assert.Contains("No leader for 10 s: there is no connection to n2, n3.", why[0]);
        Assert.Contains("No leader for 70 s", why[1]);
    }

    [Fact]
    public void An_election_that_takes_its_usual_time_is_no_warning()
    {
        for (int i = 0; i < 100; i++)
        {
            _roles.OnRole(new RoleChange(RaftRole.PreCandidate, new Term((ulong)i), NodeId.None));
            _time.Advance(TimeSpan.FromSeconds(2));
            _roles.Look(NodeId.None);
            _roles.OnRole(new RoleChange(RaftRole.Follower, new Term((ulong)i + 1), new NodeId(2)));
            _time.Advance(TimeSpan.FromHours(1));
            _roles.Look(new NodeId(2));
        }

        Assert.Equal(200, _log.Lines.Count);
        Assert.DoesNotContain(_log.Lines, line => line.Contains("No leader for"));
    }

    /// <summary>A learner, or a member that joins, tells of no role while it waits.</summary>
    [Fact]
    public void A_member_that_never_had_a_leader_and_never_campaigns_says_so_too()
    {
        for (int i = 0; i < 100; i++)
        {
            _roles.Look(NodeId.None);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(2, _log.Lines.Count);
        Assert.All(_log.Lines, line => Assert.Contains("No leader for", line));
    }

    [Fact]
    public void A_leader_that_is_gone_before_the_next_look_counts()
    {
        _roles.Look(NodeId.None);
        _time.Advance(TimeSpan.FromSeconds(9));
        _roles.OnRole(new RoleChange(RaftRole.Follower, new Term(2), new NodeId(2)));
        _roles.OnRole(new RoleChange(RaftRole.Follower, new Term(2), NodeId.None));
        _time.Advance(TimeSpan.FromSeconds(9));
        _roles.Look(NodeId.None);
        Assert.DoesNotContain(_log.Lines, line => line.Contains("No leader for"));
    }
}
