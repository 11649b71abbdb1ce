using Conclave.Store;

namespace Conclave.Node.Consensus;

/// <summary>When a leader makes the next state mark.</summary>
/// <remarks>
/// Only reports on the newest mark count, so a mark that comes before the reports on the last one are in makes them worthless; and what the voters have
/// not explained by then is held against them. A member that is known to differ waits for a mark to show that it has healed, so marks then come sooner,
/// but only once everybody else has reported. If only such members are missing, because they heal or are slow, the wait for them doubles from mark to mark.
/// </remarks>
/// <param name="interval">From mark to mark as a rule; more than zero.</param>
internal sealed class MarkSchedule(TimeSpan interval)
{
    private static readonly TimeSpan SuspectInterval = TimeSpan.FromSeconds(2);

    private readonly TimeSpan _soon = interval < SuspectInterval ? interval : SuspectInterval;
    private TimeSpan _last, _patience = interval < SuspectInterval ? interval : SuspectInterval;
    private ulong _number;
    private bool _isUrgent;

    /// <summary>There is something that all members have to know soon: the next mark comes now, or as soon as the reports on the last one are not torn apart by it.</summary>
    public void Hurry() => _isUrgent = true;

    /// <summary>Somebody else leads: the next mark of this member comes an interval after that has ended.</summary>
    public void OnFollowing(TimeSpan now) => (_last, _patience, _number, _isUrgent) = (now, _soon, 0, false);

    /// <summary>Leader: whether to propose the next mark now. If so it counts as proposed.</summary>
    /// <param name="now">Time since the start of the node.</param>
    /// <param name="marks">What is applied here.</param>
    /// <param name="isAnythingNew">Besides the newest mark and its reports.</param>
    public bool TryTake(TimeSpan now, ClusterMarks marks, bool isAnythingNew)
    {
        if (!IsDue(now - _last, marks, isAnythingNew)) return false;
        (_last, _number, _isUrgent) = (now, marks.Number + 1, false);
        return true;
    }

    private bool IsDue(TimeSpan passed, ClusterMarks marks, bool isAnythingNew)
    {
        bool anySuspect = false, suspectMissing = false, otherMissing = false;
        foreach (MemberMark member in marks.Members.Values)
        {
            bool suspect = member.Verdict != MemberVerdict.Healthy, missing = member.Report is null;
            anySuspect |= suspect;
            suspectMissing |= suspect && missing;
            otherMissing |= !suspect && missing && member.IsVoter;
        }

        if (_isUrgent && !IsOpen(marks) && marks.Number >= _number) return true;
        if (!suspectMissing) _patience = _soon;
        // Two that differ are judged when the next mark comes, also where nothing else happens.
        if (passed >= interval) return anySuspect || isAnythingNew || IsOpen(marks);
        // The last one may still be on its way through the log.
        if (!anySuspect || otherMissing || marks.Number < _number || passed < _patience) return false;
        if (suspectMissing) _patience = 2 * _patience;
        return true;
    }

    private static bool IsOpen(ClusterMarks marks) =>
        marks.AgreedHash is null && marks.Members.Values.Where(member => member is { IsVoter: true, Report: not null }).DistinctBy(member => member.Report).Skip(1).Any();
}
