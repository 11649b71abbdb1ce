using System.Globalization;

namespace Conclave.Processes.Damage;

/// <summary>What to damage.</summary>
public sealed record DamageOptions
{
    public const string Usage = """
        damage [--kinds LogBit,LogEndBit,SnapshotBit,SuperblockBit,Wiped,OlderCopy,SecondProcess,FullDisk] [--seed N] [--json FILE]

        Stops one member after the other, damages, deletes, restores or copies its data directory, and starts it again, while clients work. It has to recover, or be
        kept out with a reason and be replaced by a new member; nothing acknowledged may be lost and nothing old be shown. Ends with 1 when something is wrong.
        """;

    /// <summary>In this order. Default all.</summary>
    public IReadOnlyList<DamageKind> Kinds { get; init; } = Enum.GetValues<DamageKind>();

    /// <summary>Of the places and of the clients' choices.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Where to write the report; the console gets it in any case.</summary>
    public string? JsonPath { get; init; }

    /// <exception cref="ArgumentException">An argument that is not known or has a bad value.</exception>
    public static DamageOptions Parse(IEnumerable<string> arguments)
    {
        var options = new DamageOptions();
        var rest = new Queue<string>(arguments);
        while (rest.TryDequeue(out string? name))
        {
            if (!rest.TryDequeue(out string? value))
                throw new ArgumentException($"{name} needs a value.");
            options = name switch
            {
                "--kinds" => options with { Kinds = [.. value.Split(',').Select(kind => Enum.Parse<DamageKind>(kind, ignoreCase: true))] },
                "--seed" => options with { Seed = int.Parse(value, CultureInfo.InvariantCulture) },
                "--json" => options with { JsonPath = value },
                _ => throw new ArgumentException($"{name} is not an option."),
            };
        }
        return options;
    }
}
