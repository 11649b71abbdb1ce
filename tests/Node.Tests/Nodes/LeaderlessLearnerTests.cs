using System.Text.RegularExpressions;

namespace Conclave.Node.Tests.Nodes;

public sealed class LeaderlessLearnerTests
{
    /// <summary>It never campaigns, so nothing of what it does itself would cause the line.</summary>
    [Fact]
    public async Task A_learner_whose_leader_is_gone_says_so_in_its_log()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(1);
        await cluster.AddAsync("n2", isLearner: true);
        cluster.Reconfigure("n2", options => options with { LeaderlessWarningAfter = TimeSpan.FromMilliseconds(1500) });
        TestNode learner = await cluster.StartAsync("n2");
        await cluster.ReadsAsync("n2", "started", "yes");
        await cluster.StopAsync("n1");

        await TestNode.EventuallyAsync("it says so", () => Task.FromResult(learner.LogLines.Any(line => Regex.IsMatch(line, "No leader for [0-9]+ s"))));
        Assert.Contains(learner.LogLines, line => line.Contains("there is no connection to n1."));
    }
}
