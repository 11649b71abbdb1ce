using System.Globalization;

namespace Conclave.Fuzz;

/// <summary>What the command line asks for.</summary>
internal sealed record FuzzOptions
{
    /// <summary>Names, separated by commas; empty for all.</summary>
    public string[] Targets { get; init; } = [];

    /// <summary>Of all targets together.</summary>
    public TimeSpan Time { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Of each target; 0 for as many as there is time for.</summary>
    public long Inputs { get; init; }

    public ulong Seed { get; init; } = 1;

    public int Parallel { get; init; } = 1;

    /// <summary>Reads this file once instead of drawing inputs.</summary>
    public string? Input { get; init; }

    /// <exception cref="FormatException">It cannot be understood.</exception>
    public static FuzzOptions Parse(string[] arguments)
    {
        var options = new FuzzOptions();
        for (int i = 0; i < arguments.Length; i += 2)
        {
            string value = i + 1 < arguments.Length ? arguments[i + 1] : throw new FormatException($"{arguments[i]} needs a value.");
            options = arguments[i] switch
            {
                "--target" => options with { Targets = value.Split(',') },
                "--minutes" => options with { Time = TimeSpan.FromMinutes(double.Parse(value, CultureInfo.InvariantCulture)) },
                "--inputs" => options with { Inputs = long.Parse(value, NumberStyles.AllowThousands, CultureInfo.InvariantCulture), Time = TimeSpan.FromDays(1) },
                "--seed" => options with { Seed = ulong.Parse(value, CultureInfo.InvariantCulture) },
                "--parallel" => options with { Parallel = int.Parse(value, CultureInfo.InvariantCulture) },
                "--input" => options with { Input = value },
                _ => throw new FormatException($"{arguments[i]} is unknown; use --target, --minutes, --inputs, --seed, --parallel and --input."),
            };
        }

        return options;
    }
}
