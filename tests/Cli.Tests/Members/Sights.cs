using System.Collections.Immutable;
using Conclave.Cli.Members;

namespace Conclave.Cli.Tests.Members;

/// <summary>Clusters written as words: V a voter that answers, v one that does not, L and l the same for learners. Members are m1, m2, ... with ids a1, a2, ...</summary>
/// <remarks>The first voter that answers leads, if those that answer are a majority.</remarks>
internal static class Sights
{
    private const ulong FirstId = 0xa1;

    public static ClusterSight Of(string word)
    {
        int voters = word.Count(letter => letter is 'V' or 'v'), up = word.Count(letter => letter == 'V');
        ulong leader = 2 * up > voters ? FirstId + (ulong)word.IndexOf('V', StringComparison.Ordinal) : 0;
        return new ClusterSight([.. word.Select((letter, i) => Member(i, letter, leader))]);
    }

    /// <summary>All clusters of up to so many members, with at least one voter.</summary>
    public static IEnumerable<string> All(int membersMax)
    {
        IEnumerable<string> words = [""];
        for (int length = 1; length <= membersMax; length++)
        {
            words = [.. words.SelectMany(word => "VvLl".Select(letter => word + letter))];
            foreach (string word in words.Where(word => word.Any(letter => letter is 'V' or 'v'))) yield return word;
        }
    }

    public static string UrlOf(int index) => $"http://10.0.0.{index + 1}:2380";

    public static ImmutableArray<string> NewUrl { get; } = ["http://10.0.0.99:2380"];

    private static MemberSight Member(int index, char letter, ulong leader)
    {
        bool answers = char.IsUpper(letter);
        return new MemberSight
        {
            Id = FirstId + (ulong)index,
            Name = $"m{index + 1}",
            PeerUrls = [UrlOf(index)],
            IsLearner = letter is 'L' or 'l',
            Answers = answers,
            LeaderId = answers ? leader : 0,
            Term = 3,
            LogIndex = answers ? 1000u : 0,
        };
    }
}
