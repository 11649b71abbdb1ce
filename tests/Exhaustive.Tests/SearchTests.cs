using Conclave.Raft;

namespace Conclave.Exhaustive.Tests;

public class SearchTests(ITestOutputHelper output)
{
    private static readonly Bounds Small = new()
    {
        FastPreVotes = true,
        SyncDisk = true,
        Lose = "HeartbeatRequest,CommitNotice",
        Messages = 2,
        Heartbeats = 0,
        Crashes = 0,
    };

    /// <summary>The numbers are exact: a change of the core that adds or removes a state is a change to look at, and then to write down here.</summary>
    public static TheoryData<string, int, int, int, int, long> Scopes => new()
    {
        { "", 2, 1, 0, 0, 26_277 },
        { "campaign 1; settle", 1, 0, 1, 0, 3_976 },
        { "campaign 1; settle", 1, 0, 0, 1, 1_204 },
    };

    [Theory, MemberData(nameof(Scopes))]
    public void Every_state_of_a_small_scope_is_safe_and_their_number_is_known(string prologue, int campaigns, int proposals, int changes, int transfers, long states)
    {
        Findings found = Search(Small with { Prologue = prologue, Campaigns = campaigns, Proposals = proposals, Changes = changes, Transfers = transfers, Log = 5 });

        Assert.Null(found.Violation);
        Assert.True(found.IsComplete);
        Assert.Equal(states, found.States);
    }

    [Fact]
    public void Renaming_nodes_merges_states_and_hides_none()
    {
        Bounds scope = Small with { Messages = 1, Proposals = 1, Campaigns = 2 };
        Findings merged = Search(scope), all = Search(scope with { Symmetry = false });

        // The first state is its own mirror image and every other class has at most six members, so the whole lies between.
        Assert.True(merged.IsComplete && all.IsComplete);
        Assert.InRange(all.States, merged.States + 1, 6 * merged.States);
        Assert.Equal(all.Depth, merged.Depth);
        Assert.Null(all.Violation);
    }

    [Fact]
    public void A_crash_at_any_moment_loses_nothing_that_was_promised()
    {
        Findings found = Search(Small with { Prologue = "campaign 1; settle", SyncDisk = false, Messages = 1, Campaigns = 1, Crashes = 1, Proposals = 1 });

        Assert.Null(found.Violation);
        Assert.True(found.IsComplete);
    }

    [Theory]
    [InlineData(nameof(CoreFaults.SkipVotePersist))]
    [InlineData(nameof(CoreFaults.AckBeforeSync))]
    [InlineData(nameof(CoreFaults.CountUnflushedOwn))]
    [InlineData(nameof(CoreFaults.VoteClearedOnStepDown))]
    [InlineData(nameof(CoreFaults.StaleVotesCount))]
    [InlineData(nameof(CoreFaults.ConfigAtApply))]
    [InlineData(nameof(CoreFaults.ElectByUnion))]
    [InlineData(nameof(CoreFaults.CommitByNewVoters))]
    [InlineData(nameof(CoreFaults.LearnerCounts))]
    public void A_deliberate_bug_is_found_with_the_way_to_it(string name)
    {
        var fault = Enum.Parse<CoreFaults>(name);
        Findings found = Search(Mutations.All.Single(mutation => mutation.Fault == fault).Scope with { Faults = fault });

        Assert.NotNull(found.Violation);
        Assert.Equal(found.Depth, found.Path.Count);
        output.WriteLine($"{found.Violation}\n{string.Join('\n', found.Path)}");
    }

    /// <summary>A restarted node counted its read rounds from one again, and an answer to a heartbeat of its former life confirmed one of them.</summary>
    [Fact]
    public void An_answer_to_a_heartbeat_of_a_former_life_confirms_no_read()
    {
        const string RestartedLeader = "campaign 1; settle; read 1; drop HeartbeatRequest 1 2; crash 1; doubt 2; campaign 1; deliver VoteRequest 1 2; drop VoteRequest 1 3; deliver VoteReply 2 1; "
            + "drop HeartbeatRequest 1 2; deliver AppendRequest 1 2; deliver AppendReply 2 1; deliver AppendRequest 1 3; deliver HeartbeatRequest 1 3; drop HeartbeatRequest 1 3; drop AppendReply 3 1";
        // Found at depth 8 while the answers repeated the old number.
        Findings found = Search(Small with { Prologue = RestartedLeader, Lose = "CommitNotice", Messages = 3, Terms = 3, Campaigns = 1, Proposals = 0, Reads = 1, Depth = 8 });

        Assert.Null(found.Violation);
        Assert.Equal(8, found.Depth);
    }

    /// <summary>Likewise, an answer to an append of the former life made a peer look as if its disk had lost entries.</summary>
    [Fact]
    public void An_answer_to_an_append_of_a_former_life_accuses_nobody()
    {
        const string RestartedLeader = "campaign 1; settle; write 1; drop AppendRequest 1 2; crash 1; doubt 2; campaign 1; deliver VoteRequest 1 2; drop VoteRequest 1 3; deliver VoteReply 2 1";
        // The violation was 7 steps after this.
        Findings found = Search(Small with { Prologue = RestartedLeader, Messages = 3, Campaigns = 0, Proposals = 1, Log = 4 });

        Assert.Null(found.Violation);
        Assert.True(found.IsComplete);
    }

    private static Findings Search(Bounds bounds)
    {
        Assert.Empty(bounds.Problems());
        return new Explorer(bounds, TextWriter.Null).Run();
    }
}
