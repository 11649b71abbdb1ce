namespace Conclave.Simulator.Tests;

public class SafetyTests(ITestOutputHelper output)
{
    private const int SeedsPerRange = 50;

    public static TheoryData<ulong> Ranges => [1, 51, 101, 151, 201, 251, 301, 351];

    [Theory, MemberData(nameof(Ranges))]
    public void A_cluster_under_random_faults_stays_safe_and_then_recovers(ulong firstSeed)
    {
        for (ulong seed = firstSeed; seed < firstSeed + SeedsPerRange; seed++)
        {
            Verdict verdict = Simulation.FromSeed(seed).Run();
            if (!verdict.Passed) output.WriteLine(verdict.Failure!); // it has not passed
            Assert.True(verdict.Passed, verdict.Failure);
        }
    }

    [Fact]
    public void Long_runs_stay_safe_too()
    {
        long committed = 0;
        for (ulong seed = 1001; seed <= 1004; seed++)
        {
            Verdict verdict = Simulation.FromSeed(seed, steps: 250_000).Run();
            Assert.True(verdict.Passed, verdict.Failure);
            committed += verdict.Statistics.Committed;
        }
        Assert.True(committed > 5_000, $"{committed} entries");
    }

    [Fact]
    public void The_runs_go_through_everything_that_can_go_wrong()
    {
        var seen = new Statistics();
        for (ulong seed = 1; seed <= SeedsPerRange; seed++)
        {
            Statistics one = Simulation.FromSeed(seed).Run().Statistics;
            seen.Elections += one.Elections;
            seen.CrashesWhileWriting += one.CrashesWhileWriting;
            seen.SnapshotsInstalled += one.SnapshotsInstalled;
            seen.Truncations += one.Truncations;
            seen.WritesAcknowledged += one.WritesAcknowledged;
            seen.WritesUnknown += one.WritesUnknown;
            seen.ReadsServed += one.ReadsServed;
            seen.MessagesLost += one.MessagesLost;
        }
        output.WriteLine(seen.ToString());
        Assert.All([seen.Elections, seen.CrashesWhileWriting, seen.SnapshotsInstalled, seen.Truncations], count => Assert.True(count >= 10));
        Assert.All([seen.WritesAcknowledged, seen.WritesUnknown, seen.ReadsServed, seen.MessagesLost], count => Assert.True(count >= 1_000));
    }
}
