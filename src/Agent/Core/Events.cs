using System.Collections.Immutable;
using V1 = Conclave.Wire.V1;

namespace Conclave.Agent;

/// <summary>What the core is told.</summary>
public abstract record AgentEvent;

/// <summary>Once, first: what the state directory holds.</summary>
/// <param name="Documents">Received last.</param>
/// <param name="Groups">By name; a group that is not there has nothing.</param>
public sealed record Started(ImmutableArray<AgentDocument> Documents, ImmutableDictionary<string, GroupOnDisk> Groups) : AgentEvent;

/// <summary>What the state directory holds of a group.</summary>
/// <param name="Journal">Where it was.</param>
/// <param name="Good">What was last known to be well.</param>
/// <param name="Next">What was on its way.</param>
public sealed record GroupOnDisk(Journal Journal, GroupVersion? Good, GroupVersion? Next);

/// <summary>A message of the stream.</summary>
public sealed record Received(V1.Delta Delta) : AgentEvent;

/// <summary>An effect with a step number has ended.</summary>
public sealed record StepDone(string Group, long Step, StepResult Result) : AgentEvent;

/// <summary>Something happened to a file.</summary>
public sealed record Touched(string File) : AgentEvent;

/// <summary>What a file is found to be.</summary>
/// <param name="File">Which one.</param>
/// <param name="Hash">SHA-256 in hexadecimal; null when it is not there.</param>
/// <param name="Wrong">What else is not as it should be, or "".</param>
public sealed record Inspected(string File, string? Hash, string Wrong) : AgentEvent;

/// <summary>The operator says that a group's program was restarted.</summary>
public sealed record Restarted(string Group) : AgentEvent;

/// <summary>Nothing but that time has passed.</summary>
public sealed record Ticked : AgentEvent;

/// <summary>How an effect ended.</summary>
/// <param name="Failure">Null when it is done; else what happened.</param>
public sealed record StepResult(string? Failure = null)
{
    public static readonly StepResult Done = new();

    /// <summary>With a failure: it may have been done all the same.</summary>
    public bool MayBeDone { get; init; }

    /// <summary>Of <see cref="StageFiles"/>: names of files that are as wanted already.</summary>
    public ImmutableHashSet<string> Same { get; init; } = [];

    /// <summary>Of <see cref="StageFiles"/>: what the files held before.</summary>
    public ImmutableArray<FileContent> Before { get; init => field = value.IsDefault ? [] : value; } = [];
}
