namespace Conclave.Simulator.Tests;

public class SafetyTests(ITestOutputHelper output)
{
    private const int SeedsMax = 400, SeedsOfEverything = 200;

    [Fact]
    public void A_cluster_under_random_faults_stays_safe_and_then_recovers() => RunAll(1, SeedsMax, Simulation.StepsDefault);

    [Fact]
    public void Long_runs_stay_safe_too() => Assert.True(RunAll(1_001, 4, 250_000).Committed > 5_000);

    /// <summary>On all cores: each run is a world of its own.</summary>
    private Statistics RunAll(ulong firstSeed, int seeds, int steps)
    {
        var total = new Statistics();
        var failures = new List<string>();
        Parallel.For(0, seeds, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, at =>
        {
            Verdict verdict = Simulation.FromSeed(firstSeed + (ulong)at, steps).Run();
            lock (total)
            {
                total.Add(verdict.Statistics);
                if (!verdict.Passed) failures.Add(verdict.Failure!); // it has not passed
            }
        });
        output.WriteLine(total.ToString());
        Assert.True(failures.Count == 0, string.Join("\n", failures));
        return total;
    }

    [Fact]
    public void The_runs_go_through_everything_that_can_go_wrong()
    {
        Statistics seen = RunAll(2_001, SeedsOfEverything, Simulation.StepsDefault);
        Assert.All([seen.Elections, seen.CrashesWhileWriting, seen.SnapshotsInstalled, seen.Truncations, seen.MembershipChanges, seen.DiskErrors, seen.RarePaths], count => Assert.True(count >= 10));
        Assert.All([seen.Trials, seen.QueueWaits, seen.QueueGrants], count => Assert.True(count >= 10));
        Assert.All([seen.ReleasesPublished, seen.ConfigDeltas], count => Assert.True(count >= 50));
        Assert.All([seen.WritesAcknowledged, seen.WritesUnknown, seen.ReadsServed, seen.MessagesLost], count => Assert.True(count >= 1_000));
        Assert.All([seen.BitsFlipped, seen.LogsRepaired, seen.TransfersAsked, seen.MembershipRefusals, seen.DiskLies, seen.DirectoriesSwapped, seen.MembersReplaced, seen.MessagesKeptOut], count => Assert.True(count >= 1));
    }
}
