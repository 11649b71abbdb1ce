using System.Globalization;

namespace Conclave.Simulator.Tests;

/// <summary>
/// A simulator that finds nothing proves nothing: each deliberate bug has to be noticed. The hunt itself, from the first seed on, is the command of
/// docs/verification.md; here it begins at the seed that noticed the bug last time.
/// </summary>
public class MutationTests(ITestOutputHelper output)
{
    /// <summary>Any change of what runs do moves the seeds that notice; one of the next ones does.</summary>
    private const int SeedsMax = 60;

    private static readonly Dictionary<Mutation, ulong> Pins = File.ReadLines(Path.Combine(AppContext.BaseDirectory, "mutation-seeds.txt"))
        .Select(line => line.Split(' ')).ToDictionary(words => Enum.Parse<Mutation>(words[0]), words => ulong.Parse(words[1], CultureInfo.InvariantCulture));

    public static TheoryData<Mutation> All => [.. Pins.Keys];

    [Theory, MemberData(nameof(All))]
    public void A_deliberate_bug_is_noticed(Mutation mutation) => MustBeCaught(mutation, Pins[mutation], checkReleases: true);

    [Theory, InlineData(Mutation.SkipVotePersist), InlineData(Mutation.AckBeforeSync), InlineData(Mutation.SendBeforeDurable)]
    public void A_message_that_leaves_too_early_is_noticed_by_what_follows_from_it(Mutation mutation) => MustBeCaught(mutation, firstSeed: 1, checkReleases: false);

    [Fact]
    public void Every_switch_in_every_layer_is_hunted() =>
        Assert.Equal(Mutations.Switches.Order(StringComparer.Ordinal), Mutations.All.Select(mutation => mutation.ToString()).Order(StringComparer.Ordinal));

    [Fact]
    public void Every_mutation_is_described() => Assert.All(Mutations.All, mutation => Assert.NotEqual("", Mutations.Describe(mutation)));

    [Fact]
    public void There_are_bugs_of_every_layer() =>
        Assert.All(Enum.GetValues<MutationLayer>(), layer => Assert.True(Pins.Keys.Count(mutation => Mutations.LayerOf(mutation) == layer) >= 8, layer.ToString()));

    private void MustBeCaught(Mutation mutation, ulong firstSeed, bool checkReleases)
    {
        MutationCatch hunt = new MutationHunt(SeedsMax, checkReleases: checkReleases).Hunt(mutation, firstSeed);
        output.WriteLine(hunt.ToString());
        Assert.Empty(hunt.Alarms);
        Assert.True(hunt.Seed is not null, $"None of {SeedsMax} seeds from {firstSeed} on notices {mutation}. Find another with: "
            + $"dotnet run -c Release --project chaos/Simulator -- mutations --only .{mutation}. If none does, the simulator has become blind there.");
    }
}
