namespace Conclave.Raft.Tests;

public class MembershipTests
{
    private static readonly Membership Joint = new()
    {
        Voters = [new(3), new(1), new(2)],
        VotersOutgoing = [new(2), new(9)],
        Learners = [new(ulong.MaxValue)],
    };

    [Fact]
    public void It_is_read_back_as_written()
    {
        Assert.True(Membership.TryDecode(Joint.Encode(), out Membership? read));
        Assert.Equal(Joint, read);
        Assert.Equal(Joint.GetHashCode(), read.GetHashCode());
    }

    [Fact]
    public void Bytes_cut_anywhere_or_with_one_changed_never_throw()
    {
        byte[] whole = Joint.Encode();
        for (int length = 0; length < whole.Length; length++) Assert.False(Membership.TryDecode(whole.AsSpan(0, length), out _));
        for (int at = 0; at < whole.Length; at++)
        {
            byte[] changed = [.. whole];
            changed[at] ^= 0xFF;
            Membership.TryDecode(changed, out _);
        }
    }

    [Fact]
    public void The_order_in_which_members_are_named_does_not_matter() =>
        Assert.Equal(Membership.Of(new(1), new(2)), Membership.Of(new(2), new(1)));

    [Fact]
    public void Nobody_and_doubles_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Membership.Of(NodeId.None));
        Assert.Throws<ArgumentException>(() => Membership.Of(new NodeId(1), new NodeId(1)));
    }

    [Fact]
    public void Members_are_everybody_once() =>
        Assert.Equal([new(1), new(2), new(3), new(9), new(ulong.MaxValue)], Joint.Members().ToArray());
}
