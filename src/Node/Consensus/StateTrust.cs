using Conclave.Store;

namespace Conclave.Node.Consensus;

/// <summary>Whether a member may give its state to others.</summary>
/// <remarks>A wrong state that is sent on has one vote more: with that it may be the majority, and the member that was right takes it over as well.</remarks>
internal static class StateTrust
{
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
