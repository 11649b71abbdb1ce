using System.Globalization;

namespace Conclave.Node.Options;

/// <summary>Reads etcd's server flags, and the same as environment variables, into <see cref="NodeOptions"/>. Pure.</summary>
/// <remarks>
/// <c>--flag value</c>, <c>--flag=value</c> and one dash instead of two all work, as with etcd. <c>CONCLAVE_LISTEN_CLIENT_URLS</c> is
/// <c>--listen-client-urls</c>; a flag wins over the environment.
/// </remarks>
public static class NodeFlags
{
    /// <summary>What came out: options, or the reasons why not; and what the user should be told in any case.</summary>
    public sealed record Parsed(NodeOptions? Options, IReadOnlyList<string> Errors, IReadOnlyList<string> Warnings, bool HelpAsked, bool VersionAsked);

    private static readonly NodeFlag[] Flags =
    [
        new("name", "name of this member (default 'default')", (o, v) => o with { Name = v }),
        new("data-dir", "directory for everything durable (default '{name}.conclave')", (o, v) => o with { DataDir = v }),
        new("listen-client-urls", "where clients are served (default http://127.0.0.1:2379)", (o, v) => o with { ListenClientUrls = Urls(v) }),
        new("advertise-client-urls", "what the member list tells clients to dial", (o, v) => o with { AdvertiseClientUrls = Urls(v) }),
        new("listen-peer-urls", "where the other members are served (default http://127.0.0.1:2380)", (o, v) => o with { ListenPeerUrls = Urls(v) }),
        new("listen-metrics-urls", "further addresses for /metrics, /health, /livez, /readyz and /version alone (default none)", (o, v) => o with { ListenMetricsUrls = Urls(v) }),
        new("initial-advertise-peer-urls", "what the other members dial", (o, v) => o with { InitialAdvertisePeerUrls = Urls(v) }),
        new("initial-cluster", "all members: name=url,name=url,...", (o, v) => o with { InitialCluster = Members(v) }),
        new("initial-cluster-state", "'new', or 'existing' to join a running cluster after 'member add'; only looked at while the data directory is empty", (o, v) => o with
        {
            InitialClusterState = v switch
            {
                "new" => ClusterState.New,
                "existing" => ClusterState.Existing,
                _ => throw new FormatException("use 'new' or 'existing'"),
            },
        }),
        new("initial-cluster-token", "keeps two clusters born from the same flags apart", (o, v) => o with { InitialClusterToken = v }),
        new("forget-member-disk", "names of members that lost their data directory for good; see docs/operations/node.md before", (o, v) => o with { ForgetMemberDisk = Names(v) }),
        new("heartbeat-interval", "milliseconds between heartbeats (default 100)", (o, v) => o with { HeartbeatInterval = TimeSpan.FromMilliseconds(Number(v)) }),
        new("election-timeout", "milliseconds of silence before an election (default 1000)", (o, v) => o with { ElectionTimeout = TimeSpan.FromMilliseconds(Number(v)) }),
        new("leader-priority", "0 to 10 (default 10): each step below 10 delays this member's campaigns by a tenth of the election timeout", (o, v) => o with { LeaderPriority = checked((int)Number(v)) }),
        new("snapshot-count", "entries applied between snapshots (default 100000)", (o, v) => o with { SnapshotCount = checked((int)Number(v)) }),
        new("quota-backend-bytes", "stored bytes that raise the NOSPACE alarm (0 = 2 GiB)", (o, v) => o with { QuotaBackendBytes = Number(v) }),
        new("max-request-bytes", "largest request (default 1572864)", (o, v) => o with { MaxRequestBytes = checked((int)Number(v)) }),
        new("max-txn-ops", "most operations in a transaction (default 128)", (o, v) => o with { MaxTxnOps = checked((int)Number(v)) }),
        new("auto-compaction-mode", "'periodic' or 'revision'", (o, v) => o with
        {
            AutoCompaction = o.AutoCompaction with
            {
                Mode = v switch
                {
                    "periodic" => AutoCompactionMode.Periodic,
                    "revision" => AutoCompactionMode.Revision,
                    _ => throw new FormatException("use 'periodic' or 'revision'"),
                },
            },
        }),
        new("auto-compaction-retention", "0 = off; a time such as 10m or 1h, hours without a unit; a count in revision mode", (o, v) => o with { AutoCompaction = Retention(o.AutoCompaction, v) }),
        new("state-mark-interval", "time such as 60s after which members compare their states (default 60s, 0 = never)", (o, v) => o with { StateMarkInterval = v == "0" ? TimeSpan.Zero : Duration(v) }),
        new("watch-progress-notify-interval", "time such as 10m after which an idle watch hears of its progress", (o, v) => o with { WatchProgressInterval = Duration(v) }),
        new("experimental-watch-progress-notify-interval", "older name of the flag above", (o, v) => o with { WatchProgressInterval = Duration(v) }),
        new("log-level", "debug, info, warn or error (default info)", (o, v) => v is "debug" or "info" or "warn" or "error" ? o with { LogLevel = v }
            : throw new FormatException("use debug, info, warn or error")),
        new("auth-token", "how users prove who they are after a login: 'simple' or 'jwt,sign-method=RS256,priv-key=FILE,pub-key=FILE,ttl=10m' (default simple)", (o, v) => o with { AuthToken = v }),
        new("auth-token-ttl", "seconds after its last use that a simple token is good (default 300)", (o, v) => o with { AuthTokenTtl = TimeSpan.FromSeconds(Number(v)) }),
        new("bcrypt-cost", "work that a stored password costs, 4 to 16: 10 or less is 210000 rounds of PBKDF2, each above doubles them (default 10)", (o, v) => o with { PasswordCost = checked((int)Number(v)) }),
        new("audit-reads", "whether the audit log has the reads and watches that were allowed too (default false)", (o, v) => o with { AuditReads = Switch(v) }, IsSwitch: true),
        new("audit-writes", "whether the audit log has the writes that were allowed, beside what was denied, logins and administration (default true)", (o, v) => o with { AuditWrites = Switch(v) }, IsSwitch: true),
        new("secrets-key-file", "file with the keys of the configuration's secrets, the same on every member (default: a member alone makes secrets.key in its data directory)", (o, v) => o with { SecretsKeyFile = v }),
        new("record-inputs", "directory for recordings of everything consensus is told, to be replayed with 'conclave debug replay' (default none)", (o, v) => o with { RecordInputs = v }),
        new("record-inputs-max-bytes", "bytes of all recordings in that directory, of which the newest are kept (default 268435456)", (o, v) => o with { RecordInputsBytesMax = Number(v) }),
        .. TlsFlags.All,
        .. LimitFlags.All,
    ];

    // etcd's flags that change nothing here: accepted, so that a unit file carries over, with one warning. The set of names that take no
    // value is separate, since "--flag" alone must not swallow the next word.
    private static readonly string[] Ignored =
    [
        "wal-dir", "max-snapshots", "max-wals", "cors", "log-outputs", "logger", "log-package-levels", "backend-batch-limit", "backend-batch-interval",
        "backend-bbolt-freelist-type", "host-whitelist", "metrics",
        "proxy", "proxy-failure-wait", "proxy-refresh-interval", "proxy-dial-timeout", "proxy-write-timeout", "proxy-read-timeout",
        "discovery-fallback", "discovery-proxy", "discovery-srv-name", "client-cert-file", "client-key-file", "local-address", "feature-gates", "v2-deprecation",
        "raft-read-timeout", "raft-write-timeout", "max-learners", "experimental-max-learners", "snapshot-catchup-entries", "experimental-snapshot-catchup-entries",
        "experimental-backend-bbolt-freelist-type", "experimental-enable-v2v3", "compaction-batch-limit", "experimental-compaction-batch-limit",
        "compaction-sleep-interval", "experimental-compaction-sleep-interval", "warning-apply-duration", "experimental-warning-apply-duration",
        "warning-unary-request-duration", "experimental-warning-unary-request-duration", "compact-hash-check-time", "experimental-compact-hash-check-time",
        "corrupt-check-time", "experimental-corrupt-check-time", "downgrade-check-time", "experimental-downgrade-check-time",
        "bootstrap-defrag-threshold-megabytes", "experimental-bootstrap-defrag-threshold-megabytes", "log-format", "log-rotation-config-json",
        "distributed-tracing-address", "distributed-tracing-service-name", "distributed-tracing-instance-id", "distributed-tracing-sampling-rate",
        "experimental-distributed-tracing-address", "experimental-distributed-tracing-service-name", "experimental-distributed-tracing-instance-id",
        "experimental-distributed-tracing-sampling-rate", "experimental-wait-cluster-ready-timeout",
    ];

    private static readonly string[] IgnoredSwitches =
    [
        "debug", "pre-vote", "strict-reconfig-check", "enable-v2", "enable-grpc-gateway", "enable-pprof", "initial-election-tick-advance",
        "experimental-initial-corrupt-check", "experimental-enable-lease-checkpoint", "unsafe-no-fsync", "socket-reuse-port", "socket-reuse-address",
        "experimental-peer-skip-client-san-verification", "peer-skip-client-san-verification", "enable-log-rotation", "memory-mlock", "experimental-memory-mlock",
        "experimental-enable-lease-checkpoint-persist", "experimental-compact-hash-check-enabled", "experimental-stop-grpc-service-on-defrag",
        "experimental-txn-mode-write-with-shared-buffer", "enable-distributed-tracing", "experimental-enable-distributed-tracing",
    ];

    private static readonly string[] RefusedSwitches = ["force-new-cluster", "discovery-insecure-transport", "discovery-insecure-skip-tls-verify"];

    // These ask for something that is not there yet, so ignoring them would be a lie.
    private static readonly string[] Refused =
    [
        "discovery", "discovery-srv", "discovery-token", "discovery-endpoints", "discovery-dial-timeout", "discovery-request-timeout", "discovery-keepalive-time",
        "discovery-keepalive-timeout", "discovery-cert", "discovery-key", "discovery-cacert", "discovery-user", "discovery-password", "config-file", "listen-client-http-urls",
        .. RefusedSwitches,
    ];

    private const string EnvironmentPrefix = "CONCLAVE_";
    private const string EtcdPrefix = "ETCD_";

    // Of the command line tool, the agent and what runs under a lock. They may stand in the same environment.
    private static readonly string[] NotFlags =
    [
        "node", "endpoints", "user", "password", "cacert", "cert", "key", "insecure-skip-tls-verify", "insecure-transport", "space", "group", "agent-config", "lock-key", "fencing-token",
    ];

    public static Parsed Parse(IReadOnlyList<string> arguments, IEnumerable<KeyValuePair<string, string>> environment)
    {
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        List<string> errors = [], warnings = [], etcds = [];
        foreach ((string key, string value) in environment.OrderBy(e => e.Key, StringComparer.Ordinal))
        {
            if (value.Length == 0) continue;
            if (key.StartsWith(EtcdPrefix, StringComparison.Ordinal) && IsKnown(FlagOf(key, EtcdPrefix))) etcds.Add(key);
            if (!key.StartsWith(EnvironmentPrefix, StringComparison.Ordinal)) continue;
            string name = FlagOf(key, EnvironmentPrefix);
            if (IsKnown(name)) given[name] = value;
            else if (!NotFlags.Contains(name) && Misspelling.MeantBy(name, Flags.Select(f => f.Name)) is { } meant)
                warnings.Add($"{key} is no flag of this program; {EnvironmentPrefix}{meant.ToUpperInvariant().Replace('-', '_')} is.");
        }

        // Whoever carries a unit file over from etcd would otherwise get a single node with defaults, and no word about it.
        if (etcds.Count > 0)
            warnings.Add($"{string.Join(", ", etcds)} {(etcds.Count == 1 ? "is" : "are")} set and not looked at; {EnvironmentPrefix}... is, in the place of {EtcdPrefix}...");

        bool help = false, version = false;
        for (int i = 0; i < arguments.Count; i++)
        {
            string argument = arguments[i];
            if (!argument.StartsWith('-') || argument.TrimStart('-').Length == 0)
            {
                errors.Add($"'{argument}' is not a flag. Flags look like --name value.");
                continue;
            }

            string[] parts = argument.TrimStart('-').Split('=', 2);
            string name = parts[0];
            if (name is "help" or "h") { help = true; continue; }
            if (name == "version") { version = true; continue; }
            if (!IsKnown(name))
            {
                errors.Add($"unknown flag --{name}. The nearest is --{Misspelling.Nearest(name, Flags.Select(f => f.Name).Concat(Ignored).Concat(IgnoredSwitches))}; --help lists all.");
                if (parts.Length == 1 && i + 1 < arguments.Count && !arguments[i + 1].StartsWith('-')) i++;
                continue;
            }

            if (parts.Length == 2) given[name] = parts[1];
            else if (IsSwitch(name)) given[name] = "true";
            else if (i + 1 < arguments.Count) given[name] = arguments[++i];
            else errors.Add($"--{name} needs a value.");
        }

        return new Parsed(Build(given, errors, warnings), errors, warnings, help, version);
    }

    /// <summary>One line per flag, for --help.</summary>
    public static IEnumerable<string> Help() => Flags.Select(f => $"  --{f.Name,-32} {f.Meaning}");

    private static NodeOptions? Build(Dictionary<string, string> given, List<string> errors, List<string> warnings)
    {
        var options = new NodeOptions();
        foreach (NodeFlag flag in Flags)   // in table order: the compaction mode has to be known before its retention is read
        {
            if (!given.TryGetValue(flag.Name, out string? value)) continue;
            try
            {
                options = flag.Set(options, value);
            }
            catch (Exception problem) when (problem is FormatException or OverflowException or ArgumentException)
            {
                errors.Add($"--{flag.Name} is '{value}': {problem.Message.TrimEnd('.')}.");
            }
        }

        if (options.AutoCompaction is { Retention.Ticks: 0, Revisions: 0 }) options = options with { AutoCompaction = AutoCompaction.Off };
        List<string> ignored = [.. given.Keys.Where(k => Ignored.Contains(k) || IgnoredSwitches.Contains(k)).Order(StringComparer.Ordinal)];
        if (ignored.Count > 0) warnings.Add($"accepted without effect: {string.Join(", ", ignored.Select(k => "--" + k))}.");
        foreach (string name in given.Keys.Where(k => Refused.Contains(k) && given[k] != "false").Order(StringComparer.Ordinal))
            errors.Add($"--{name} is not supported yet, and ignoring it would not be what you asked for. Remove it to start without.");
        if (errors.Count == 0) errors.AddRange(options.Problems());
        if (errors.Count == 0) warnings.AddRange(options.Warnings());
        return errors.Count == 0 ? options : null;
    }

    private static string FlagOf(string variable, string prefix) => variable[prefix.Length..].ToLowerInvariant().Replace('_', '-');

    private static bool IsKnown(string name) =>
        Flags.Any(f => f.Name == name) || Ignored.Contains(name) || IgnoredSwitches.Contains(name) || Refused.Contains(name);

    private static bool IsSwitch(string name) =>
        IgnoredSwitches.Contains(name) || RefusedSwitches.Contains(name) || Flags.Any(f => f.Name == name && f.IsSwitch);

    internal static string[] Names(string value) => value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static Uri[] Urls(string value) =>
        [.. value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(Url)];

    private static Uri Url(string value)
    {
        if (!Uri.TryCreate(value, UriKind.Absolute, out Uri? url) || url.Scheme is not ("http" or "https") || url.Port <= 0)
            throw new FormatException($"'{value}' is not a URL such as http://127.0.0.1:2379");
        if (url.AbsolutePath != "/")
            throw new FormatException($"'{value}' has a path; only scheme, host and port count");
        return url;
    }

    private static InitialMember[] Members(string value)
    {
        var members = new Dictionary<string, List<Uri>>(StringComparer.Ordinal);
        foreach (string part in value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            string[] pair = part.Split('=', 2);
            if (pair.Length != 2 || pair[0].Length == 0) throw new FormatException($"'{part}' is not name=url");
            if (!members.TryGetValue(pair[0], out List<Uri>? urls)) members.Add(pair[0], urls = []);
            urls.Add(Url(pair[1]));   // a name given twice has two URLs, as with etcd
        }

        return [.. members.Select(m => new InitialMember(m.Key, m.Value))];
    }

    private static AutoCompaction Retention(AutoCompaction current, string value) => current.Mode == AutoCompactionMode.Revision
        ? current with { Revisions = Number(value) }
        : current with
        {
            Mode = AutoCompactionMode.Periodic,
            Retention = long.TryParse(value, CultureInfo.InvariantCulture, out long hours) ? TimeSpan.FromHours(hours) : Duration(value),
        };

    internal static long Number(string value) =>
        long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? number
        : throw new FormatException("not a whole number");

    internal static bool Switch(string value) => value switch
    {
        "true" or "1" => true,
        "false" or "0" => false,
        _ => throw new FormatException("use true or false"),
    };

    /// <summary>A time in Go's form: digits with ms, s, m or h, several in a row.</summary>
    internal static TimeSpan Duration(string value)
    {
        TimeSpan total = TimeSpan.Zero;
        ReadOnlySpan<char> rest = value;
        if (rest.IsEmpty) throw new FormatException("not a time such as 500ms, 10m or 1h30m");
        while (!rest.IsEmpty)
        {
            int digits = rest.IndexOfAnyExcept("0123456789.");
            if (digits <= 0 || !double.TryParse(rest[..digits], CultureInfo.InvariantCulture, out double amount))
                throw new FormatException("not a time such as 500ms, 10m or 1h30m");
            rest = rest[digits..];
            (TimeSpan unit, int length) = rest switch
            {
                ['m', 's', ..] => (TimeSpan.FromMilliseconds(1), 2),
                ['s', ..] => (TimeSpan.FromSeconds(1), 1),
                ['m', ..] => (TimeSpan.FromMinutes(1), 1),
                ['h', ..] => (TimeSpan.FromHours(1), 1),
                _ => throw new FormatException("not a time such as 500ms, 10m or 1h30m"),
            };
            total += amount * unit;
            rest = rest[length..];
        }

        return total;
    }
}

/// <summary>One flag of the server program.</summary>
/// <param name="Name">Without the dashes.</param>
/// <param name="Meaning">For --help.</param>
/// <param name="Set">Reads the value. Throws <see cref="FormatException"/> when it cannot be read.</param>
/// <param name="IsSwitch">It may stand without a value.</param>
internal sealed record NodeFlag(string Name, string Meaning, Func<NodeOptions, string, NodeOptions> Set, bool IsSwitch = false);
