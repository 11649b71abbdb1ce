namespace Conclave.Raft.Tests;

public class ChurnTests(ITestOutputHelper output)
{
    [Fact]
    public void Nothing_is_lost_or_doubled_while_members_come_and_go_and_in_the_end_all_agree()
    {
        int memberships = 0, damages = 0, entries = 0;
        for (int seed = 0; seed < 60; seed++)
        {
            var cluster = new RandomCluster(seed, size: 1 + seed % 5);
            try
            {
                cluster.Run(1500);
                Assert.True(cluster.Heals(), $"Seed {seed} does not come to rest:\n{cluster}");
            }
            catch (Exception e) when (e is UnsafeException or InvariantViolationException)
            {
                Assert.Fail($"Seed {seed}: {e}");
            }
            memberships += cluster.MembershipsCommitted;
            damages += cluster.Damages;
            entries += cluster.Check.Committed.Count;
        }
        output.WriteLine($"{entries} entries, {memberships} memberships, {damages} damaged disks");
        Assert.True(memberships > 150 && damages > 25 && entries > 1_000);
    }
}
