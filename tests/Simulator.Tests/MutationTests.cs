namespace Conclave.Simulator.Tests;

/// <summary>A simulator that finds nothing proves nothing: each deliberate bug in the core has to be noticed by one of the first seeds.</summary>
public class MutationTests(ITestOutputHelper output)
{
    private const int SeedsMax = 300;

    public static TheoryData<Mutation> All => [.. Enum.GetValues<Mutation>().Where(m => m != Mutation.None)];

    [Theory, MemberData(nameof(All))]
    public void A_deliberate_bug_is_noticed(Mutation mutation) => MustBeCaught(mutation, checkReleases: true);

    [Theory, InlineData(Mutation.SkipVotePersist), InlineData(Mutation.AckBeforeSync)]
    public void A_message_that_leaves_too_early_is_noticed_by_what_follows_from_it(Mutation mutation) => MustBeCaught(mutation, checkReleases: false);

    private void MustBeCaught(Mutation mutation, bool checkReleases)
    {
        for (ulong seed = 1; seed <= SeedsMax; seed++)
        {
            Verdict verdict = Simulation.FromSeed(seed, mutation: mutation, checkReleases: checkReleases).Run();
            if (verdict.Passed) continue;
            output.WriteLine(verdict.Failure!); // it has not passed
            return;
        }
        Assert.Fail($"None of {SeedsMax} seeds notices {mutation}: the simulator is blind there.");
    }
}
