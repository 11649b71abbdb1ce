using System.Collections.Immutable;

namespace Conclave.Store;

/// <summary>How a member's state compares with the others', as far as the reports say.</summary>
public enum MemberVerdict : byte
{
    /// <summary>It agreed, or has not reported since it was last found to agree.</summary>
    Healthy = 0,

    /// <summary>
    /// A majority of the voters agrees on another state: this member's is wrong, and the others go on without it. Only agreement, or an operator who
    /// disarms the alarm, ends it: a mark that decides nothing is no reason to trust the member again.
    /// </summary>
    Differs = 1,

    /// <summary>
    /// Members differ and no majority agrees: nobody knows whose state is right, and nobody writes. Reads go on, as with any CORRUPT alarm: what the
    /// members hold is what an operator has to decide by.
    /// </summary>
    Undecided = 2,
}

/// <summary>A member as the newest mark lists it.</summary>
/// <param name="IsVoter">Its report counts towards a majority.</param>
/// <param name="Acknowledged">The highest log index that it is known to hold durably. Never falls.</param>
/// <param name="Report">The hash of its state at the newest mark; null until it is in.</param>
/// <param name="Verdict">Stays from mark to mark until a report says otherwise.</param>
public readonly record struct MemberMark(bool IsVoter, ulong Acknowledged, ulong? Report, MemberVerdict Verdict);

/// <summary>The newest state mark: a point of the log at which all members hash their state, and what they reported.</summary>
/// <remarks>
/// Entries of the log bring all of it, so every member finds the same verdicts. Only the newest mark counts: a report
/// for an earlier one is passed over.
/// </remarks>
public sealed record ClusterMarks
{
    public static readonly ClusterMarks None = new();

    /// <summary>Log index of the mark's own entry: what is hashed is the state just behind it. 0 before the first mark.</summary>
    public ulong Index { get; init; }

    /// <summary>Chosen by the leader that proposed it.</summary>
    public ulong Number { get; init; }

    /// <summary>How to hash, see <see cref="StoreView.StateHashScheme"/>. A member that does not know the scheme does not report.</summary>
    public ushort Scheme { get; init; }

    /// <summary>By id: the members of the cluster when the mark was made, and no others.</summary>
    public ImmutableSortedDictionary<ulong, MemberMark> Members { get; init; } = ImmutableSortedDictionary<ulong, MemberMark>.Empty;

    /// <summary>The verdict on a member; healthy for one that no mark lists.</summary>
    public MemberVerdict VerdictOn(ulong member) => Members.TryGetValue(member, out MemberMark mark) ? mark.Verdict : MemberVerdict.Healthy;

    /// <summary>The hash that a majority of the voters reported; null as long as none has one.</summary>
    public ulong? AgreedHash
    {
        get
        {
            ReportCount count = ReportCount.Of(this);
            return count.HasMajority ? count.Hash : null;
        }
    }

    internal ClusterMarks With(ulong member, MemberMark mark) => this with { Members = Members.SetItem(member, mark) };
}

/// <summary>The most frequent hash among the voters' reports, and whether that decides anything.</summary>
internal readonly record struct ReportCount(int Voters, int Missing, ulong Hash, int Votes, bool AllEqual)
{
    public bool HasMajority => Votes > Voters / 2;

    /// <summary>Voters differ, and no report that is still to come can give a majority.</summary>
    public bool IsHopeless => !AllEqual && Votes + Missing <= Voters / 2;

    public static ReportCount Of(ClusterMarks marks)
    {
        var votes = new SortedDictionary<ulong, int>();
        ulong? first = null;
        bool allEqual = true;
        int voters = 0, missing = 0;
        foreach (MemberMark member in marks.Members.Values)
        {
            voters += member.IsVoter ? 1 : 0;
            missing += member.IsVoter && member.Report is null ? 1 : 0;
            // A learner is judged, but it judges nobody.
            if (!member.IsVoter || member.Report is not { } report)
                continue;
            // That a member differs which is known to be wrong raises no new question.
            if (member.Verdict != MemberVerdict.Differs)
            {
                first ??= report;
                allEqual &= report == first;
            }

            votes[report] = votes.GetValueOrDefault(report) + 1;
        }

        (ulong hash, int most) = (0, 0);
        foreach ((ulong candidate, int count) in votes)
        {
            if (count > most)
                (hash, most) = (candidate, count);
        }

        return new ReportCount(voters, missing, hash, most, allEqual);
    }
}
