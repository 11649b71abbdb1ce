using Conclave.Processes.Servers;

namespace Conclave.Processes.Locks;

/// <summary>How long to compete for locks, and by how many.</summary>
public sealed record LocksOptions
{
    public const string Usage = """
        locks [--kind conclave|etcd] [--seconds N] [--processes N] [--clients N] [--seed N] [--json FILE]

        Clients in processes of their own compete for locks and an election with leases of 1 to 5 s, through all three
        members, while members and clients are killed (-9) and stopped (SIGSTOP). Checks that nobody holds while another surely does, that tokens rise,
        that a write with a token of before is refused, that grants fit the history of the queue, and that every wait ends. Ends with 1 when something is wrong.
        """;

    /// <summary>Default Conclave.</summary>
    public ServerKind Kind { get; init; } = ServerKind.Conclave;

    /// <summary>How long faults go on. Default 60.</summary>
    public int Seconds { get; init; } = 60;

    /// <summary>Of clients. Default 3.</summary>
    public int Processes { get; init; } = 3;

    /// <summary>In each process. Default 6.</summary>
    public int Clients { get; init; } = 6;

    /// <summary>Of the clients' choices and the faults. The timing is not replayable.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Where to write the report; the console gets it in any case.</summary>
    public string? JsonPath { get; init; }

    /// <exception cref="ArgumentException">An argument that is not known or has a bad value.</exception>
    /// <exception cref="FormatException">A number that is none.</exception>
    public static LocksOptions Parse(IEnumerable<string> arguments)
    {
        var options = new LocksOptions();
        foreach ((string name, string value) in OptionReader.Pairs(arguments))
        {
            options = name switch
            {
                "--kind" => options with { Kind = Enum.Parse<ServerKind>(value, ignoreCase: true) },
                "--seconds" => options with { Seconds = OptionReader.Number(value) },
                "--processes" => options with { Processes = OptionReader.Number(value) },
                "--clients" => options with { Clients = OptionReader.Number(value) },
                "--seed" => options with { Seed = OptionReader.Number(value) },
                "--json" => options with { JsonPath = value },
                _ => throw new ArgumentException($"{name} is not an option."),
            };
        }
        return options;
    }
}
