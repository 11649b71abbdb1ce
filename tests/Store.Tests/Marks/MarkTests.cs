namespace Conclave.Store.Tests;

public class MarkTests
{
    private const ulong A = 1, B = 2, C = 3, D = 4, E = 5;

    private readonly KeyValueStore _store = new(new StoreOptions());

    private ClusterMarks Marks
    {
        get
        {
            _store.Publish();
            return _store.View.Marks;
        }
    }

    private string Alarms
    {
        get
        {
            _store.Publish();
            return string.Join(" ", _store.View.Alarms.Select(a => $"{a.Alarm}:{a.MemberId}"));
        }
    }

    private ApplyOutcome Apply(CommandKind kind, byte[] body) =>
        _store.Apply(_store.AppliedIndex + 1, 1, new Command(kind, 0, 0, body), wantResponse: false);

    private void Mark(params ulong[] voters) => MarkOf(1, [.. voters.Select(id => new MarkedMember(id, true, 10 * id))]);

    private void MarkOf(ulong number, params MarkedMember[] members) => Assert.Equal(StoreError.None, Apply(CommandKind.StateMark, CommandBody.StateMark(number, members)).Error);

    private void Report(ulong member, ulong hash) => Assert.Equal(StoreError.None, Apply(CommandKind.StateReport, CommandBody.StateReport(Marks.Index, member, hash)).Error);

    private StoreError Write() => StorePair.ApplyTo(_store, new PutOf("k", "v")).Error;

    [Fact]
    public void A_mark_fixes_the_point_behind_its_own_entry()
    {
        Write();
        MarkOf(77, new MarkedMember(B, false, 5), new MarkedMember(A, true, 6));
        Write();
        Assert.Equal((2UL, 77UL, StoreView.StateHashScheme), (Marks.Index, Marks.Number, Marks.Scheme));
        Assert.Equal([A, B], Marks.Members.Keys);
        Assert.Equal(new MemberMark(IsVoter: false, Acknowledged: 5, Report: null, MemberVerdict.Healthy), Marks.Members[B]);
    }

    [Fact]
    public void An_acknowledged_position_never_falls_and_goes_with_its_member()
    {
        MarkOf(1, new(A, true, 10), new(B, true, 20));
        MarkOf(2, new(A, true, 11), new(B, true, 15));
        Assert.Equal((11UL, 20UL), (Marks.Members[A].Acknowledged, Marks.Members[B].Acknowledged));
        MarkOf(3, new MarkedMember(A, true, 12));
        Assert.False(Marks.Members.ContainsKey(B));
        MarkOf(4, new(A, true, 12), new(B, true, 1));   // its id, and nothing else of it
        Assert.Equal(1UL, Marks.Members[B].Acknowledged);
    }

    [Fact]
    public void Members_that_agree_raise_no_alarm()
    {
        Mark(A, B, C);
        Report(A, 5);
        Assert.Null(Marks.AgreedHash);
        Report(B, 5);
        Assert.Equal(5UL, Marks.AgreedHash);
        Report(C, 5);
        Assert.Equal("", Alarms);
    }

    [Fact]
    public void The_member_that_differs_from_the_majority_is_named_and_the_others_go_on_writing()
    {
        Mark(A, B, C);
        Report(C, 6);
        Report(A, 5);
        Assert.Equal("", Alarms);   // it could still be A
        Report(B, 5);
        Assert.Equal("Corrupt:3", Alarms);
        Assert.Equal(MemberVerdict.Differs, Marks.VerdictOn(C));
        Assert.Equal(StoreError.None, Write());
    }

    [Fact]
    public void A_report_that_comes_after_the_majority_is_judged_by_it()
    {
        Mark(A, B, C);
        Report(A, 5);
        Report(B, 5);
        Report(C, 6);
        Assert.Equal("Corrupt:3", Alarms);
    }

    [Fact]
    public void A_member_that_agrees_again_is_cleared_and_one_that_is_silent_is_not()
    {
        Mark(A, B, C);
        Report(A, 5);
        Report(B, 5);
        Report(C, 6);
        Mark(A, B, C);
        Report(A, 8);
        Report(B, 8);
        Assert.Equal("Corrupt:3", Alarms);
        Report(C, 8);
        Assert.Equal("", Alarms);
        Assert.Equal(MemberVerdict.Healthy, Marks.VerdictOn(C));
    }

    [Fact]
    public void A_learner_is_judged_and_judges_nobody()
    {
        MarkOf(1, new(A, true, 1), new(B, true, 1), new(C, true, 1), new(D, false, 1), new(E, false, 1));
        Report(D, 6);
        Report(E, 6);
        Report(A, 5);
        Assert.Equal("", Alarms);
        Report(B, 5);
        Assert.Equal("Corrupt:4 Corrupt:5", Alarms);
        Assert.Equal(StoreError.None, Write());
    }

    [Fact]
    public void Two_members_that_differ_are_both_named_and_nobody_writes()
    {
        Mark(A, B);
        Report(A, 5);
        Report(B, 6);
        Assert.Equal("Corrupt:1 Corrupt:2", Alarms);
        Assert.Equal(MemberVerdict.Undecided, Marks.VerdictOn(A));
        Assert.Equal(StoreError.Corrupt, Write());
    }

    [Fact]
    public void Three_members_with_three_states_are_all_named()
    {
        Mark(A, B, C);
        Report(A, 5);
        Report(B, 6);
        Assert.Equal("", Alarms);   // C can still make a majority of either
        Report(C, 7);
        Assert.Equal("Corrupt:1 Corrupt:2 Corrupt:3", Alarms);
    }

    [Fact]
    public void A_difference_that_no_majority_explains_by_the_next_mark_stops_the_writes()
    {
        Mark(A, B, C);   // C is down
        Report(A, 5);
        Report(B, 6);
        Assert.Equal(StoreError.None, Write());
        Mark(A, B, C);
        Assert.Equal("Corrupt:1 Corrupt:2", Alarms);
        Assert.Equal(StoreError.Corrupt, Write());

        Report(A, 8);
        Report(B, 9);
        Report(C, 9);
        Assert.Equal("Corrupt:1", Alarms);
        Assert.Equal(StoreError.None, Write());
    }

    [Fact]
    public void A_member_that_differs_stays_aside_when_a_voter_is_silent_for_a_mark()
    {
        Mark(A, B, C);
        Report(A, 6);
        Report(B, 5);
        Report(C, 5);
        Mark(A, B, C);   // C is down
        Report(A, 9);
        Report(B, 8);
        Mark(A, B, C);
        Assert.Equal("Corrupt:1", Alarms);
        Assert.Equal((MemberVerdict.Differs, MemberVerdict.Healthy), (Marks.VerdictOn(A), Marks.VerdictOn(B)));
        Assert.Equal(StoreError.None, Write());

        Report(B, 7);
        Report(C, 7);
        Report(A, 7);
        Assert.Equal("", Alarms);
    }

    [Fact]
    public void A_member_that_differs_stays_aside_when_the_others_fall_out_with_each_other()
    {
        Mark(A, B, C);
        Report(A, 6);
        Report(B, 5);
        Report(C, 5);
        Mark(A, B, C);
        Report(A, 9);
        Report(B, 8);
        Report(C, 7);
        Assert.Equal("Corrupt:1 Corrupt:2 Corrupt:3", Alarms);
        Assert.Equal((MemberVerdict.Differs, MemberVerdict.Undecided), (Marks.VerdictOn(A), Marks.VerdictOn(B)));
        Assert.Equal(StoreError.Corrupt, Write());
    }

    [Fact]
    public void An_operator_who_disarms_the_alarm_ends_the_quarantine()
    {
        Mark(A, B, C);
        Report(A, 6);
        Report(B, 5);
        Report(C, 5);
        StorePair.ApplyTo(_store, new AlarmOf(2, A, 2));
        Assert.Equal((MemberVerdict.Healthy, null), (Marks.VerdictOn(A), Marks.Members[A].Report));   // what it reported is overruled
        Assert.Equal(5UL, Marks.AgreedHash);
    }

    [Fact]
    public void A_single_voter_agrees_with_itself()
    {
        Mark(A);
        Report(A, 5);
        Assert.Equal(5UL, Marks.AgreedHash);
        Assert.Equal("", Alarms);
    }

    [Fact]
    public void A_report_for_an_earlier_mark_or_of_a_stranger_is_passed_over()
    {
        Mark(A, B, C);
        ulong first = Marks.Index;
        Mark(A, B, C);
        Assert.Equal(StoreError.None, Apply(CommandKind.StateReport, CommandBody.StateReport(first, A, 5)).Error);
        Report(D, 5);
        Assert.All(Marks.Members.Values, member => Assert.Null(member.Report));
    }

    [Fact]
    public void The_alarm_of_a_removed_member_goes_with_it()
    {
        Mark(A, B, C);
        Report(A, 5);
        Report(B, 5);
        Report(C, 6);
        Mark(A, B);
        Assert.Equal("", Alarms);
    }

    [Fact]
    public void An_alarm_that_was_raised_by_hand_stops_the_writes_and_only_a_hand_disarms_it()
    {
        StorePair.ApplyTo(_store, new AlarmOf(1, C, 2));
        Mark(A, B, C);
        Report(A, 5);
        Report(B, 5);
        Report(C, 5);
        Assert.Equal("Corrupt:3", Alarms);
        Assert.Equal(StoreError.Corrupt, Write());
        StorePair.ApplyTo(_store, new AlarmOf(2, C, 2));
        Assert.Equal(StoreError.None, Write());
    }

    [Fact]
    public void An_operator_can_disarm_a_verdict()
    {
        Mark(A, B);
        Report(A, 5);
        Report(B, 6);
        StorePair.ApplyTo(_store, new AlarmOf(2, A, 2));
        StorePair.ApplyTo(_store, new AlarmOf(2, B, 2));
        Assert.Equal(MemberVerdict.Healthy, Marks.VerdictOn(A));
        Assert.Equal(StoreError.None, Write());
    }

    [Fact]
    public void Marks_and_verdicts_are_saved()
    {
        MarkOf(9, new(A, true, 10), new(B, true, 20), new(C, true, 30), new(D, false, 40));
        Report(A, 5);
        Report(B, 5);
        Report(C, 0);
        ClusterMarks before = Marks;
        byte[] saved = SavedStateTests.Save(_store.View);
        KeyValueStore loaded = SavedStateTests.Load(saved);
        Assert.Equal(saved, SavedStateTests.Save(loaded.View));
        ClusterMarks after = loaded.View.Marks;
        Assert.Equal((before.Index, before.Number, before.Scheme), (after.Index, after.Number, after.Scheme));
        Assert.Equal(before.Members, after.Members);
        Assert.Equal(MemberVerdict.Differs, after.VerdictOn(C));
    }

    [Fact]
    public void What_is_no_mark_or_report_is_refused_and_changes_nothing()
    {
        Mark(A, B, C);
        byte[] mark = CommandBody.StateMark(2, [new(A, true, 1), new(B, true, 1)]), report = CommandBody.StateReport(Marks.Index, A, 5);
        byte[] unordered = [.. mark], twice = [.. mark], noVoter = CommandBody.StateMark(2, [new(A, false, 1)]), odd = [.. mark];
        unordered[10] = 9;
        twice[27] = (byte)A;
        odd[18] = 2;
        foreach (byte[] body in (byte[][])[mark[..^1], [.. mark, 0], [], CommandBody.StateMark(2, []), unordered, twice, noVoter, odd])
            Assert.Equal(StoreError.Malformed, Apply(CommandKind.StateMark, body).Error);
        foreach (byte[] body in (byte[][])[report[..^1], [.. report, 0], []])
            Assert.Equal(StoreError.Malformed, Apply(CommandKind.StateReport, body).Error);
        Assert.Equal([A, B, C], Marks.Members.Keys);
        Assert.Equal(1UL, Marks.Number);
    }
}
