namespace Conclave.Node.Tests.Nodes;

public sealed class LeaderPriorityTests
{
    [Fact]
    public async Task A_leader_that_is_stopped_hands_over_to_the_member_with_the_higher_priority()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3);
        const string leader = "n1";
        List<(ulong Id, string Name)> others = [];
        foreach (string name in (string[])["n2", "n3"])
        {
            await cluster.IsListedAsync(name);
            others.Add((MemberCluster.Number(await cluster.IdOfAsync(name)), name));
        }

        others.Sort();
        string first = others[0].Name, second = others[1].Name;   // where nothing else decides, the smaller id does
        await cluster.StopAsync(first);
        cluster.Reconfigure(first, options => options with { LeaderPriority = 3 });
        await cluster.StartAsync(first);
        await cluster.Node(first).PutAsync("with all", "yes");   // through it, so that it has connected to the leader
        foreach (string name in (string[])[first, second]) await cluster.ReadsAsync(name, "with all", "yes");
        await cluster.LeadAsync(leader);
        await cluster.Node(leader).PutAsync("with all", "again");
        foreach (string name in (string[])[first, second]) await cluster.ReadsAsync(name, "with all", "again");
        await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);   // who has written more of the log comes first, and the leader has to hear that both have all

        await cluster.StopAsync(leader);

        Assert.Equal(second, await cluster.LeaderAsync());
        // It is a preference: who is told to lead, leads.
        await cluster.StartAsync(leader);
        await cluster.Node(second).PutAsync("again", "yes");
        await cluster.ReadsAsync(leader, "again", "yes");
        await cluster.LeadAsync(first);
    }
}
