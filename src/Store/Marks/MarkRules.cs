using System.Collections.Immutable;
using Conclave.Store.Writing;

namespace Conclave.Store.Marks;

/// <summary>What marks and reports do to the state: they move verdicts, and each change of a verdict raises or disarms CORRUPT for its member.</summary>
internal static class MarkRules
{
    public static StoreError Mark(StoreState state, ReadOnlySpan<byte> body)
    {
        var listed = new List<MarkedMember>();
        if (!MarkBody.TryParseMark(body, out ulong number, out ushort scheme, listed))
            return StoreError.Malformed;

        // Differences that no majority explained until the next mark are not explained by waiting longer.
        ReportCount before = ReportCount.Of(state.Marks);
        if (!before.AllEqual && !before.HasMajority)
            JudgeAllUndecided(state);

        ImmutableSortedDictionary<ulong, MemberMark> known = state.Marks.Members;
        var members = ImmutableSortedDictionary.CreateBuilder<ulong, MemberMark>();
        foreach (MarkedMember member in listed)
        {
            MemberMark last = known.GetValueOrDefault(member.Id);
            members.Add(member.Id, new MemberMark(member.IsVoter, Math.Max(last.Acknowledged, member.Acknowledged), Report: null, last.Verdict));
        }

        // A mark lists all members, so whoever is not in it was removed.
        foreach ((ulong id, MemberMark gone) in known)
        {
            if (!members.ContainsKey(id) && gone.Verdict != MemberVerdict.Healthy)
                SetAlarm(state, id, raised: false);
        }

        state.Marks = new ClusterMarks { Index = state.AppliedIndex, Number = number, Scheme = scheme, Members = members.ToImmutable() };
        return StoreError.None;
    }

    /// <summary>Takes a report; one for another mark or of a member that the mark does not list changes nothing.</summary>
    public static StoreError Report(StoreState state, ReadOnlySpan<byte> body)
    {
        if (!MarkBody.TryParseReport(body, out ulong markIndex, out ulong id, out ulong hash))
            return StoreError.Malformed;
        if (markIndex == 0 || markIndex != state.Marks.Index || !state.Marks.Members.TryGetValue(id, out MemberMark member))
            return StoreError.None;
        state.Marks = state.Marks.With(id, member with { Report = hash });
        ReportCount count = ReportCount.Of(state.Marks);
        if (count.HasMajority)
            JudgeByMajority(state, count.Hash);
        else if (count.IsHopeless)
            JudgeAllUndecided(state);
        return StoreError.None;
    }

    /// <summary>An operator disarmed the alarm by hand and answers for the member: nothing is held against it until it reports again.</summary>
    public static void Disarmed(StoreState state, ulong id)
    {
        if (state.Marks.Members.TryGetValue(id, out MemberMark member) && member.Verdict != MemberVerdict.Healthy)
            state.Marks = state.Marks.With(id, member with { Verdict = MemberVerdict.Healthy, Report = null });
    }

    /// <summary>
    /// Whether writes are refused. A CORRUPT alarm stops the cluster, as etcd's does, unless the majority knows that it is
    /// right and the member of the alarm wrong: that one stands aside and the others go on.
    /// </summary>
    public static bool RefusesWrites(StoreState state)
    {
        foreach (ActiveAlarm alarm in state.Alarms)
        {
            if (alarm.Alarm == AlarmKind.Corrupt && state.Marks.VerdictOn(alarm.MemberId) != MemberVerdict.Differs)
                return true;
        }

        return false;
    }

    private static void JudgeByMajority(StoreState state, ulong agreed)
    {
        foreach ((ulong id, MemberMark member) in state.Marks.Members)
        {
            if (member.Report is { } report)
                Judge(state, id, member, report == agreed ? MemberVerdict.Healthy : MemberVerdict.Differs);
        }
    }

    private static void JudgeAllUndecided(StoreState state)
    {
        foreach ((ulong id, MemberMark member) in state.Marks.Members)
        {
            // What a majority has said of a member is not taken back because there is none now.
            if (member.Report is not null && member.Verdict != MemberVerdict.Differs)
                Judge(state, id, member, MemberVerdict.Undecided);
        }
    }

    private static void Judge(StoreState state, ulong id, MemberMark member, MemberVerdict verdict)
    {
        if (member.Verdict == verdict)
            return;
        state.Marks = state.Marks.With(id, member with { Verdict = verdict });
        SetAlarm(state, id, raised: verdict != MemberVerdict.Healthy);
    }

    private static void SetAlarm(StoreState state, ulong id, bool raised) =>
        state.Alarms = AlarmSet.With(state.Alarms, new ActiveAlarm(AlarmKind.Corrupt, id), raised);
}
