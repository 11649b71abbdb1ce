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
