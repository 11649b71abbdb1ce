using System.Globalization;
using Conclave.Processes.Servers;

namespace Conclave.Bench;

/// <summary>What the command line asks for.</summary>
internal sealed record BenchOptions
{
    public const string Usage = """
        bench [--quick] [--cases NAME,...] [--kinds conclave,etcd] [--rounds N] [--seconds S] [--json FILE]
              [--members N] [--leader-only] [--connections-per-endpoint N] [--kills N] [--list]
              [--auth none|simple|jwt] [--tls] [--conclave-flags FLAG,...]

        Runs the same gRPC load against Conclave and etcd (three nodes each, real processes, fsync on), in alternating
        rounds, and prints medians and ratios. Cases are matched by prefix: --cases put runs all puts.

          --quick   1 round of 2 s per case instead of 3 of 5 s; 3 kills instead of 10

        bench watchers [--kinds conclave,etcd] [--watchers N] [--seconds S] [--rate N]

        Many watchers of one node: memory, time until all have an event, and what becomes of those that never read.

        bench overload [--clients N,...] [--limits FLAG,...] [--pause-ms N,...] [--seconds S] [--warm-up S]

        More writers than one member can serve, with limits and without: what still gets done, how late, and whether leases survive.
        An empty flag is no limit: --limits ,--max-inflight-requests=128
        """;

    public IReadOnlyList<string> Cases { get; init; } = [];
    public IReadOnlyList<ServerKind> Kinds { get; init; } = [ServerKind.Conclave, ServerKind.Etcd];
    public int Rounds { get; init; } = 3;
    public double Seconds { get; init; } = 5;
    public double WarmUpSeconds { get; init; } = 1;

    /// <summary>Before the first measurement of a case on a cluster: a runtime with a just-in-time compiler needs several seconds.</summary>
    public double FirstWarmUpSeconds { get; init; } = 5;
    public string? JsonPath { get; init; }
    public int Members { get; init; } = 3;
    public bool LeaderOnly { get; init; }

    /// <summary>One is what a client library with a balancer has, however many callers share it.</summary>
    public int ConnectionsPerEndpoint { get; init; } = 1;
    public int Kills { get; init; } = 10;
    public TimeSpan Idle { get; init; } = TimeSpan.FromSeconds(5);
    public bool List { get; init; }

    /// <summary>Of the shared clusters: every request carries a token.</summary>
    public AuthKind Auth { get; init; }

    /// <summary>Of the shared clusters: clients talk to the members over TLS; members among themselves do not.</summary>
    public bool Tls { get; init; }

    /// <summary>Further flags of the shared Conclave cluster.</summary>
    public IReadOnlyList<string> ConclaveFlags { get; init; } = [];

    /// <exception cref="ArgumentException">An argument that is not known or has a bad value.</exception>
    public static BenchOptions Parse(string[] arguments)
    {
        var options = new BenchOptions();
        var rest = new Queue<string>(arguments);
        while (rest.TryDequeue(out string? name))
        {
            string Value() => rest.TryDequeue(out string? value) ? value : throw new ArgumentException($"{name} needs a value.");
            int Number() => int.TryParse(Value(), CultureInfo.InvariantCulture, out int number) && number > 0 ? number : throw new ArgumentException($"{name} needs a positive number.");
            options = name switch
            {
                "--quick" => options with { Rounds = 1, Seconds = 2, FirstWarmUpSeconds = 3, Kills = 3, Idle = TimeSpan.FromSeconds(2) },
                "--cases" => options with { Cases = Value().Split(',') },
                "--kinds" => options with { Kinds = [.. Value().Split(',').Select(kind => Enum.Parse<ServerKind>(kind, ignoreCase: true))] },
                "--rounds" => options with { Rounds = Number() },
                "--seconds" => options with { Seconds = Number() },
                "--json" => options with { JsonPath = Value() },
                "--members" => options with { Members = Number() },
                "--leader-only" => options with { LeaderOnly = true },
                "--connections-per-endpoint" => options with { ConnectionsPerEndpoint = Number() },
                "--kills" => options with { Kills = Number() },
                "--auth" => options with { Auth = Enum.Parse<AuthKind>(Value(), ignoreCase: true) },
                "--tls" => options with { Tls = true },
                "--conclave-flags" => options with { ConclaveFlags = Value().Split(',') },
                "--list" => options with { List = true },
                _ => throw new ArgumentException($"{name} is not an option."),
            };
        }
        return options;
    }

    /// <summary>Whether a case was chosen.</summary>
    public bool Includes(string name) => Cases.Count == 0 || Cases.Any(chosen => name.StartsWith(chosen, StringComparison.Ordinal));
}
