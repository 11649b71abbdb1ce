using System.Globalization;
using Conclave.Processes.Servers;

namespace Conclave.Processes.Kill;

/// <summary>How often to kill what.</summary>
public sealed record KillOptions
{
    public const string Usage = """
        kill [--kind conclave|etcd] [--leader-kills N] [--all-kills N] [--leader-pauses N] [--seed N] [--json FILE]

        Kills the leader with -9 again and again, then all three members at once, then stops leaders for a while
        (SIGSTOP) and lets them go on, while clients write, read, swap and count through all of them. Checks that nothing acknowledged is lost, that revisions never go back and
        that the history is linearizable. Ends with 1 when something is wrong.
        """;

    /// <summary>Default Conclave.</summary>
    public ServerKind Kind { get; init; } = ServerKind.Conclave;

    /// <summary>kill -9 of the leader, which starts again once writes succeed. Default 20.</summary>
    public int LeaderKills { get; init; } = 20;

    /// <summary>kill -9 of all members at one moment, and start of all. Default 5.</summary>
    public int AllKills { get; init; } = 5;

    /// <summary>SIGSTOP of the leader until writes succeed through another, then SIGCONT: it wakes up believing that it leads. Default 5.</summary>
    public int LeaderPauses { get; init; } = 5;

    /// <summary>Of the clients' choices. The servers' timing is not replayable.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Where to write the report; the console gets it in any case.</summary>
    public string? JsonPath { get; init; }

    /// <exception cref="ArgumentException">An argument that is not known or has a bad value.</exception>
    public static KillOptions Parse(IEnumerable<string> arguments)
    {
        var options = new KillOptions();
        var rest = new Queue<string>(arguments);
        while (rest.TryDequeue(out string? name))
        {
            if (!rest.TryDequeue(out string? value))
                throw new ArgumentException($"{name} needs a value.");
            options = name switch
            {
                "--kind" => options with { Kind = Enum.Parse<ServerKind>(value, ignoreCase: true) },
                "--leader-kills" => options with { LeaderKills = int.Parse(value, CultureInfo.InvariantCulture) },
                "--all-kills" => options with { AllKills = int.Parse(value, CultureInfo.InvariantCulture) },
                "--leader-pauses" => options with { LeaderPauses = int.Parse(value, CultureInfo.InvariantCulture) },
                "--seed" => options with { Seed = int.Parse(value, CultureInfo.InvariantCulture) },
                "--json" => options with { JsonPath = value },
                _ => throw new ArgumentException($"{name} is not an option."),
            };
        }
        return options;
    }
}
