namespace Conclave.Raft.Tests;

/// <summary>The random cluster would have found these; the ones that need rarer luck are proven one by one in <c>Scenarios/FaultProofs</c>.</summary>
public class FaultTests
{
    [Theory]
    [InlineData(nameof(CoreFaults.TruncateWithoutConflict))]
    [InlineData(nameof(CoreFaults.AckBeyondMessage))]
    [InlineData(nameof(CoreFaults.ReadBeforeNoOp))]
    [InlineData(nameof(CoreFaults.CountUnflushedOwn))]
    [InlineData(nameof(CoreFaults.ConfigFromSnapshotOnly))]
    [InlineData(nameof(CoreFaults.IgnoreLostEnd))]
    [InlineData(nameof(CoreFaults.VoteByPreVote))]
    public void A_random_cluster_shows_the_fault(string fault)
    {
        for (int seed = 0; seed < 4000; seed++)
        {
            var cluster = new RandomCluster(seed, Enum.Parse<CoreFaults>(fault), size: 1 + seed % 5);
            try
            {
                cluster.Run(1500);
            }
            catch (Exception e) when (e is UnsafeException or InvariantViolationException)
            {
                return;
            }
        }
        Assert.Fail("No seed shows it.");
    }
}
