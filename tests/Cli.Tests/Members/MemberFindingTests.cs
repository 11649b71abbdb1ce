using Conclave.Cli.Members;

namespace Conclave.Cli.Tests.Members;

/// <summary>What is said, in the cases that the table over all clusters does not tell apart.</summary>
public class MemberFindingTests
{
    [Fact]
    public void A_cluster_without_majority_is_told_who_is_missing()
    {
        Finding reason = Reason("Vvv", new RemoveMember("m2"));

        Assert.Equal(FindingKind.NoMajority, reason.Kind);
        Assert.Equal("1 voter of 3 answers and a change needs 2; silent: m2, m3.", reason.What);
    }

    [Fact]
    public void Voters_that_answer_and_follow_nobody_are_no_majority()
    {
        ClusterSight seen = Sights.Of("VVV");
        seen = seen.With(seen.Members[1] with { LeaderId = 0 }).With(seen.Members[2] with { LeaderId = 0 });

        Assert.Equal(FindingKind.NoMajority, MemberChangeCheck.Of(seen, new RemoveMember("m2")).Reason.Kind);
        Assert.Equal(FindingKind.NoLeader, MemberChangeCheck.Of(seen.With(seen.Members[0] with { LeaderId = 0 }), new RemoveMember("m2")).Reason.Kind);
    }

    [Fact]
    public void The_removal_of_a_working_member_while_another_is_down_names_the_one_to_start()
    {
        Finding reason = Reason("VVv", new RemoveMember("m2"));

        Assert.Equal(FindingKind.WouldLoseMajority, reason.Kind);
        Assert.Contains("Start m3 first", reason.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Members_are_named_by_name_or_id()
    {
        Assert.True(MemberChangeCheck.Of(Sights.Of("VVVL"), new PromoteMember("m4")).IsAllowed);
        Assert.True(MemberChangeCheck.Of(Sights.Of("VVVL"), new PromoteMember("00A4")).IsAllowed);
        Assert.Equal(FindingKind.NotFound, Reason("VVV", new RemoveMember("m9")).Kind);
        ClusterSight twins = Sights.Of("VVV");
        Assert.Equal(FindingKind.Ambiguous, MemberChangeCheck.Of(twins.With(twins.Members[1] with { Name = "m1" }), new RemoveMember("m1")).Reason.Kind);
    }

    [Fact]
    public void An_address_in_use_is_refused_with_the_command_that_replaces_its_owner()
    {
        Finding reason = Reason("VVv", new AddMember("new", [Sights.UrlOf(2)], AsLearner: false));

        Assert.Equal(FindingKind.AddressInUse, reason.Kind);
        Assert.EndsWith("conclave member replace m3 --peer-urls http://10.0.0.3:2380", reason.Remedy, StringComparison.Ordinal);
        Assert.Equal(FindingKind.AddressInUse, Reason("VVV", new UpdateMember("m1", [Sights.UrlOf(2)])).Kind);
    }

    [Theory]
    [InlineData("10.0.0.9:2380")]
    [InlineData("http://10.0.0.9")]
    [InlineData("http://10.0.0.9:2380/path")]
    public void What_is_no_address_is_refused(string url) => Assert.Equal(FindingKind.AddressInvalid, Reason("V", new AddMember("new", [url], AsLearner: true)).Kind);

    [Fact]
    public void A_learner_that_lags_is_not_promoted_and_a_voter_that_lags_leads_only_by_force()
    {
        ClusterSight seen = Sights.Of("VVVL");
        seen = seen.With(seen.Members[3] with { LogIndex = 899 }).With(seen.Members[2] with { LogIndex = 899 });

        Assert.Equal(FindingKind.NotInSync, MemberChangeCheck.Of(seen, new PromoteMember("m4")).Reason.Kind);
        Assert.True(MemberChangeCheck.Of(seen.With(seen.Members[3] with { LogIndex = 900 }), new PromoteMember("m4")).IsAllowed);
        Assert.Equal(Severity.Risk, MemberChangeCheck.Of(seen, new MoveLeader("m3")).Severity);
    }

    [Fact]
    public void A_replacement_that_was_begun_goes_on_where_it_ended()
    {
        ClusterSight seen = Sights.Of("VVVL");
        ReplaceMember change = new("m1", "m4", seen.Members[3].PeerUrls);

        Assert.Equal([MemberStep.Promote, MemberStep.Remove], MemberChangeCheck.Of(seen, change).Steps);
        Assert.Equal(FindingKind.DoesNotAnswer, MemberChangeCheck.Of(Sights.Of("VVVl"), change).Reason.Kind);
        MemberVerdict last = MemberChangeCheck.Of(Sights.Of("VVVV"), change);
        Assert.True(last.IsAllowed);
        Assert.Equal([MemberStep.Remove], last.Steps);
        Assert.Equal(FindingKind.DoesNotAnswer, MemberChangeCheck.Of(Sights.Of("VVVv"), change).Reason.Kind);
    }

    [Fact]
    public void A_name_in_use_needs_force() => Assert.Equal(FindingKind.NameInUse, Reason("VVV", new ReplaceMember("m1", null, Sights.NewUrl)).Kind);

    [Fact]
    public void The_flags_of_a_new_member_name_all_others_and_itself()
    {
        ClusterSight seen = Sights.Of("VVV");
        MemberSight unstarted = seen.Members[2] with { Name = "" };
        MemberSight added = unstarted with { Id = 0xbeef, PeerUrls = ["http://10.0.0.9:1", "http://10.0.0.9:2"] };

        StartFlags start = StartFlags.For(seen.With(unstarted).Plus(added).Members, added.Id, "n4");

        Assert.Equal("m1=http://10.0.0.1:2380,m2=http://10.0.0.2:2380,a3=http://10.0.0.3:2380,n4=http://10.0.0.9:1,n4=http://10.0.0.9:2", start.InitialCluster);
    }

    private static Finding Reason(string word, MemberChange change)
    {
        MemberVerdict verdict = MemberChangeCheck.Of(Sights.Of(word), change);
        Assert.False(verdict.IsAllowed);
        return verdict.Reason;
    }
}
