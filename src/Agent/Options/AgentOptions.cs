using System.Collections.Immutable;
using Conclave.Layers.Rendering;

namespace Conclave.Agent;

/// <summary>What to do about a file that somebody else changed.</summary>
public enum DriftMode
{
    /// <summary>Say so and leave it.</summary>
    Report,

    /// <summary>Write it again, and reload where the group can.</summary>
    Repair,

    /// <summary>Do not look.</summary>
    Off,
}

/// <summary>What the agent is told to do: its configuration file, read and checked.</summary>
public sealed record AgentOptions
{
    public ImmutableArray<string> Endpoints { get; init => field = value.IsDefault ? [] : value; } = [];

    public string Node { get; init; } = "";

    /// <summary>"" is the default space.</summary>
    public string Space { get; init; } = "";

    public string? TlsAuthorities { get; init; }

    public string? TlsCertificate { get; init; }

    public string? TlsKey { get; init; }

    public bool SkipTlsVerification { get; init; }

    public string? User { get; init; }

    public string? PasswordFile { get; init; }

    /// <summary>Full path of the file that this was read from; "" for none.</summary>
    public string ConfigFile { get; init; } = "";

    public string StateDirectory { get; init; } = "/var/lib/conclave-agent";

    /// <summary>Where metrics are written for a collector of text files; null for nowhere.</summary>
    public string? MetricsFile { get; init; }

    /// <summary>Whether the last good files are put in place, and received changes applied, before a server was reached. Default true.</summary>
    public bool OfflineStart { get; init; } = true;

    /// <summary>How often files are looked at besides the notifications of the file system. Default 1 h.</summary>
    public TimeSpan DriftInterval { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How often the state is reported when nothing changes. Default 20 s; after 60 s the fleet counts a node as silent.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>First wait before a step is tried again that failed because of the machine: a full disk, a directory that cannot be written. Doubles up to 32 times that. Default 10 s.</summary>
    public TimeSpan Retry { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A slot to restart in is free again so long after its holder was last heard of. Default 30 s.</summary>
    public TimeSpan SlotTtl { get; init; } = TimeSpan.FromSeconds(30);

    public bool ReportFacts { get; init; } = true;

    /// <summary>How often facts are looked for again, and reported when they are others. Default 5 min.</summary>
    public TimeSpan FactsInterval { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Whether hostname and mgmt_ip are found out where they are not given.</summary>
    public bool FindFacts { get; init; } = true;

    /// <summary>JSON by name.</summary>
    public ImmutableSortedDictionary<string, string> Facts { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Prints a JSON object of further facts; empty for none.</summary>
    public ImmutableArray<string> FactsCommand { get; init => field = value.IsDefault ? [] : value; } = [];

    /// <summary>Of the configuration and its templates: what was refused is tried again when it is another one.</summary>
    public string Fingerprint { get; init; } = "";

    public ImmutableArray<FileOptions> Files { get; init => field = value.IsDefault ? [] : value; } = [];

    /// <summary>Every file is in exactly one. A file without a group in the configuration has one of its own, with its name behind <c>file </c>.</summary>
    public ImmutableArray<GroupOptions> Groups { get; init => field = value.IsDefault ? [] : value; } = [];

    public IEnumerable<string> Documents => Files.Select(f => f.Document).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);

    public IEnumerable<FileOptions> FilesOf(string group) => Files.Where(f => f.Group == group);
}

/// <summary>A file that the agent owns.</summary>
public sealed record FileOptions
{
    public required string Name { get; init; }

    public required string Document { get; init; }

    public required string Path { get; init; }

    public RenderFormat Format { get; init; } = RenderFormat.OsloIni;

    /// <summary>Instead of a format.</summary>
    public TextTemplate? Template { get; init; }

    public TemplateEscape Escape { get; init; }

    /// <summary>Null leaves what a new file of the agent's user has.</summary>
    public string? User { get; init; }

    public string? UserGroup { get; init; }

    /// <summary>Permission bits. Default 0640.</summary>
    public UnixFileMode Mode { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;

    /// <summary>Program and arguments; {new} is the new file. Empty for none.</summary>
    public ImmutableArray<string> Check { get; init => field = value.IsDefault ? [] : value; } = [];

    public TimeSpan CheckTimeout { get; init; } = TimeSpan.FromSeconds(30);

    public required string Group { get; init; }

    /// <summary>The largest part of a document's keys that may go at once without the release saying so, 0 to 1.</summary>
    public double ShrinkMax { get; init; } = 0.2;

    public DriftMode Drift { get; init; }
}

/// <summary>Files that change together, and the program that reads them.</summary>
public sealed record GroupOptions
{
    public required string Name { get; init; }

    /// <summary>For changes of keys that are all live. Null: the restart is for those too.</summary>
    public ActionOptions? Live { get; init; }

    /// <summary>For other changes. Null with a live action: the operator restarts.</summary>
    public ActionOptions? Restart { get; init; }

    /// <summary>Null: a restart asks nobody.</summary>
    public SlotsOptions? RestartSlots { get; init; }

    /// <summary>So long nothing may come before the group begins.</summary>
    public TimeSpan SettleMin { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>So long it waits at most.</summary>
    public TimeSpan SettleMax { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The action comes up to so much later, another time on each node.</summary>
    public TimeSpan Splay { get; init; }

    /// <summary>Longest time for one action, and for a verifying command.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(90);

    public VerifyOptions? Verify { get; init; }

    /// <summary>Whether the last good files come back when the action or the look after it fails.</summary>
    public bool RestoreOnFailure { get; init; } = true;

    public bool HasAction => Live is not null || Restart is not null;
}

/// <summary>What tells a program: a command, or a signal.</summary>
public sealed record ActionOptions
{
    /// <summary>Program and arguments; empty for a signal.</summary>
    public ImmutableArray<string> Command { get; init => field = value.IsDefault ? [] : value; } = [];

    /// <summary>To the main process of <see cref="PidFile"/>.</summary>
    public int Signal { get; init; }

    public string PidFile { get; init; } = "";
}

/// <summary>So many nodes restart at a time.</summary>
/// <param name="Name">Of the semaphore, below <see cref="Prefix"/>.</param>
/// <param name="Count">A number of nodes, or of percent.</param>
/// <param name="IsPercent">Of the nodes of the space, one at least.</param>
public sealed record SlotsOptions(string Name, int Count, bool IsPercent)
{
    public const string Prefix = "conclave-agent/slots/";
}

/// <summary>How a group looks whether its program is well.</summary>
public sealed record VerifyOptions
{
    /// <summary>Has to end with 0; empty to look at a registration.</summary>
    public ImmutableArray<string> Command { get; init => field = value.IsDefault ? [] : value; } = [];

    public string Service { get; init; } = "";

    /// <summary>"" is the node's name.</summary>
    public string Instance { get; init; } = "";

    public TimeSpan Within { get; init; } = TimeSpan.FromSeconds(60);
}
