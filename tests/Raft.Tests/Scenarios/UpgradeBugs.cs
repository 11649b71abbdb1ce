using System.Buffers;

namespace Conclave.Raft.Tests;

/// <summary>While members of two releases run together, each has to understand what the other sends. So the bytes of what was ever sent are kept here, and are never changed.</summary>
public class UpgradeBugs
{
    /// <summary>As the first release wrote them.</summary>
    public static TheoryData<string, string> Sent => new()
    {
        { nameof(VoteRequest), "010101000700000000000000FFFFFFFFFFFFFFFF09000000000000000C0000000000000008000000000000004D00000000000000" },
        { nameof(VoteRequest), "010102000700000000000000FFFFFFFFFFFFFFFF090000000000000000000000000000000000000000000000FFFFFFFFFFFFFFFF" },
        { nameof(VoteReply), "010201000700000000000000FFFFFFFFFFFFFFFF09000000000000000300000000000000" },
        { nameof(VoteReply), "010204000700000000000000FFFFFFFFFFFFFFFF09000000000000000400000000000000" },
        { nameof(AppendRequest), "010300000700000000000000FFFFFFFFFFFFFFFF0900000000000000050000000000000002000000000000006300000000000000010000000000000000" },
        { nameof(AppendRequest), "010300000700000000000000FFFFFFFFFFFFFFFF090000000000000005000000000000000200000000000000040000000000000002000000000000000301000000070301020302000C010100000100000000000000" },
        { nameof(AppendReply), "010408000700000000000000FFFFFFFFFFFFFFFF09000000000000000500000000000000060000000000000000000000000000000000000000000000" },
        { nameof(AppendReply), "010400000700000000000000FFFFFFFFFFFFFFFF09000000000000000500000000000000000000000000000003000000000000000200000000000000" },
        { nameof(CommitNotice), "010500000700000000000000FFFFFFFFFFFFFFFF0900000000000000030000000000000002000000000000000700000000000000" },
        { nameof(HeartbeatRequest), "010600000700000000000000FFFFFFFFFFFFFFFF090000000000000007000000000000000800000000000000" },
        { nameof(HeartbeatReply), "010700000700000000000000FFFFFFFFFFFFFFFF09000000000000000800000000000000" },
        { nameof(HeartbeatReply), "010710000700000000000000FFFFFFFFFFFFFFFF09000000000000000900000000000000" },
        { nameof(HeartbeatReply), "010720000700000000000000FFFFFFFFFFFFFFFF09000000000000000900000000000000" },
        { nameof(TimeoutNow), "010B00000700000000000000FFFFFFFFFFFFFFFF09000000000000002C000000000000000900000000000000" },
        { nameof(SnapshotReply), "010800000700000000000000FFFFFFFFFFFFFFFF0900000000000000E803000000000000" },
        { nameof(ReadIndexRequest), "010900000700000000000000FFFFFFFFFFFFFFFF09000000000000001100000000000000" },
        { nameof(ReadIndexReply), "010A00000700000000000000FFFFFFFFFFFFFFFF090000000000000011000000000000001200000000000000" },
    };

    [Theory, MemberData(nameof(Sent))]
    public void Bug_49_What_the_first_release_sent_is_understood_and_sent_alike(string kind, string bytes)
    {
        Assert.True(MessageCodec.TryRead(Convert.FromHexString(bytes), out Message? message), "cannot be read any more");
        Assert.Equal(kind, message.GetType().Name);
        var written = new ArrayBufferWriter<byte>();
        MessageCodec.Write(written, message);
        Assert.Equal(bytes, Convert.ToHexString(written.WrittenSpan)); // or members of that release would not understand this one
    }

    [Fact]
    public void Bug_49_Every_kind_of_message_is_among_what_was_sent()
    {
        string[] all = [.. typeof(Message).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(Message))).Select(type => type.Name).Order(StringComparer.Ordinal)];
        Assert.Equal(all, Sent.Select(row => row.Data.Item1).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Bug_49_A_message_of_a_later_format_is_refused_and_not_guessed_at()
    {
        byte[] later = Convert.FromHexString(Sent.First().Data.Item2);
        later[0]++;
        Assert.False(MessageCodec.TryRead(later, out _));
    }

    [Theory]
    [InlineData("01030000010000000000000002000000000000000300000000000000", "1 2 3", "", "")]
    [InlineData("01020301020000000000000003000000000000000100000000000000020000000000000003000000000000000900000000000000", "2 3", "1 2 3", "9")]
    public void Bug_49_A_membership_in_the_log_of_the_first_release_is_read(string bytes, string voters, string outgoing, string learners)
    {
        Assert.True(Membership.TryDecode(Convert.FromHexString(bytes), out Membership? membership));
        Assert.Equal((voters, outgoing, learners), (string.Join(' ', membership.Voters), string.Join(' ', membership.VotersOutgoing), string.Join(' ', membership.Learners)));
        Assert.Empty(membership.Infos);
        Assert.Equal(bytes, Convert.ToHexString(membership.Encode()));
    }
}
