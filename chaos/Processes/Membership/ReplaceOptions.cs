using System.Globalization;
using Conclave.Processes.Servers;

namespace Conclave.Processes.Membership;

/// <summary>How often to replace all members.</summary>
public sealed record ReplaceOptions
{
    public const string Usage = """
        replace [--kind conclave|etcd] [--rounds N] [--seed N] [--json FILE]

        Replaces every member of a cluster of three by a new one, with a new directory and new ports, one after the other, while clients write, read,
        swap and count through all of them. Checks the same as kill. Ends with 1 when something is wrong.
        """;

    /// <summary>Default Conclave.</summary>
    public ServerKind Kind { get; init; } = ServerKind.Conclave;

    /// <summary>How often all three are replaced. Default 1.</summary>
    public int Rounds { get; init; } = 1;

    /// <summary>Of the clients' choices. The servers' timing is not replayable.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Where to write the report; the console gets it in any case.</summary>
    public string? JsonPath { get; init; }

    /// <exception cref="ArgumentException">An argument that is not known or has a bad value.</exception>
    public static ReplaceOptions Parse(IEnumerable<string> arguments)
    {
        var options = new ReplaceOptions();
        var rest = new Queue<string>(arguments);
        while (rest.TryDequeue(out string? name))
        {
            if (!rest.TryDequeue(out string? value))
                throw new ArgumentException($"{name} needs a value.");
            options = name switch
            {
                "--kind" => options with { Kind = Enum.Parse<ServerKind>(value, ignoreCase: true) },
                "--rounds" => options with { Rounds = int.Parse(value, CultureInfo.InvariantCulture) },
                "--seed" => options with { Seed = int.Parse(value, CultureInfo.InvariantCulture) },
                "--json" => options with { JsonPath = value },
                _ => throw new ArgumentException($"{name} is not an option."),
            };
        }
        return options;
    }
}
