using Conclave.Processes.Servers;

namespace Conclave.Processes.Watches;

/// <summary>How long to watch, and how.</summary>
public sealed record WatchesOptions
{
    public const string Usage = """
        watches [--kind conclave|etcd] [--seconds N] [--watchers N] [--seed N] [--json FILE]

        Watchers on every member, slow ones, of ranges, with filters and previous values, while clients write, history is compacted, and members
        are killed (-9), stopped (SIGSTOP) and left so far behind that they need a snapshot; watchers go on through other members. Checks that each
        gets all it asked for, once, in order, revisions whole, or is told of the compaction. Ends with 1 when something is wrong.
        """;

    /// <summary>Default Conclave.</summary>
    public ServerKind Kind { get; init; } = ServerKind.Conclave;

    /// <summary>How long faults go on. Default 60.</summary>
    public int Seconds { get; init; } = 60;

    /// <summary>Of each of the nine kinds. Default 3, one for each member to begin at.</summary>
    public int Watchers { get; init; } = 3;

    /// <summary>Of the clients' choices and the faults. The timing is not replayable.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Where to write the report; the console gets it in any case.</summary>
    public string? JsonPath { get; init; }

    /// <exception cref="ArgumentException">An argument that is not known or has a bad value.</exception>
    /// <exception cref="FormatException">A number that is none.</exception>
    public static WatchesOptions Parse(IEnumerable<string> arguments)
    {
        var options = new WatchesOptions();
        foreach ((string name, string value) in OptionReader.Pairs(arguments))
        {
            options = name switch
            {
                "--kind" => options with { Kind = Enum.Parse<ServerKind>(value, ignoreCase: true) },
                "--seconds" => options with { Seconds = OptionReader.Number(value) },
                "--watchers" => options with { Watchers = OptionReader.Number(value) },
                "--seed" => options with { Seed = OptionReader.Number(value) },
                "--json" => options with { JsonPath = value },
                _ => throw new ArgumentException($"{name} is not an option."),
            };
        }
        return options;
    }
}
