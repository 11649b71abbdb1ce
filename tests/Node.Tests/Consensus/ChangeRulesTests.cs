using Conclave.Node.Consensus;
using Conclave.Node.Peers;
using Conclave.Node.Tests.Peers;
using Conclave.Raft;

namespace Conclave.Node.Tests.Consensus;

public class ChangeRulesTests
{
    private static readonly NodeId One = new(1), Two = new(2), New = new(9);
    private static readonly Uri UrlOfOne = new("http://127.0.0.1:2380"), UrlOfTwo = new("http://127.0.0.1:22380"), Elsewhere = new("http://127.0.0.1:32380");

    /// <summary>As in the first moments of a cluster: two founders, of whom only the flags say where they listen.</summary>
    private readonly MemberDirectory _members = TestGate.Directory(One, [(One, UrlOfOne), (Two, UrlOfTwo)]);

    [Theory]
    [InlineData(MembershipChangeKind.AddVoter)]
    [InlineData(MembershipChangeKind.AddLearner)]
    public void Nobody_is_added_at_the_address_of_a_member_that_has_not_described_itself(object kind)
    {
        Assert.Equal(ChangeEnd.UrlInUse, Refusal((MembershipChangeKind)kind, New, UrlOfTwo));
        Assert.Equal(ChangeEnd.UrlInUse, Refusal((MembershipChangeKind)kind, New, Elsewhere, UrlOfOne));
        Assert.Null(Refusal((MembershipChangeKind)kind, New, Elsewhere));
    }

    [Fact]
    public void Nobody_moves_to_the_address_of_a_member_that_has_not_described_itself()
    {
        Assert.Equal(ChangeEnd.UrlInUse, Refusal(MembershipChangeKind.Describe, One, UrlOfTwo));
        Assert.Null(Refusal(MembershipChangeKind.Describe, One, UrlOfOne));
        Assert.Null(Refusal(MembershipChangeKind.Describe, One, Elsewhere));
    }

    [Fact]
    public void The_address_that_a_member_has_left_is_free()
    {
        _members.InForce = _members.InForce with { Infos = [MemberUrls.InfoOf(Two, [Elsewhere])] };

        Assert.Null(Refusal(MembershipChangeKind.AddVoter, New, UrlOfTwo));
        Assert.Equal(ChangeEnd.UrlInUse, Refusal(MembershipChangeKind.AddVoter, New, Elsewhere));
    }

    private ChangeEnd? Refusal(MembershipChangeKind kind, NodeId node, params Uri[] urls) =>
        ChangeRules.Refusal(_members.InForce, new MembershipChange(kind, kind == MembershipChangeKind.Describe ? NodeId.None : node, [MemberUrls.InfoOf(node, urls)]), _members.UrlsOf);
}
