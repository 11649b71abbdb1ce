using System.Globalization;
using System.Text;

namespace Conclave.Simulator;

/// <summary>
/// A scenario as text: a word and its value on each line, what happens at which time, and comments behind #. Everything that is not said is as in
/// <see cref="Plan.Plain"/>, never as a seed would draw it: a scenario stays what it is when the drawing of plans changes.
/// </summary>
internal static class ScenarioText
{
    public static string Print(Scenario scenario)
    {
        var text = new StringBuilder();
        Line($"seed {scenario.Seed}");
        foreach (string line in PlanText.Print(scenario.Plan, drawsFaults: scenario.Strikes is null)) Line($"{line}");
        if (scenario.RunUs == long.MaxValue) Line($"steps {scenario.Steps}");
        else Line($"run {Words.Duration(scenario.RunUs)}");
        if (scenario.Mutation != Mutation.None) Line($"mutation {scenario.Mutation}");
        if (!scenario.CheckReleases) Line($"without-i8");
        if (scenario.Expect is { } expected) Line($"expect {expected}");
        foreach (Strike strike in scenario.Strikes ?? []) Line($"{StrikeText.Print(strike)}");
        return text.ToString();

        void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }

    /// <exception cref="FormatException">Names the line and what is wrong with it.</exception>
    public static Scenario Read(string text)
    {
        var scenario = new Scenario { Seed = 1, Plan = Plan.Plain, Steps = int.MaxValue };
        var strikes = new List<Strike>();
        bool ends = false;
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            string[] words = lines[i].Split('#')[0].Split((char[])[' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0) continue;
            try
            {
                if (words[0] == "at") strikes.Add(StrikeText.Read(words.AsSpan(1)));
                else scenario = Set(scenario, words[0], string.Join(' ', words.Skip(1)));
                ends |= words[0] is "run" or "steps";
            }
            catch (Exception wrong) when (wrong is FormatException or OverflowException)
            {
                throw new FormatException($"Line {i + 1}, '{lines[i].Trim()}': {wrong.Message}");
            }
        }
        if (!ends) throw new FormatException("It does not say how long it runs. Add a line such as: run 8.2s");
        if (scenario.Plan.Problem() is { } problem) throw new FormatException(problem);
        bool drawn = strikes.Count == 0 && scenario.Plan.Faults.Length > 0;
        return scenario with { Strikes = drawn ? null : [.. strikes.OrderBy(s => s.AtUs)] };
    }

    private static Scenario Set(Scenario scenario, string word, string value) => word switch
    {
        "seed" => scenario with { Seed = ulong.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture) },
        "steps" => scenario with { Steps = int.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture) },
        "run" => scenario with { RunUs = Words.ReadDuration(value) },
        "mutation" => scenario with { Mutation = Enum.TryParse(value, out Mutation mutation) ? mutation : throw new FormatException($"There is no mutation {value}.") },
        "without-i8" => scenario with { CheckReleases = false },
        "expect" => scenario with { Expect = value },
        _ => scenario with
        {
            Plan = PlanText.TryRead(scenario.Plan, word, value) ?? throw new FormatException($"Nothing is called '{word}'. Known: seed, run, steps, mutation, without-i8, expect, at, {string.Join(", ", PlanText.Names)}."),
        },
    };
}
