using System.Globalization;

namespace Conclave.Bench.Overload;

/// <summary>How many clients ask one member, for how long, and what it is told to refuse.</summary>
internal sealed record OverloadOptions
{
    /// <summary>Each number is a run. The member is busy with a few dozen already.</summary>
    public IReadOnlyList<int> Clients { get; init; } = [64, 256, 1024, 4096];

    public int Seconds { get; init; } = 5;

    public int WarmUpSeconds { get; init; } = 3;

    /// <summary>What a client does that was refused: come again at once, or after what it was told.</summary>
    public IReadOnlyList<TimeSpan> Pauses { get; init; } = [TimeSpan.FromMilliseconds(100)];

    /// <summary>Each is a run: flags of the member, and none.</summary>
    public IReadOnlyList<string> Limits { get; init; } = ["", "--max-inflight-requests=128"];

    /// <exception cref="ArgumentException">An argument that is not known or has a bad value.</exception>
    public static OverloadOptions Parse(string[] arguments)
    {
        var options = new OverloadOptions();
        var rest = new Queue<string>(arguments);
        while (rest.TryDequeue(out string? name))
        {
            if (!rest.TryDequeue(out string? value))
                throw new ArgumentException($"{name} needs a value.");
            int Number(string text) => int.TryParse(text, CultureInfo.InvariantCulture, out int number) && number >= 0 ? number : throw new ArgumentException($"{name} needs numbers.");
            options = name switch
            {
                "--clients" => options with { Clients = [.. value.Split(',').Select(Number)] },
                "--seconds" => options with { Seconds = Number(value) },
                "--warm-up" => options with { WarmUpSeconds = Number(value) },
                "--pause-ms" => options with { Pauses = [.. value.Split(',').Select(text => TimeSpan.FromMilliseconds(Number(text)))] },
                "--limits" => options with { Limits = value.Split(',') },
                _ => throw new ArgumentException($"{name} is not an option."),
            };
        }
        return options;
    }
}
