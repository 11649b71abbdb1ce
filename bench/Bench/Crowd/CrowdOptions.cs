using System.Globalization;
using Conclave.Processes.Servers;

namespace Conclave.Bench.Crowd;

/// <summary>How many watchers, and for how long.</summary>
internal sealed record CrowdOptions
{
    public IReadOnlyList<ServerKind> Kinds { get; init; } = [ServerKind.Conclave, ServerKind.Etcd];

    /// <summary>Four in ten watch one range and read, four in ten have a key of their own, two in ten watch the range and never read.</summary>
    public int Watchers { get; init; } = 10_000;

    public int Seconds { get; init; } = 60;

    /// <summary>Puts per second into the range that all watch; ten times as many go to single keys.</summary>
    public int Rate { get; init; } = 10;

    /// <exception cref="ArgumentException">An argument that is not known or has a bad value.</exception>
    public static CrowdOptions Parse(string[] arguments)
    {
        var options = new CrowdOptions();
        var rest = new Queue<string>(arguments);
        while (rest.TryDequeue(out string? name))
        {
            if (!rest.TryDequeue(out string? value))
                throw new ArgumentException($"{name} needs a value.");
            int Number() => int.TryParse(value, CultureInfo.InvariantCulture, out int number) && number > 0 ? number : throw new ArgumentException($"{name} needs a positive number.");
            options = name switch
            {
                "--kinds" => options with { Kinds = [.. value.Split(',').Select(kind => Enum.Parse<ServerKind>(kind, ignoreCase: true))] },
                "--watchers" => options with { Watchers = Number() },
                "--seconds" => options with { Seconds = Number() },
                "--rate" => options with { Rate = Number() },
                _ => throw new ArgumentException($"{name} is not an option."),
            };
        }
        return options;
    }
}
