using Conclave.Node.Consensus;
using Conclave.Store;

namespace Conclave.Node.Tests.Consensus;

public class StateTrustTests
{
    private const ulong A = 1, B = 2, C = 3;

    private readonly KeyValueStore _store = new(new StoreOptions());

    private ClusterMarks Marks
    {
        get
        {
            _store.Publish();
            return _store.View.Marks;
        }
    }

    private void Apply(CommandKind kind, byte[] body) =>
        Assert.Equal(StoreError.None, _store.Apply(_store.AppliedIndex + 1, 1, new Command(kind, 0, 0, body), wantResponse: false).Error);

    private void Mark() => Apply(CommandKind.StateMark, CommandBody.StateMark(Marks.Number + 1, [new(A, true, 1), new(B, true, 1), new(C, true, 1)]));

    private void Report(ulong member, ulong hash) => Apply(CommandKind.StateReport, CommandBody.StateReport(Marks.Index, member, hash));

    private string Trusted() => string.Concat(((ulong[])[A, B, C]).Where(member => StateTrust.MaySpread(Marks, member)).Select(member => "?ABC"[(int)member]));

    /// <summary>C was given the state of A. Would its report, of this hash, be a second vote for A's?</summary>
    private bool MayC(ulong hash) => StateTrust.MayReport(Marks, C, A, hash);

    [Fact]
    public void A_state_that_was_given_does_not_vote_for_the_one_that_it_is_a_copy_of()
    {
        Mark();
        Assert.False(MayC(6));   // nobody has reported
        Report(A, 6);
        Assert.False(MayC(6));
        Report(B, 5);
        Assert.False(MayC(6));
        Mark();
        Assert.Equal((MemberVerdict.Undecided, MemberVerdict.Undecided, MemberVerdict.Healthy), (Marks.VerdictOn(A), Marks.VerdictOn(B), Marks.VerdictOn(C)));
        Assert.Null(Marks.AgreedHash);
    }

    [Fact]
    public void A_state_that_was_given_is_reported_when_somebody_else_has_the_same()
    {
        Mark();
        Report(B, 6);
        Assert.True(MayC(6));   // also while its origin is silent, or gone for good
        Assert.False(MayC(7));
        Report(A, 6);
        Assert.True(MayC(6));
        Assert.True(MayC(7));   // wrong, and to be noticed
    }

    [Fact]
    public void A_state_that_was_given_and_differs_from_its_origin_is_reported()
    {
        Mark();
        Report(A, 6);
        Assert.True(MayC(7));
    }

    [Fact]
    public void A_state_that_an_operator_has_chosen_is_reported_by_whom_it_was_given_to()
    {
        Mark();
        Report(A, 6);
        Report(B, 5);
        Mark();   // both undecided
        Report(A, 6);
        Assert.False(MayC(6));
        Apply(CommandKind.Alarm, CommandBody.Alarm(activate: false, A, AlarmKind.Corrupt));
        Assert.True(MayC(6));
    }

    [Fact]
    public void A_state_of_its_own_and_one_of_a_member_that_is_gone_are_reported_at_once()
    {
        Mark();
        Report(A, 6);
        Assert.True(StateTrust.MayReport(Marks, C, origin: 0, 6));
        Apply(CommandKind.StateMark, CommandBody.StateMark(Marks.Number + 1, [new(B, true, 1), new(C, true, 1)]));
        Assert.True(MayC(6));
        Apply(CommandKind.StateMark, CommandBody.StateMark(Marks.Number + 1, [new(A, false, 1), new(B, true, 1), new(C, true, 1)]));
        Assert.True(MayC(6));   // a learner has no vote that could count twice
    }

    [Fact]
    public void A_state_that_nobody_contradicts_may_be_sent()
    {
        Assert.Equal("ABC", Trusted());
        Mark();
        Assert.Equal("ABC", Trusted());
        Report(A, 5);
        Assert.Equal("ABC", Trusted());
        Report(B, 5);
        Assert.Equal("ABC", Trusted());
    }

    [Fact]
    public void Neither_of_two_states_that_differ_is_sent_before_somebody_has_decided()
    {
        Mark();
        Report(A, 6);
        Report(B, 5);
        Assert.Equal("C", Trusted());
        Mark();   // C was silent
        Assert.Equal("C", Trusted());
    }

    [Fact]
    public void What_the_majority_agrees_on_may_be_sent_although_one_differs()
    {
        Mark();
        Report(A, 6);
        Report(B, 5);
        Report(C, 5);
        Assert.Equal("BC", Trusted());
        Mark();
        Assert.Equal("BC", Trusted());
        Report(A, 9);
        Report(B, 8);
        Assert.Equal("BC", Trusted());   // C is silent, and A known to be wrong
        Report(C, 7);
        Assert.Equal("", Trusted());
    }
}
