using System.Collections.Immutable;
using Conclave.Layers;

namespace Conclave.Simulator;

/// <summary>What an entry of the log means for the configuration, told without the configuration's own types: for the history that everything is compared with.</summary>
internal abstract record ConfigWrite;

/// <param name="Node">Whose.</param>
/// <param name="Address">The one fact that there is.</param>
internal sealed record ConfigFacts(string Node, string Address) : ConfigWrite;

/// <param name="Number">Which release it was made to be.</param>
/// <param name="RequestId">Of whoever asked for it.</param>
/// <param name="Edits">What it changes.</param>
internal sealed record ConfigRelease(long Number, string RequestId, ImmutableArray<ConfigEdit> Edits) : ConfigWrite
{
    /// <summary>How it reaches its nodes; null when all have it at once.</summary>
    public ConfigStrategy? Strategy { get; init; }

    /// <summary>Up to where its first stage takes nodes in.</summary>
    public long FirstThreshold { get; init; }
}

/// <param name="Release">Whose rollout.</param>
/// <param name="Phase">What it becomes, in lower case.</param>
/// <param name="Thresholds">Up to where each stage that has begun takes nodes in.</param>
/// <param name="By">"driver", or what somebody asked for.</param>
/// <param name="TakenBackBy">The release that takes it back in the same entry, or 0.</param>
internal sealed record ConfigRolloutMove(long Release, string Phase, ImmutableArray<long> Thresholds, string By, long TakenBackBy) : ConfigWrite;

/// <param name="Scope">Whom it takes in: a scope of one pair, or "" where a position decides.</param>
/// <param name="Text">The stage as people write it.</param>
internal sealed record ConfigStage(string Scope, string Text);

/// <param name="Stages">One after another.</param>
/// <param name="FailuresPercent">So many of the nodes may fail.</param>
/// <param name="SilenceMs">After so long without an acknowledgement it is paused.</param>
internal sealed record ConfigStrategy(ImmutableArray<ConfigStage> Stages, int FailuresPercent, long SilenceMs);

/// <summary>One change, and the same in the words of the library.</summary>
internal abstract record ConfigEdit
{
    public abstract Edit ToEdit();
}

/// <summary>The dimensions: host before site.</summary>
internal sealed record ConfigFoundation : ConfigEdit
{
    public override Edit ToEdit() => new DimensionsEdit([new Dimension("site"), new Dimension("host")], "host");
}

internal sealed record ConfigMove(string Node, string Site) : ConfigEdit
{
    public override Edit ToEdit() => new NodeEdit(Node, Assignment.Of(new ScopePair("site", Site)));
}

/// <param name="Document">One of a few.</param>
/// <param name="Scope">"*", or one pair.</param>
/// <param name="Key">One letter.</param>
/// <param name="Text">What it is set to; "" leaves the key out, null takes the entry away.</param>
internal sealed record ConfigSet(string Document, string Scope, string Key, string? Text) : ConfigEdit
{
    public (string Document, string Scope, string Key) Address => (Document, Scope, Key);

    public override Edit ToEdit()
    {
        if (!Layers.Scope.TryParse(Scope, out Scope? scope, out string problem)) throw new SimulationFailure(problem);
        return new EntryEdit(Document, scope, Key, Text switch { null => null, "" => Layers.Entry.Unset(), _ => Layers.Entry.Set(Value.Of(Text)) });
    }
}
