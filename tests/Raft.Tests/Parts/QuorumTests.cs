using Conclave.Support;
using FsCheck;
using FsCheck.Fluent;

namespace Conclave.Raft.Tests;

public class QuorumTests(ITestOutputHelper output)
{
    [Fact]
    public void The_highest_held_value_is_the_highest_that_a_majority_reached() => Properties.Holds(Prop.ForAll((NonEmptyArray<byte> reached, byte mask) =>
    {
        ulong[] values = [.. reached.Get.Take(8).Select(v => (ulong)v)];
        ulong voters = mask & ((1UL << values.Length) - 1);
        if (voters == 0) return Quorum.HighestHeld(voters, values) == ulong.MaxValue;
        ulong[] held = [.. values.Where((_, slot) => (voters >> slot & 1) != 0)];
        return Quorum.HighestHeld(voters, values) == held.Where(v => 2 * held.Count(h => h >= v) > held.Length).Max();
    }), output, tests: 2_000);

    [Fact]
    public void Two_majorities_share_a_voter() => Properties.Holds(Prop.ForAll((byte voters, byte a, byte b) =>
        voters == 0 || !Quorum.HasMajority(voters, a) || !Quorum.HasMajority(voters, b) || (voters & a & b) != 0), output, tests: 2_000);

    [Theory]
    [InlineData(1, 1), InlineData(2, 2), InlineData(3, 2), InlineData(4, 3), InlineData(5, 3), InlineData(7, 4)]
    public void A_majority_is_more_than_half(int voters, int needed)
    {
        ulong all = (1UL << voters) - 1;
        Assert.True(Quorum.HasMajority(all, (1UL << needed) - 1));
        Assert.False(Quorum.HasMajority(all, (1UL << (needed - 1)) - 1));
    }

    [Fact]
    public void A_joint_configuration_needs_both_majorities()
    {
        var membership = new Membership { Voters = [new(1), new(2), new(3)], VotersOutgoing = [new(1), new(4), new(5)] };
        var roster = new Roster(membership, TestNode.OptionsFor(1));
        Assert.False(roster.HasMajority(0b00111)); // 1 2 3: all of the new, a third of the old
        Assert.False(roster.HasMajority(0b11001)); // 1 4 5
        Assert.True(roster.HasMajority(0b01011)); // 1 2 4
        Assert.Equal(5UL, roster.HighestHeld([9, 9, 9, 5, 4])); // the old half holds 5
    }

    [Fact]
    public void Learners_have_no_say()
    {
        var membership = new Membership { Voters = [new(1), new(2), new(3)], Learners = [new(4), new(5)] };
        var roster = new Roster(membership, TestNode.OptionsFor(1));
        Assert.False(roster.HasMajority(0b11001));
        Assert.Equal(1UL, roster.HighestHeld([9, 1, 1, 9, 9]));
    }
}
