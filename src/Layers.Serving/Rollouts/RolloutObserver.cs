using System.Collections.Immutable;
using Conclave.Layers.Rollouts;
using V1 = Conclave.Wire.V1;

namespace Conclave.Layers.Serving.Rollouts;

/// <summary>What a rollout's nodes make of it, by what agents reported.</summary>
/// <remarks>One thread at a time. It remembers what documents nodes should have for as long as it is asked about the same snapshot.</remarks>
public sealed class RolloutObserver(FleetStates states)
{
    private const int FailedMax = 100;

    private readonly Dictionary<(long Release, string Node), ImmutableArray<Expected>> _expected = [];
    private SpaceSnapshot? _of;

    /// <summary>An agent that has said nothing for so long is silent.</summary>
    public static TimeSpan SilentAfter { get; } = TimeSpan.FromSeconds(60);

    /// <summary>A document that the rollout makes different on a node.</summary>
    /// <param name="Document">Its name.</param>
    /// <param name="Hash">With the release.</param>
    /// <param name="IsNew">The release makes the document.</param>
    private sealed record Expected(string Document, ReadOnlyMemory<byte> Hash, bool IsNew);

    /// <summary>The nodes that the stages so far have selected.</summary>
    public Observation Observe(SpaceSnapshot now, ActiveRollout active) => Observe(now, active, out _);

    /// <summary>The same, with the numbers for each stage that has begun.</summary>
    public Observation Observe(SpaceSnapshot now, ActiveRollout active, out ImmutableArray<V1.StageProgress> progress)
    {
        var stages = new V1.StageProgress[active.Rollout.Thresholds.Length];
        for (int i = 0; i < stages.Length; i++) stages[i] = new V1.StageProgress();
        int acknowledged = 0;
        var failed = ImmutableArray.CreateBuilder<string>();
        var waiting = ImmutableArray.CreateBuilder<string>();
        RolloutSelection selection = active.SelectionAt(now.State);
        foreach (string node in now.State.Nodes.Keys)
        {
            int first = selection.StageOf(node);
            if (first < 0 || (active.Faults.HasFlag(ServingFaults.WaitForNobody) && first == active.Rollout.Stage)) continue;
            NodeStanding standing = StandingOf(now, active, node, out string message);
            if (standing == NodeStanding.Unused) continue;
            bool isSilent = standing == NodeStanding.Waiting && !states.IsHeard(now.Space, node, SilentAfter);
            for (int i = first; i < stages.Length; i++)
            {
                stages[i].Nodes++;
                if (standing == NodeStanding.Acknowledged) stages[i].Acknowledged++;
                else if (standing == NodeStanding.Failed) stages[i].Failed++;
                else if (isSilent) stages[i].Silent++;
            }

            if (standing == NodeStanding.Acknowledged) acknowledged++;
            else if (standing == NodeStanding.Failed) failed.Add($"{node}: {message}");
            else waiting.Add(node);
        }

        progress = [.. stages];
        return new Observation(acknowledged, failed.ToImmutable(), waiting.ToImmutable());
    }

    /// <summary>The last position that the next stage takes in.</summary>
    public long ThresholdOfNext(SpaceSnapshot now, ActiveRollout active) => RolloutSelection.ThresholdFor(
        active.Rollout.Strategy.Stages[active.Rollout.Thresholds.Length], active.GroupsAt(now.State), active.SelectionAt(now.State), node => Counts(now, active, node));

    /// <summary>The rollout as people and programs see it.</summary>
    public V1.Rollout Shown(SpaceSnapshot now, ActiveRollout active)
    {
        Observation seen = Observe(now, active, out ImmutableArray<V1.StageProgress> progress);
        V1.Rollout message = RolloutMessages.Record(active.Rollout, now.State.Dimensions).Rollout;
        message.Progress.AddRange(progress);
        message.Failed.AddRange(seen.Failed.Take(FailedMax));
        return message;
    }

    /// <summary>Whether the release changes anything that the node's agent uses.</summary>
    private bool Counts(SpaceSnapshot now, ActiveRollout active, string node) =>
        ExpectedOf(now, active, node) is { IsEmpty: false } expected && !expected.All(e => IsUnused(now.Space, node, e));

    private NodeStanding StandingOf(SpaceSnapshot now, ActiveRollout active, string node, out string message)
    {
        message = "";
        (bool waits, bool acknowledges) = (false, false);
        foreach (Expected expected in ExpectedOf(now, active, node))
        {
            if (IsUnused(now.Space, node, expected)) continue;
            FleetStates.State? said = states.Find(now.Space, node, expected.Document);
            // What an agent said long ago may have been of an earlier release with the same content.
            bool isFresh = said is not null && states.Age(said) <= SilentAfter.TotalMilliseconds;
            if (isFresh && said is { Name: "failed" or "rejected" } && IsOf(active.Rollout, expected, said))
            {
                message = said.Message.Length > 0 ? said.Message : said.Name;
                return NodeStanding.Failed;
            }

            // A hash says more than a number: facts and references change documents, too.
            bool runs = isFresh && said is { Name: "applied" } && (active.Faults.HasFlag(ServingFaults.TakeAnyAcknowledgement) || said.Hash.IsEmpty ? IsOf(active.Rollout, expected, said) : said.Hash.Span.SequenceEqual(expected.Hash.Span));
            acknowledges |= runs;
            waits |= !runs;
        }

        return waits ? NodeStanding.Waiting : acknowledges ? NodeStanding.Acknowledged : NodeStanding.Unused;
    }

    /// <summary>Whether a report is of what the rollout brings, and not of what the node had before.</summary>
    private static bool IsOf(Rollout rollout, Expected expected, FleetStates.State said)
    {
        // Nobody else edits the rollout's own documents while it is active. One that only refers to them may have newer releases of its own.
        bool isOwn = rollout.Documents.Contains(expected.Document);
        if (said.Release >= rollout.Release && (isOwn || said.Hash.IsEmpty)) return true;
        // The same content in an older release was something else: it was taken back, and the node kept quiet since.
        return said.Hash.Span.SequenceEqual(expected.Hash.Span) && (!isOwn || said.Release == 0);
    }

    /// <summary>Its agent reports, but not of this document. Of a new document no agent can have reported yet.</summary>
    private bool IsUnused(string space, string node, Expected expected) => !expected.IsNew && states.Find(space, node, expected.Document) is null && states.IsHeard(space, node, SilentAfter);

    /// <summary>Documents of the node that are different with the release.</summary>
    private ImmutableArray<Expected> ExpectedOf(SpaceSnapshot now, ActiveRollout active, string node)
    {
        if (!ReferenceEquals(_of, now))
        {
            _expected.Clear();
            _of = now;
        }

        if (_expected.TryGetValue((active.Rollout.Release, node), out ImmutableArray<Expected> known)) return known;
        (FleetVersions versions, int bit) = VersionsWith(now, active);
        int held = versions.HeldBy(node);
        Fleet with = versions.FleetOf(held & ~bit), without = versions.FleetOf(held | bit);
        var expected = ImmutableArray.CreateBuilder<Expected>();
        foreach (string document in active.Faults.HasFlag(ServingFaults.IgnoreGated) ? active.Rollout.Documents : active.Rollout.Gated)
        {
            if (with.Effective(node, document, now.Inputs) is not { } candidate || without.Effective(node, document, now.Inputs) is not { } before) continue;
            if (candidate.Hash.SequenceEqual(before.Hash) && candidate.Problems.Length == before.Problems.Length) continue;
            expected.Add(new Expected(document, candidate.Hash.ToArray(), !without.State.Documents.ContainsKey(document)));
        }

        return _expected[(active.Rollout.Release, node)] = expected.ToImmutable();
    }

    private static (FleetVersions Versions, int Bit) VersionsWith(SpaceSnapshot now, ActiveRollout active)
    {
        int at = now.Versions?.Rollouts.IndexOf(active) ?? -1;
        return at >= 0 ? (now.Versions!, 1 << at)   // it was found there
            : throw new InvalidOperationException($"The rollout of release {active.Rollout.Release} is not of this snapshot. This is a bug: report it.");
    }
}
