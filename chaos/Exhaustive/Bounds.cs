using System.Globalization;
using Conclave.Raft;

namespace Conclave.Exhaustive;

/// <summary>How much of the infinite space is looked at. Every state within the bounds that can be reached within them is.</summary>
internal sealed record Bounds
{
    /// <summary>Members, 1 to 5. Default 3.</summary>
    public int Nodes { get; init; } = 3;

    /// <summary>Highest term. Default 2.</summary>
    public int Terms { get; init; } = 2;

    /// <summary>Longest log in entries, no-ops among them. Default 3.</summary>
    public int Log { get; init; } = 3;

    /// <summary>Messages under way at once, 1 to 8; when there would be more, some are lost, in every combination. Default 4.</summary>
    public int Messages { get; init; } = 4;

    /// <summary>Times that a node campaigns of itself. Default 2.</summary>
    public int Campaigns { get; init; } = 2;

    /// <summary>Heartbeat intervals and quorum checks of leaders. Default 1.</summary>
    public int Heartbeats { get; init; } = 1;

    /// <summary>Power cuts. Default 1.</summary>
    public int Crashes { get; init; } = 1;

    /// <summary>Writes of clients. Default 1.</summary>
    public int Proposals { get; init; } = 1;

    /// <summary>Linearizable reads of clients, at any node. Default 0.</summary>
    public int Reads { get; init; }

    /// <summary>Messages that arrive and stay under way. Default 0.</summary>
    public int Duplicates { get; init; }

    /// <summary>Changes of the membership: any voter removed, or a member added that has no vote at first. Default 0.</summary>
    public int Changes { get; init; }

    /// <summary>Requests to hand over leadership, to any other member. Default 0.</summary>
    public int Transfers { get; init; }

    /// <summary>Members 1 to this one are the first members; the others are up and know nobody, until a change adds them. Default: all.</summary>
    public int Voters { get; init; } = int.MaxValue;

    /// <summary>Most steps from the first state. Default: no bound.</summary>
    public int Depth { get; init; } = int.MaxValue;

    /// <summary>States after which the search is cut off. Default 50,000,000, which takes about 4 GB.</summary>
    public int StatesMax { get; init; } = 50_000_000;

    /// <summary>A write is durable before anything else happens. Default: it completes whenever it likes.</summary>
    public bool SyncDisk { get; init; }

    /// <summary>
    /// Pre-votes are asked for and answered in one step, by any of the others, instead of travelling like other messages: they promise nothing and change nothing, but there are many of them.
    /// Default false.
    /// </summary>
    public bool FastPreVotes { get; init; }

    /// <summary>Message types, separated by commas, that never arrive. Default: none.</summary>
    public string Lose { get; init; } = "";

    /// <summary>States that differ by the names of nodes only count once. Default true.</summary>
    public bool Symmetry { get; init; } = true;

    /// <summary>Whether saying something before it is durable is a violation in itself (I8). Default true.</summary>
    public bool CheckReleases { get; init; } = true;

    /// <summary>What is done before the search begins, see <see cref="Prologue"/>. Default: nothing.</summary>
    public string Prologue { get; init; } = "";

    public CoreFaults Faults { get; init; }

    /// <summary>Everything that is wrong with these bounds; empty when they can be used.</summary>
    public IEnumerable<string> Problems()
    {
        if (Nodes is < 1 or > 5) yield return $"--nodes is {Nodes}; use 1 to 5.";
        if (Voters < 1) yield return $"--voters is {Voters}; use 1 to {Nodes}.";
        if (Terms is < 1 or > 100) yield return $"--terms is {Terms}; use 1 to 100.";
        if (Log is < 1 or > 100) yield return $"--log is {Log}; use 1 to 100.";
        if (Messages is < 1 or > 8) yield return $"--messages is {Messages}; use 1 to 8.";
        foreach ((string name, int value) in new[] { ("campaigns", Campaigns), ("heartbeats", Heartbeats), ("crashes", Crashes), ("proposals", Proposals), ("reads", Reads), ("duplicates", Duplicates), ("changes", Changes), ("transfers", Transfers) })
            if (value is < 0 or > 100) yield return $"--{name} is {value}; use 0 to 100.";
        if (StatesMax is < 1 or > 1_000_000_000) yield return $"--states-max is {StatesMax}; use 1 to 1000000000.";
    }

    public int Of(Budget budget) => budget switch
    {
        Budget.Campaigns => Campaigns,
        Budget.Heartbeats => Heartbeats,
        Budget.Crashes => Crashes,
        Budget.Proposals => Proposals,
        Budget.Reads => Reads,
        Budget.Duplicates => Duplicates,
        Budget.Changes => Changes,
        _ => Transfers,
    };

    /// <exception cref="ArgumentException">An option is unknown or its value cannot be read.</exception>
    public Bounds With(IReadOnlyDictionary<string, string> options)
    {
        Bounds bounds = this;
        foreach ((string name, string value) in options)
        {
            bounds = name switch
            {
                "--nodes" => bounds with { Nodes = Number(name, value) },
                "--terms" => bounds with { Terms = Number(name, value) },
                "--log" => bounds with { Log = Number(name, value) },
                "--messages" => bounds with { Messages = Number(name, value) },
                "--campaigns" => bounds with { Campaigns = Number(name, value) },
                "--heartbeats" => bounds with { Heartbeats = Number(name, value) },
                "--crashes" => bounds with { Crashes = Number(name, value) },
                "--proposals" => bounds with { Proposals = Number(name, value) },
                "--reads" => bounds with { Reads = Number(name, value) },
                "--duplicates" => bounds with { Duplicates = Number(name, value) },
                "--changes" => bounds with { Changes = Number(name, value) },
                "--transfers" => bounds with { Transfers = Number(name, value) },
                "--voters" => bounds with { Voters = Number(name, value) },
                "--depth" => bounds with { Depth = Number(name, value) },
                "--states-max" => bounds with { StatesMax = Number(name, value) },
                "--sync-disk" => bounds with { SyncDisk = true },
                "--fast-prevotes" => bounds with { FastPreVotes = true },
                "--lose" => bounds with { Lose = value },
                "--no-symmetry" => bounds with { Symmetry = false },
                "--without-i8" => bounds with { CheckReleases = false },
                "--prologue" => bounds with { Prologue = value },
                "--fault" => bounds with { Faults = Enum.TryParse(value, out CoreFaults fault) ? fault : throw new ArgumentException($"There is no fault {value}; there are {string.Join(", ", Enum.GetNames<CoreFaults>())}.") },
                _ => throw new ArgumentException($"There is no option {name}."),
            };
        }
        return bounds;
    }

    private static int Number(string name, string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : throw new ArgumentException($"{name} is \"{value}\"; use a number.");

    public override string ToString() =>
        $"{Nodes} nodes, terms <= {Terms}, log <= {Log}, messages <= {Messages}, campaigns <= {Campaigns}, heartbeats <= {Heartbeats}, crashes <= {Crashes}, writes <= {Proposals}, reads <= {Reads}, "
        + $"duplicates <= {Duplicates}, membership changes <= {Changes}{(Voters < Nodes ? $" from {Voters} voters" : "")}, transfers <= {Transfers}, disk {(SyncDisk ? "writes at once" : "writes any time later")}, renamed states {(Symmetry ? "count once" : "count apart")}"
        + (FastPreVotes ? ", pre-votes in one step" : "") + (Lose.Length == 0 ? "" : $", no {Lose} arrives")
        + (Depth == int.MaxValue ? "" : $", depth <= {Depth}") + (Prologue.Length == 0 ? "" : $", after \"{Prologue}\"") + (Faults == CoreFaults.None ? "" : $", with the fault {Faults}")
        + (CheckReleases ? "" : ", without I8");
}
