using Conclave.Store;

namespace Conclave.Node.Consensus;

/// <summary>Whether a member may give its state to others, and whether it may speak for one that it was given.</summary>
/// <remarks>A wrong state that is sent on has one vote more: with that it may be the majority, and the member that was right takes it over as well.</remarks>
internal static class StateTrust
{
    /// <summary>Whether a member whose state came in a snapshot from <paramref name="origin"/> may report its hash now.</summary>
    /// <remarks>
    /// A leader whose state went wrong since the last mark may send it before anybody can know. Then the same error would be reported twice and win against the member that is right. So a
    /// state that was given does not vote for the one that it is a copy of: its report waits until somebody else has reported the same, or a majority has agreed without it. If it differs
    /// from its origin it is no copy any more, and that has to be known.
    /// </remarks>
    /// <param name="marks">What is applied here.</param>
    /// <param name="self">This member.</param>
    /// <param name="origin">Whose state it was; 0 for nobody's.</param>
    /// <param name="hash">Of this member's state at the newest mark.</param>
    public static bool MayReport(ClusterMarks marks, ulong self, ulong origin, ulong hash)
    {
        if (!marks.Members.TryGetValue(origin, out MemberMark source) || !source.IsVoter || marks.AgreedHash is not null) return true;
        if (source.Report is { } its && its != hash) return true;
        // Where another one is in doubt and the origin is not, a majority or an operator has decided between them: that was its vote.
        if (source.Verdict == MemberVerdict.Healthy && marks.Members.Any(other => other.Key != self && other.Value is { IsVoter: true, Verdict: not MemberVerdict.Healthy })) return true;
        return marks.Members.Any(other => other.Key != self && other.Key != origin && other.Value.IsVoter && other.Value.Report == hash);
    }

    /// <summary>Nothing speaks against the state of this member.</summary>
    public static bool MaySpread(ClusterMarks marks, ulong self)
    {
        if (!marks.Members.TryGetValue(self, out MemberMark mine)) return true;
        if (mine.Verdict != MemberVerdict.Healthy) return false;
        if (mine.Report is not { } report || marks.AgreedHash == report) return true;
        // A difference that nobody has explained yet, unless it is with one who is known to be wrong.
        return !marks.Members.Any(other => other.Key != self && other.Value is { IsVoter: true, Report: { } its, Verdict: not MemberVerdict.Differs } && its != report);
    }
}
