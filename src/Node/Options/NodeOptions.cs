using Conclave.Node.Auth;

namespace Conclave.Node.Options;

/// <summary>Everything that a node is told at its start. Names and meanings are those of etcd's server flags.</summary>
/// <remarks>Built by <see cref="NodeFlags"/> from the command line and the environment, or by hand when a node is embedded.</remarks>
public sealed record NodeOptions
{
    /// <summary>Human name of this member, unique in the cluster. Default "default".</summary>
    public string Name { get; init; } = "default";

    /// <summary>Directory for everything durable. Default "{Name}.conclave" under the working directory.</summary>
    public string DataDir { get => field ?? $"{Name}.conclave"; init; }

    /// <summary>Where clients are served. Default http://127.0.0.1:2379.</summary>
    public IReadOnlyList<Uri> ListenClientUrls { get; init; } = [new("http://127.0.0.1:2379")];

    /// <summary>What the member list tells clients to dial. Default: <see cref="ListenClientUrls"/>.</summary>
    public IReadOnlyList<Uri> AdvertiseClientUrls { get => field ?? ListenClientUrls; init; }

    /// <summary>Further addresses for /metrics, /health, /livez, /readyz and /version alone; those that begin with https use the clients' certificate. Default none.</summary>
    public IReadOnlyList<Uri> ListenMetricsUrls { get; init; } = [];

    /// <summary>Where the other members are served. Default http://127.0.0.1:2380.</summary>
    public IReadOnlyList<Uri> ListenPeerUrls { get; init; } = [new("http://127.0.0.1:2380")];

    /// <summary>What the other members dial. Default: <see cref="ListenPeerUrls"/>.</summary>
    public IReadOnlyList<Uri> InitialAdvertisePeerUrls { get => field ?? ListenPeerUrls; init; }

    /// <summary>All members at the birth of the cluster. Default: this one alone.</summary>
    public IReadOnlyList<InitialMember> InitialCluster
    {
        get => field is { Count: > 0 } ? field : [new InitialMember(Name, InitialAdvertisePeerUrls)];
        init;
    } = [];

    /// <summary>Whether this member founds a cluster or joins one that runs. Only looked at while the data directory is empty. Default <see cref="ClusterState.New"/>.</summary>
    public ClusterState InitialClusterState { get; init; } = ClusterState.New;

    /// <summary>Mixed into every id, so that two clusters born from the same flags stay apart. Default "conclave-cluster".</summary>
    public string InitialClusterToken { get; init; } = "conclave-cluster";

    /// <summary>Names of members that lost their data directory for good: the next one they come with is taken as it is. Default none.</summary>
    /// <remarks>Only safe while all other members run and are in sync; see docs/operations/node.md.</remarks>
    public IReadOnlyList<string> ForgetMemberDisk { get; init; } = [];

    /// <summary>Time between the leader's heartbeats, 10 ms or more. Default 100 ms.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Silence after which a follower campaigns; at least 5 heartbeats. Default 1 s.</summary>
    public TimeSpan ElectionTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>0 to 10: each step below 10 lets this member wait a tenth of an election timeout longer before it campaigns. Default 10.</summary>
    /// <remarks>It delays, and never keeps a member from leading when nobody else can.</remarks>
    public int LeaderPriority { get; init; } = LeaderPriorityMax;

    /// <summary>Highest <see cref="LeaderPriority"/>.</summary>
    public const int LeaderPriorityMax = 10;

    /// <summary>Entries applied since the last snapshot that cause the next one. Default 100,000; the size of the log causes one sooner.</summary>
    public int SnapshotCount { get; init; } = 100_000;

    /// <summary>Bytes that the log may hold beyond the last snapshot while the disk has no room for the next. Default 512 MiB.</summary>
    internal long LogBytesUnsavedMax { get; init; } = Consensus.SnapshotKeeper.BytesUnsavedMax;

    /// <summary>Time without a leader after which the log says so. Default 10 s.</summary>
    internal TimeSpan LeaderlessWarningAfter { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Bytes of stored data above which the NOSPACE alarm is raised. 0 is the default of 2 GiB, negative is no quota.</summary>
    public long QuotaBackendBytes { get; init; }

    /// <summary>Largest request accepted, in bytes. Default 1.5 MiB.</summary>
    public int MaxRequestBytes { get; init; } = 1_572_864;

    /// <summary>Most operations, and most compares, in one transaction. Default 128.</summary>
    public int MaxTxnOps { get; init; } = 128;

    /// <summary>Whether old revisions are compacted without being asked. Default off.</summary>
    public AutoCompaction AutoCompaction { get; init; } = AutoCompaction.Off;

    /// <summary>Time after which members compare hashes of their whole states, if anything was written since. Default 60 s; zero is never.</summary>
    /// <remarks>The leader's counts. Hashing takes each member about 0.7 s per GB on a thread of its own.</remarks>
    public TimeSpan StateMarkInterval { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Time without events after which a watch that asked for progress hears of it. Default 10 min.</summary>
    public TimeSpan WatchProgressInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Directory for recordings of what consensus is told, in which no value is hidden; null records nothing. Default null.</summary>
    public string? RecordInputs { get; init; }

    /// <summary>Bytes of all recordings in <see cref="RecordInputs"/>, 1 MiB or more; the newest are kept. Default 256 MiB.</summary>
    public long RecordInputsBytesMax { get; init; } = 256L << 20;

    /// <summary>TLS towards clients. Used by the addresses of <see cref="ListenClientUrls"/> that begin with https.</summary>
    public TlsOptions ClientTls { get; init; } = new() { Prefix = "" };

    /// <summary>TLS between members. Used by the peer URLs that begin with https, to listen and to dial.</summary>
    public TlsOptions PeerTls { get; init; } = new() { Prefix = "peer-" };

    /// <summary>What holds for every TLS connection.</summary>
    public TlsPolicy TlsPolicy { get; init; } = new();

    /// <summary>How much is taken on from clients before the node says no.</summary>
    public LimitOptions Limits { get; init; } = new();

    /// <summary>Allows listeners without TLS on addresses other than loopback. Default false.</summary>
    public bool AllowInsecureListen { get; init; }

    /// <summary>How users prove who they are after a login: "simple", or "jwt,sign-method=RS256,priv-key=FILE,pub-key=FILE,ttl=10m". Default "simple".</summary>
    public string AuthToken { get; init; } = "simple";

    /// <summary>Time after its last use that a simple token is good, 1 s or more. Default 300 s.</summary>
    public TimeSpan AuthTokenTtl { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>Work that a stored password costs whoever tries it, 4 to 16 as etcd's --bcrypt-cost. 10 or less is about 0.1 s; each above doubles it. Default 10.</summary>
    public int PasswordCost { get; init; } = PasswordHasher.CostDefault;

    /// <summary>File with the keys that secrets are sealed with, the same on every member; null: a member alone makes its own in its data directory. Default null.</summary>
    public string? SecretsKeyFile { get; init; }

    /// <summary>Whether the audit log also has the writes that were allowed. Default true.</summary>
    public bool AuditWrites { get; init; } = true;

    /// <summary>Whether the audit log also has the reads and watches that were allowed. Default false: they are most of all calls.</summary>
    public bool AuditReads { get; init; }

    /// <summary>"debug", "info", "warn" or "error". Default "info".</summary>
    public string LogLevel { get; init; } = "info";

    /// <summary>One driver tick; the core counts these. 10 ms.</summary>
    public static TimeSpan TickInterval { get; } = TimeSpan.FromMilliseconds(10);

    /// <summary>Time that a write or a linearizable read may take before it is answered as timed out: 5 s + 2 election timeouts.</summary>
    public TimeSpan RequestTimeout => TimeSpan.FromSeconds(5) + 2 * ElectionTimeout;

    /// <summary>Smallest lease that is granted: 1.5 election timeouts, rounded up to whole seconds.</summary>
    public long LeaseTtlSecondsMin => (long)Math.Ceiling(1.5 * ElectionTimeout.TotalSeconds);

    /// <summary>The quota that is in force, in bytes; <see cref="long.MaxValue"/> is none.</summary>
    public long QuotaBytes => QuotaBackendBytes switch { 0 => 2L << 30, < 0 => long.MaxValue, _ => QuotaBackendBytes };

    /// <summary>What is wrong with these options, all of it at once; empty when they are usable.</summary>
    public IEnumerable<string> Problems()
    {
        if (Name.Length == 0 || Name.Contains('=') || Name.Contains(','))
            yield return $"--name is '{Name}'; use a name without '=' and ','.";
        if (HeartbeatInterval < TickInterval)
            yield return $"--heartbeat-interval is {HeartbeatInterval.TotalMilliseconds} ms; use 10 or more.";
        if (ElectionTimeout < 5 * HeartbeatInterval)
            yield return $"--election-timeout is {ElectionTimeout.TotalMilliseconds} ms: so close to the heartbeat, lost messages start elections. "
                       + $"Use {5 * HeartbeatInterval.TotalMilliseconds} or more.";
        if (ElectionTimeout > TimeSpan.FromSeconds(50))
            yield return $"--election-timeout is {ElectionTimeout.TotalMilliseconds} ms; use 50000 or less.";
        if (StateMarkInterval < TimeSpan.Zero || (StateMarkInterval > TimeSpan.Zero && StateMarkInterval < TimeSpan.FromSeconds(1)))
            yield return $"--state-mark-interval is {StateMarkInterval.TotalMilliseconds} ms; use 1s or more, or 0 for never.";
        if (LeaderPriority is < 0 or > LeaderPriorityMax)
            yield return $"--leader-priority is {LeaderPriority}; use 0 to {LeaderPriorityMax}.";
        if (SnapshotCount < 1)
            yield return $"--snapshot-count is {SnapshotCount}; use 1 or more.";
        if (MaxRequestBytes is < 1024 or > 64 << 20)
            yield return $"--max-request-bytes is {MaxRequestBytes}; use 1024 to {64 << 20}.";
        if (MaxTxnOps < 1)
            yield return $"--max-txn-ops is {MaxTxnOps}; use 1 or more.";
        if (RecordInputsBytesMax < 1 << 20)
            yield return $"--record-inputs-max-bytes is {RecordInputsBytesMax}; use {1 << 20} or more.";
        foreach (string problem in AuthProblems()) yield return problem;
        foreach (string problem in MemberProblems()) yield return problem;
        foreach (string problem in ForgetProblems()) yield return problem;
        foreach (string problem in UrlProblems()) yield return problem;
        foreach (string problem in ClientTls.Problems("--listen-client-urls", ListenClientUrls)) yield return problem;
        foreach (string problem in PeerTls.Problems("--listen-peer-urls", ListenPeerUrls)) yield return problem;
        foreach (string problem in TlsPolicy.Problems()) yield return problem;
        foreach (string problem in Limits.Problems()) yield return problem;
    }

    /// <summary>What is usable and perhaps not meant.</summary>
    public IEnumerable<string> Warnings()
    {
        foreach (string warning in ClientTls.Warnings("--listen-client-urls", ListenClientUrls).Concat(PeerTls.Warnings("--listen-peer-urls", ListenPeerUrls))) yield return warning;
        foreach ((string flag, IReadOnlyList<Uri> urls, string who) in new[] { ("--advertise-client-urls", AdvertiseClientUrls, "clients that ask for the members"), ("--initial-advertise-peer-urls", InitialAdvertisePeerUrls, "the other members") })
        {
            if (urls.FirstOrDefault(url => url.Host is "0.0.0.0" or "[::]") is { } any)
                yield return $"{flag} is {Plain(any)}, which is every machine's own: {who} would dial themselves. Name the address at which this member is reached.";
        }
    }

    private IEnumerable<string> AuthProblems()
    {
        string? unreadable = null;
        try
        {
            AuthTokenSpec.Parse(AuthToken);
        }
        catch (FormatException problem)
        {
            unreadable = problem.Message;
        }

        if (unreadable is not null)
            yield return $"--auth-token is '{AuthToken}': {unreadable}.";
        if (AuthTokenTtl < TimeSpan.FromSeconds(1))
            yield return $"--auth-token-ttl is {AuthTokenTtl.TotalSeconds}; use 1 or more.";
        if (PasswordCost is < PasswordHasher.CostMin or > PasswordHasher.CostMax)
            yield return $"--bcrypt-cost is {PasswordCost}; use {PasswordHasher.CostMin} to {PasswordHasher.CostMax}.";
    }

    private IEnumerable<string> MemberProblems()
    {
        if (InitialClusterState == ClusterState.Existing && InitialCluster.Count > Raft.Membership.MembersMax)
            yield return $"--initial-cluster names {InitialCluster.Count} members; the limit is {Raft.Membership.MembersMax}.";
        if (InitialClusterState == ClusterState.New && InitialCluster.Count is not (1 or 3 or 5 or 7))
            yield return $"--initial-cluster names {InitialCluster.Count} members; a cluster starts with 1, 3, 5 or 7. A member that was added to a running cluster needs --initial-cluster-state existing.";
        if (InitialCluster.GroupBy(m => m.Name).FirstOrDefault(g => g.Count() > 1) is { } twice)
            yield return $"--initial-cluster names '{twice.Key}' {twice.Count()} times; give every member its own name.";
        if (InitialCluster.SelectMany(m => m.PeerUrls).GroupBy(u => u.Authority).FirstOrDefault(g => g.Count() > 1) is { } same)
            yield return $"--initial-cluster gives the peer address {same.Key} to {same.Count()} members; each needs its own.";
        InitialMember? self = InitialCluster.FirstOrDefault(m => m.Name == Name);
        if (self is null)
            yield return $"--initial-cluster does not name this member, '{Name}'. Add {Name}={string.Join(',', InitialAdvertisePeerUrls.Select(Plain))}, or correct --name.";
        else if (!self.PeerUrls.Select(Plain).Order().SequenceEqual(InitialAdvertisePeerUrls.Select(Plain).Order()))
            yield return $"--initial-cluster says {Name} is at {string.Join(',', self.PeerUrls.Select(Plain))}, --initial-advertise-peer-urls says "
                       + $"{string.Join(',', InitialAdvertisePeerUrls.Select(Plain))}. Make them equal.";
    }

    private IEnumerable<string> ForgetProblems()
    {
        foreach (string name in ForgetMemberDisk)
        {
            if (!InitialCluster.Any(m => m.Name == name))
                yield return $"--forget-member-disk names '{name}', which is none of {string.Join(", ", InitialCluster.Select(m => m.Name))} in --initial-cluster.";
            else if (name == Name)
                yield return $"--forget-member-disk names this member, '{name}'. Give the flag to the others: they are the ones that remember its directory.";
        }
    }

    private IEnumerable<string> UrlProblems()
    {
        if (ListenClientUrls.Concat(ListenPeerUrls).Concat(ListenMetricsUrls).GroupBy(url => url.Authority).FirstOrDefault(g => g.Key.Length > 0 && !g.Key.EndsWith(":0", StringComparison.Ordinal) && g.Count() > 1) is { } same)
            yield return $"{same.Key} stands {same.Count()} times in --listen-client-urls, --listen-peer-urls and --listen-metrics-urls; each address can be listened on once.";
        if (ListenMetricsUrls.FirstOrDefault(url => url.Scheme == "https") is { } secure && ListenClientUrls.All(url => url.Scheme != "https"))
            yield return $"--listen-metrics-urls has {Plain(secure)}, which uses the certificate of the clients' port, and that has none. Write http, or https in --listen-client-urls too.";
        const string metricsFlag = "--listen-metrics-urls";
        foreach ((string flag, IReadOnlyList<Uri> urls, string prefix) in new[]
            { ("--listen-client-urls", ListenClientUrls, ""), ("--listen-peer-urls", ListenPeerUrls, "peer-"), (metricsFlag, ListenMetricsUrls, "") })
        {
            if (urls.Count == 0 && flag != metricsFlag)   // by name: all empty lists may be the same one
                yield return $"{flag} is empty; name at least one address.";
            foreach (Uri url in urls)
            {
                if (url.Scheme == "http" && !url.IsLoopback && !AllowInsecureListen)
                    yield return $"{flag} has {Plain(url)}, which is not loopback: without TLS anyone on that network can read {(flag == metricsFlag ? "them" : "and change everything")}. "
                               + $"Write https:// and give --{prefix}cert-file and --{prefix}key-file (or --{prefix}auto-tls), or say --allow-insecure-listen if the network is yours alone.";
            }
        }
    }

    /// <summary>A URL without the trailing slash that <see cref="Uri"/> adds, as people write it in flags.</summary>
    // The port is always there, also the scheme's own: who reads an address back expects it.
    public static string Plain(Uri url) => url.IsDefaultPort ? $"{url.GetLeftPart(UriPartial.Authority)}:{url.Port}" : url.GetLeftPart(UriPartial.Authority);
}

/// <summary>What a member with an empty data directory takes part in.</summary>
public enum ClusterState
{
    /// <summary>All members of --initial-cluster found a cluster together.</summary>
    New,

    /// <summary>The cluster runs, and this member was added to it.</summary>
    Existing,
}

/// <summary>One member of the initial cluster.</summary>
/// <param name="Name">As in its own --name.</param>
/// <param name="PeerUrls">Where the other members reach it.</param>
public sealed record InitialMember(string Name, IReadOnlyList<Uri> PeerUrls);

/// <summary>Compaction without being asked.</summary>
/// <param name="Mode">What <see cref="Retention"/> or <see cref="Revisions"/> means.</param>
/// <param name="Retention">Periodic: history younger than this is kept.</param>
/// <param name="Revisions">Revision: this many of the latest revisions are kept.</param>
public sealed record AutoCompaction(AutoCompactionMode Mode, TimeSpan Retention, long Revisions)
{
    public static AutoCompaction Off { get; } = new(AutoCompactionMode.Off, TimeSpan.Zero, 0);
}

public enum AutoCompactionMode { Off, Periodic, Revision }
