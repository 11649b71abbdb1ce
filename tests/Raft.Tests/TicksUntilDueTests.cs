namespace Conclave.Raft.Tests;

public class TicksUntilDueTests
{
    private static RaftCore Core(int nodes) => new(
        new RaftOptions { Self = new NodeId(1), Seed = 7 },
        new RecoveredState { HardState = default, Bootstrap = Membership.Of([.. Enumerable.Range(1, nodes).Select(i => new NodeId((ulong)i))]) });

    [Fact]
    public void A_follower_does_nothing_before_the_tick_it_names()
    {
        RaftCore core = Core(nodes: 3);
        var output = new RaftOutput();
        int due = core.TicksUntilDue;
        Assert.InRange(due, 100, 200);

        for (int tick = 1; tick < due; tick++)
        {
            core.Step(RaftInput.Tick(), output);
            core.Flush(output);
            Assert.True(output.IsEmpty, $"Something happened at tick {tick} of {due}.");
            Assert.Equal(due - tick, core.TicksUntilDue);
        }

        core.Step(RaftInput.Tick(), output);
        core.Flush(output);
        Assert.Equal(RaftRole.PreCandidate, core.Role);
    }

    [Fact]
    public void A_sole_voter_campaigns_with_its_first_tick() => Assert.Equal(1, Core(nodes: 1).TicksUntilDue);
}
