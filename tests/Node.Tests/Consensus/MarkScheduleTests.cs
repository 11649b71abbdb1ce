using Conclave.Node.Consensus;
using Conclave.Store;

namespace Conclave.Node.Tests.Consensus;

public class MarkScheduleTests
{
    private const ulong A = 1, B = 2, C = 3;
    private const ulong Right = 5, Wrong = 6;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(60), Step = TimeSpan.FromSeconds(0.5);

    private readonly KeyValueStore _store = new(new StoreOptions());
    private readonly MarkSchedule _schedule = new(Interval);
    private readonly PriorityQueue<Action, TimeSpan> _underWay = new();
    private TimeSpan _now;

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

    private void MemberDiffers()
    {
        Mark();
        Report(A, Right);
        Report(B, Right);
        Report(C, Wrong);
        Assert.Equal(MemberVerdict.Differs, Marks.VerdictOn(C));
        Assert.False(_schedule.TryTake(_now, Marks, isAnythingNew: false));
    }

    /// <summary>Lets time pass in a cluster in which a mark, and a report, each take so long from proposal to application.</summary>
    /// <returns>How many marks were made.</returns>
    private int Run(TimeSpan duration, TimeSpan commit, Func<ulong, TimeSpan?> hashing, Func<ulong, ulong> hash)
    {
        int marks = 0;
        for (TimeSpan end = _now + duration; _now < end; _now += Step)
        {
            while (_underWay.TryPeek(out _, out TimeSpan at) && at <= _now) _underWay.Dequeue()();
            if (!_schedule.TryTake(_now, Marks, isAnythingNew: false)) continue;
            marks++;
            _underWay.Enqueue(() =>
            {
                Mark();
                ulong index = Marks.Index;
                foreach (ulong member in (ulong[])[A, B, C])
                {
                    if (hashing(member) is { } time) _underWay.Enqueue(() => Apply(CommandKind.StateReport, CommandBody.StateReport(index, member, hash(member))), _now + time + commit);
                }
            }, _now + commit);
        }

        return marks;
    }

    [Theory]
    [InlineData(0.1, 0.1)]
    [InlineData(1.5, 3)]
    [InlineData(3, 1)]
    [InlineData(10, 10)]
    public void A_member_that_has_healed_is_found_out_however_long_hashing_and_committing_take(double hashing, double commit)
    {
        MemberDiffers();
        Run(TimeSpan.FromSeconds(90), TimeSpan.FromSeconds(commit), _ => TimeSpan.FromSeconds(hashing), _ => Right);
        Assert.Equal(MemberVerdict.Healthy, Marks.VerdictOn(C));
    }

    [Fact]
    public void A_member_that_differs_and_is_slow_gets_its_report_in()
    {
        MemberDiffers();
        Run(TimeSpan.FromMinutes(5), TimeSpan.FromSeconds(1), member => TimeSpan.FromSeconds(member == C ? 20 : 1), _ => Right);
        Assert.Equal(MemberVerdict.Healthy, Marks.VerdictOn(C));
    }

    [Fact]
    public void A_member_that_passed_a_mark_over_while_it_healed_does_not_wait_a_whole_interval_for_the_next()
    {
        MemberDiffers();
        TimeSpan healed = _now + TimeSpan.FromSeconds(10);
        Run(TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(0.1), member => member == C && _now < healed ? null : TimeSpan.Zero, _ => Right);
        Assert.Equal(MemberVerdict.Healthy, Marks.VerdictOn(C));
    }

    [Fact]
    public void A_silent_voter_that_nothing_is_known_against_gets_the_whole_interval()
    {
        MemberDiffers();
        Assert.Equal(1, Run(TimeSpan.FromSeconds(59), TimeSpan.FromSeconds(0.1), member => member == B ? null : TimeSpan.Zero, member => member == C ? Wrong : Right));
    }

    [Fact]
    public void Members_that_agree_are_asked_once_in_an_interval_and_only_when_there_is_news()
    {
        Mark();
        foreach (ulong member in (ulong[])[A, B, C]) Report(member, Right);
        Assert.False(_schedule.TryTake(Interval - Step, Marks, isAnythingNew: true));
        Assert.False(_schedule.TryTake(Interval, Marks, isAnythingNew: false));
        Assert.True(_schedule.TryTake(Interval, Marks, isAnythingNew: true));
        Assert.False(_schedule.TryTake(2 * Interval - Step, Marks, isAnythingNew: true));
    }

    [Fact]
    public void A_difference_that_nobody_has_explained_is_asked_about_again_although_nothing_is_new()
    {
        Mark();
        Report(A, Right);
        Report(B, Wrong);
        Assert.False(_schedule.TryTake(Interval - Step, Marks, isAnythingNew: false));
        Assert.True(_schedule.TryTake(Interval, Marks, isAnythingNew: false));
    }

    [Fact]
    public void What_all_have_to_know_is_marked_at_once_and_once()
    {
        Mark();
        foreach (ulong member in (ulong[])[A, B, C]) Report(member, Right);
        _schedule.Hurry();
        Assert.True(_schedule.TryTake(Step, Marks, isAnythingNew: false));
        Mark();
        Assert.False(_schedule.TryTake(2 * Step, Marks, isAnythingNew: true));
    }

    [Fact]
    public void What_all_have_to_know_waits_while_reports_are_coming_in_that_differ()
    {
        Mark();
        Report(A, Right);
        Report(B, Wrong);
        _schedule.Hurry();
        Assert.False(_schedule.TryTake(Step, Marks, isAnythingNew: true));
        Report(C, Right);
        Assert.True(_schedule.TryTake(2 * Step, Marks, isAnythingNew: true));
    }

    [Fact]
    public void A_new_leader_waits_before_its_first_mark()
    {
        MemberDiffers();
        _schedule.OnFollowing(Interval);
        Assert.False(_schedule.TryTake(Interval + Step, Marks, isAnythingNew: true));
        Assert.True(_schedule.TryTake(Interval + 4 * Step, Marks, isAnythingNew: false));
    }
}
