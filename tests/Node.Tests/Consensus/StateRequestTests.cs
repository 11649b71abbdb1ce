using Conclave.Node.Consensus;
using Conclave.Raft;

namespace Conclave.Node.Tests.Consensus;

public class StateRequestTests
{
    private const ulong Index = 5;
    private static readonly NodeId Asked = new(2), Stranger = new(3);

    private readonly StateRequest _request = new(Asked, Index);

    [Theory]
    [InlineData(Index, true)]
    [InlineData(Index + 1, true)]
    [InlineData(Index - 1, false)]
    public void The_member_that_was_asked_answers_with_a_state_behind_the_index(ulong index, bool answers) => Assert.Equal(answers, _request.Answers(Asked, At(index)));

    [Fact]
    public void A_state_that_somebody_else_sends_is_no_answer() => Assert.False(_request.Answers(Stranger, At(Index)));

    [Fact]
    public async Task A_refusal_ends_the_wait_at_once()
    {
        _request.OnRefused(Stranger, Index);
        _request.OnRefused(Asked, Index - 1);   // late, of an earlier request
        Assert.False(_request.Answered.IsCompleted);
        _request.OnRefused(Asked, Index);
        Assert.True(_request.Answered.IsCompleted);
        Assert.False(await _request.Answered);
    }

    private static SnapshotId At(ulong index) => new(new EntryId(new LogIndex(index), new Term(1)), Membership.Of(Asked));
}
