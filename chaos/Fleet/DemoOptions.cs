using System.Globalization;

namespace Conclave.FleetDemo;

/// <summary>What the demo is asked to do.</summary>
/// <param name="Agents">How many hosts, each with an agent of its own; 4 to 200.</param>
/// <param name="Directory">Where everything is kept; null is a new temporary directory that is deleted at the end.</param>
/// <param name="Patience">The longest that any step may take.</param>
/// <param name="Nova">A directory with <c>nova-options.json</c> and <c>nova.conf</c>, which are imported; null for the demo's own document alone.</param>
internal sealed record DemoOptions(int Agents, string? Directory, TimeSpan Patience, string? Nova = null)
{
    public const string Usage = """
        fleet demo: a cluster of three, a fleet of agents as processes, and what goes wrong with both

          --agents N      hosts, each with an agent of its own (50; 4 to 200)
          --dir D         keep everything below D, also afterwards
          --patience S    the longest that a step may take, in seconds (180)
          --nova D        import nova-options.json and nova.conf of D (shared/data/nova in a directory above, where there is one)
        """;

    /// <exception cref="FormatException">An option is not as <see cref="Usage"/> says.</exception>
    public static DemoOptions Parse(IReadOnlyList<string> args)
    {
        var options = new DemoOptions(50, null, TimeSpan.FromSeconds(180), NovaAbove());
        for (int i = 0; i < args.Count; i += 2)
        {
            if (i + 1 == args.Count) throw new FormatException($"{args[i]} needs a value.");
            string value = args[i + 1];
            options = args[i] switch
            {
                "--agents" => options with { Agents = Number(value, 4, 200) },
                "--dir" => options with { Directory = Path.GetFullPath(value) },
                "--nova" => options with { Nova = IsNova(value) ? Path.GetFullPath(value) : throw new FormatException($"{value} has no nova-options.json and nova.conf.") },
                "--patience" => options with { Patience = TimeSpan.FromSeconds(Number(value, 10, 3600)) },
                _ => throw new FormatException($"There is no option {args[i]}."),
            };
        }

        return options;
    }

    /// <summary>Real options and a real file, which are no part of the repository; null where they are not.</summary>
    public static string? NovaAbove()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            string nova = Path.Combine(at.FullName, "shared", "data", "nova");
            if (IsNova(nova)) return nova;
        }

        return null;
    }

    private static bool IsNova(string directory) => File.Exists(Path.Combine(directory, "nova-options.json")) && File.Exists(Path.Combine(directory, "nova.conf"));

    private static int Number(string text, int least, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most
            ? number : throw new FormatException($"\"{text}\" is no number from {least} to {most}.");
}
