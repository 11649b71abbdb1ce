using Conclave.Cli.Members;

namespace Conclave.Cli.Tests.Members;

/// <summary>Every cluster of up to five members, up, down or learning, against rules that count by hand.</summary>
public class MemberChangeCheckTests
{
    private static readonly string[] Clusters = [.. Sights.All(5)];

    [Fact]
    public void A_removal_is_refused_exactly_when_it_cannot_be_committed_or_leaves_no_majority()
    {
        foreach (string word in Clusters)
        {
            for (int i = 0; i < word.Length; i++)
            {
                string after = word.Remove(i, 1);
                bool possible = HasMajority(word) && Voters(after) > 0 && HasMajority(after);
                bool costsTheSpare = possible && MayLoseOne(word) && !MayLoseOne(after);
                Expect(word, new RemoveMember($"m{i + 1}"), !possible ? Severity.Refusal : costsTheSpare ? Severity.Risk : Severity.Note);
            }
        }
    }

    [Fact]
    public void A_promotion_is_allowed_exactly_for_a_learner_that_answers_in_a_cluster_with_a_majority()
    {
        foreach (string word in Clusters)
        {
            for (int i = 0; i < word.Length; i++)
            {
                bool possible = HasMajority(word) && word[i] == 'L';
                Expect(word, new PromoteMember($"m{i + 1}"), possible ? Severity.Note : Severity.Refusal);
                if (possible) Assert.True(HasMajority(With(word, i, 'V')), word);   // what is allowed never stops the cluster
            }
        }
    }

    [Fact]
    public void An_addition_is_allowed_exactly_when_there_is_a_majority()
    {
        foreach (string word in Clusters)
        {
            foreach (bool asLearner in (bool[])[false, true])
                Expect(word, new AddMember("new", Sights.NewUrl, asLearner), HasMajority(word) ? Severity.Note : Severity.Refusal);
        }
    }

    [Fact]
    public void The_leadership_moves_to_voters_that_answer_only()
    {
        foreach (string word in Clusters)
        {
            for (int i = 0; i < word.Length; i++)
            {
                MemberVerdict verdict = Expect(word, new MoveLeader($"m{i + 1}"), HasMajority(word) && word[i] == 'V' ? Severity.Note : Severity.Refusal);
                bool leadsAlready = HasMajority(word) && i == word.IndexOf('V', StringComparison.Ordinal);
                if (verdict.IsAllowed) Assert.Equal(leadsAlready, verdict.Steps.IsEmpty);
            }
        }
    }

    [Fact]
    public void A_new_address_is_risky_only_where_the_member_is_needed_while_it_restarts()
    {
        foreach (string word in Clusters)
        {
            for (int i = 0; i < word.Length; i++)
            {
                bool isNeeded = word[i] == 'V' && Voters(word) > 1 && !HasMajority(With(word, i, 'v'));
                Expect(word, new UpdateMember($"m{i + 1}", Sights.NewUrl), !HasMajority(word) ? Severity.Refusal : isNeeded ? Severity.Risk : Severity.Note);
            }
        }
    }

    [Fact]
    public void No_step_of_a_replacement_that_is_allowed_leaves_the_cluster_without_a_majority()
    {
        foreach (string word in Clusters)
        {
            for (int i = 0; i < word.Length; i++)
            {
                foreach (bool keepsAddress in (bool[])[false, true])
                {
                    MemberVerdict verdict = MemberChangeCheck.Of(Sights.Of(word), new ReplaceMember($"m{i + 1}", "new", keepsAddress ? [Sights.UrlOf(i)] : Sights.NewUrl));
                    string what = $"{word} m{i + 1} {keepsAddress}: {string.Join(" | ", verdict.Findings)}";
                    bool isLost = char.IsLower(word[i]);
                    if (!HasMajority(word)) Assert.True(verdict.Severity == Severity.Refusal, what);
                    // A lost member of a cluster that works can always be replaced: nothing gets worse without it.
                    else if (isLost) Assert.True(verdict.IsAllowed && verdict.Steps[0] == MemberStep.Remove && verdict.Steps.Length == 2, what);
                    else if (!keepsAddress) Assert.True(verdict.IsAllowed && verdict.Steps.Length == 1, what);
                    else Assert.False(verdict.IsAllowed, what);
                    if (verdict.Severity != Severity.Refusal && verdict.Steps[0] == MemberStep.Remove) Assert.True(HasMajority(word.Remove(i, 1)), what);
                }
            }
        }
    }

    private static MemberVerdict Expect(string word, MemberChange change, Severity severity)
    {
        MemberVerdict verdict = MemberChangeCheck.Of(Sights.Of(word), change);
        Assert.True(severity == verdict.Severity, $"{word} {change}: {severity} expected, found {verdict.Severity}: {string.Join(" | ", verdict.Findings)}");
        return verdict;
    }

    private static int Voters(string word) => word.Count(letter => letter is 'V' or 'v');

    private static bool HasMajority(string word) => 2 * word.Count(letter => letter == 'V') > Voters(word);

    private static bool MayLoseOne(string word) => HasMajority(word) && word.Contains('V') && HasMajority(With(word, word.IndexOf('V', StringComparison.Ordinal), 'v'));

    private static string With(string word, int index, char letter) => word.Remove(index, 1).Insert(index, letter.ToString());
}
