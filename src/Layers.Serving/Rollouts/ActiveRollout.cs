using System.Collections.Immutable;
using Conclave.Layers.Rollouts;
using Conclave.Store;
using Conclave.Wire.Etcd.Mvccpb;
using Conclave.Wire.Grpc;
using V1 = Conclave.Wire.V1;

namespace Conclave.Layers.Serving.Rollouts;

/// <summary>A rollout that nodes are held back by, as it was recorded last.</summary>
/// <param name="rollout">The rollout.</param>
/// <param name="inverse">What takes its release back.</param>
/// <param name="revision">Where the record was written last: whoever writes it next says so.</param>
public sealed class ActiveRollout(Rollout rollout, ImmutableArray<Edit> inverse, long revision)
{
    private volatile Selected? _selected;

    public Rollout Rollout => rollout;

    public ImmutableArray<Edit> Inverse => inverse;

    public long Revision => revision;

    internal ServingFaults Faults { get; init; }

    /// <summary>All nodes in the rollout's groups.</summary>
    public RolloutGroups GroupsAt(ConfigState state) => SelectedAt(state).Groups;

    /// <summary>Who is in by now.</summary>
    public RolloutSelection SelectionAt(ConfigState state) => SelectedAt(state).Selection;

    /// <summary>Takes in what a view has more than was known.</summary>
    /// <returns>The same array when nothing changed.</returns>
    /// <exception cref="ConfigDamagedException">A record cannot be read.</exception>
    internal static ImmutableArray<ActiveRollout> Follow(StoreView view, string space, ImmutableArray<ActiveRollout> before, long changedAfter, ServingFaults faults)
    {
        ImmutableArray<ActiveRollout> now = before;
        foreach (KeyValue kv in StoreReads.All(view, ConfigKeys.Rollouts(space), changedAfter))
        {
            Rollout rollout = Read(kv);
            ActiveRollout? known = now.FirstOrDefault(a => a.Rollout.Release == rollout.Release);
            if (known is not null) now = now.Remove(known);
            if (rollout.IsActive) now = now.Add(new ActiveRollout(rollout, known?.Inverse ?? InverseOf(view, space, rollout.Release), kv.ModRevision) { Faults = faults });
        }

        return now == before ? before : [.. now.OrderBy(a => a.Rollout.Release)];
    }

    private static Rollout Read(KeyValue kv)
    {
        try
        {
            return RolloutMessages.Read(MessageBytes.Parse(V1.RolloutRecord.Parser, kv.Value.Span));
        }
        catch (UnreadableMessageException damage)
        {
            throw new ConfigDamagedException($"{kv.Key.ToStringUtf8()} is no record of a rollout: {damage.Message}");
        }
    }

    private static ImmutableArray<Edit> InverseOf(StoreView view, string space, long release)
    {
        KeyValue kv = StoreReads.Find(view, ConfigKeys.Inverse(space, release)) ?? throw new ConfigDamagedException($"What takes release {release} of space {space} back is missing.");
        try
        {
            return ChangeRecord.FromBytes(kv.Value.Span).Change.Edits;
        }
        catch (RecordDamagedException damage)
        {
            throw new ConfigDamagedException($"What takes release {release} of space {space} back cannot be read: {damage.Message}");
        }
    }

    // Made once for the same nodes: a report of facts makes a new snapshot and moves nobody.
    private Selected SelectedAt(ConfigState state)
    {
        if (_selected is { } known && ReferenceEquals(known.Nodes, state.Nodes) && ReferenceEquals(known.Dimensions, state.Dimensions)) return known;
        RolloutGroups groups = RolloutGroups.Of(state.Nodes, rollout.Release, rollout.Uniform);
        return _selected = new Selected(state.Nodes, state.Dimensions, groups, RolloutSelection.Of(rollout, groups, state));
    }

    private sealed record Selected(ImmutableSortedDictionary<string, Assignment> Nodes, Dimensions Dimensions, RolloutGroups Groups, RolloutSelection Selection);
}
