using System.Globalization;
using System.Text;

namespace Conclave.Simulator;

/// <summary>One blow as a line: <c>at 1.203s partition 1 | 2 3 for 400ms noticed</c>.</summary>
internal static class StrikeText
{
    /// <summary>What the number of a strike counts; kinds that are not here have none.</summary>
    private static string? AmountWord(StrikeKind kind) => kind switch
    {
        StrikeKind.CrashWriting or StrikeKind.CrashStarting or StrikeKind.CrashResetting => "steps",
        StrikeKind.FlipLogEnd => "sectors",
        StrikeKind.FlipPair => "pair",
        StrikeKind.FailWrite or StrikeKind.FailSync => "after",
        StrikeKind.FillDisk => "bytes",
        StrikeKind.Loss or StrikeKind.RarePaths => "permille",
        StrikeKind.Delay or StrikeKind.SlowDisk or StrikeKind.CrashTearing => "times",
        StrikeKind.Clock => "tick-us",
        StrikeKind.ClockForward or StrikeKind.ClockBack => "ms",
        StrikeKind.AddLearner or StrikeKind.AddVoter or StrikeKind.Promote or StrikeKind.Remove or StrikeKind.Transfer => "via",
        StrikeKind.Restore or StrikeKind.Wipe => "replace",
        StrikeKind.Jump => "ticks",
        StrikeKind.LoseWrite or StrikeKind.MisdirectWrite or StrikeKind.ReadStale or StrikeKind.LoseRename => "after",
        StrikeKind.Unreadable => "sector",
        _ => null,
    };

    public static string Print(Strike strike)
    {
        var line = new StringBuilder($"at {Words.Duration(strike.AtUs)} {Words.Dashed(strike.Kind.ToString())}");
        if (strike.Kind == StrikeKind.Cut)
            for (int i = 0; i + 1 < strike.Nodes.Length; i += 2) line.Append(CultureInfo.InvariantCulture, $" {strike.Nodes[i]}-{strike.Nodes[i + 1]}");
        else
            foreach (int node in strike.Nodes) line.Append(' ').Append(Node(node));
        if (strike.Kind == StrikeKind.Partition)
        {
            line.Append(" |");
            foreach (int node in strike.Others) line.Append(' ').Append(Node(node));
            if (strike.Others.IsEmpty) line.Append(" others");
        }
        if (strike.Amount != 0 && AmountWord(strike.Kind) is { } word) line.Append(CultureInfo.InvariantCulture, $" {word} {strike.Amount}");
        if (strike.ForUs > 0) line.Append(" for ").Append(Words.Duration(strike.ForUs));
        if (strike.Noticed) line.Append(" noticed");
        return line.ToString();
    }

    /// <param name="words">The line without its first word.</param>
    /// <exception cref="FormatException">Says what is wrong with it.</exception>
    public static Strike Read(ReadOnlySpan<string> words)
    {
        if (words.Length < 2) throw new FormatException("After 'at' come a time and what happens then.");
        var strike = new Strike(Words.ReadDuration(words[0]), Words.Read<StrikeKind>(words[1]));
        var nodes = new List<int>();
        for (int i = 2; i < words.Length; i++)
        {
            string word = words[i];
            if (word == "noticed") strike = strike with { Noticed = true };
            else if (word == "|") (strike, nodes) = (strike with { Nodes = [.. nodes] }, []);
            else if (word == "others") continue;
            else if (word == "for") strike = strike with { ForUs = Words.ReadDuration(Next(words, ref i)) };
            else if (word == AmountWord(strike.Kind)) strike = strike with { Amount = Number(Next(words, ref i)) };
            else nodes.AddRange(word.Split('-').Select(ReadNode));
        }
        if (strike.Kind == StrikeKind.Cut && nodes.Count % 2 != 0) throw new FormatException("Links are written as pairs: cut 1-2 2-3.");
        return strike.Nodes.IsEmpty ? strike with { Nodes = [.. nodes] } : strike with { Others = [.. nodes] };
    }

    private static string Node(int node) => node == Strike.Leader ? "leader" : node.ToString(CultureInfo.InvariantCulture);

    private static int ReadNode(string word)
    {
        if (word == "leader") return Strike.Leader;
        int node = Number(word);
        return node is >= 1 and <= SimWorld.SlotsMax ? node : throw new FormatException($"'{word}' is no node; they are 1 to {SimWorld.SlotsMax}, or leader.");
    }

    private static int Number(string word) =>
        int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : throw new FormatException($"'{word}' is not expected there, a number is.");

    private static string Next(ReadOnlySpan<string> words, ref int at) => ++at < words.Length ? words[at] : throw new FormatException($"Something is missing after '{words[at - 1]}'.");
}
