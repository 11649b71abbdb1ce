using System.Collections.Concurrent;
using System.Collections.Immutable;
using Conclave.Layers.Rollouts;
using V1 = Conclave.Wire.V1;

namespace Conclave.Layers.Serving.Rollouts;

/// <summary>What a rollout's nodes make of it, by what agents reported.</summary>
/// <remarks>
/// Any thread; one at a time looks. It remembers what documents nodes should have, and of a newer snapshot evaluates only those of which something
/// differs: a fact that one node reports does not cost all documents of ten thousand. What it showed last it shows again for ten times as long as that took, a second at most.
/// </remarks>
public sealed class RolloutObserver(FleetStates states)
{
    private const int FailedMax = 100, RestTimes = 10;
    private static readonly TimeSpan ShownAgeMax = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<long, LastShown> _shown = new();   // by release

    // Under the gate: what nodes should have by the snapshot that was asked about last, and by the one before it.
    private Dictionary<(long Release, string Node), Known> _expected = [], _before = [];
    private readonly Dictionary<(Fleet From, ResolutionInputs Inputs, Fleet To), FleetDelta> _deltas = [];
    private SpaceSnapshot? _of;

    /// <summary>An agent that has said nothing for so long is silent.</summary>
    public static TimeSpan SilentAfter { get; } = TimeSpan.FromSeconds(60);

    /// <summary>A document that the rollout makes different on a node.</summary>
    /// <param name="Document">Its name.</param>
    /// <param name="IsNew">The release makes the document.</param>
    /// <param name="Content">Its hash with the release. To find it takes the whole document, so it is left until a report has to be compared.</param>
    private sealed record Expected(string Document, bool IsNew, Lazy<byte[]> Content)
    {
        public ReadOnlySpan<byte> Hash => Content.Value;
    }

    /// <summary>What a rollout makes different on a node, and what that was found in.</summary>
    private sealed record Known(ImmutableArray<Expected> Documents, Fleet With, Fleet Without, ResolutionInputs Inputs);

    /// <param name="Of">Of which record.</param>
    /// <param name="Message">What was shown.</param>
    /// <param name="At">When, a timestamp.</param>
    /// <param name="Cost">How long it took.</param>
    private sealed record LastShown(ActiveRollout Of, V1.Rollout Message, long At, TimeSpan Cost);

    /// <summary>The nodes that the stages so far have selected.</summary>
    public Observation Observe(SpaceSnapshot now, ActiveRollout active) => Observe(now, active, out _);

    /// <summary>The same, with the numbers for each stage that has begun.</summary>
    public Observation Observe(SpaceSnapshot now, ActiveRollout active, out ImmutableArray<V1.StageProgress> progress)
    {
        lock (_gate) return ObserveUnderLock(now, active, out progress);
    }

    private Observation ObserveUnderLock(SpaceSnapshot now, ActiveRollout active, out ImmutableArray<V1.StageProgress> progress)
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
        var seen = new Observation(acknowledged, failed.ToImmutable(), waiting.ToImmutable());
        return seen.Nodes > 0 ? seen : seen with { Unobserved = UnobservedIn(now, active) };
    }

    /// <summary>The last position that the next stage takes in.</summary>
    public long ThresholdOfNext(SpaceSnapshot now, ActiveRollout active)
    {
        lock (_gate)
        {
            return RolloutSelection.ThresholdFor(active.Rollout.Strategy.Stages[active.Rollout.Thresholds.Length], active.GroupsAt(now.State), active.SelectionAt(now.State),
                node => Counts(now, active, node));
        }
    }

    /// <summary>The rollout as people and programs see it, at this moment.</summary>
    public V1.Rollout Shown(SpaceSnapshot now, ActiveRollout active)
    {
        lock (_gate) return ShownUnderLock(now, active);
    }

    /// <summary>The same for whoever only asks: a little old where a look takes long, and as it was when another look is under way.</summary>
    public V1.Rollout ShownLately(SpaceSnapshot now, ActiveRollout active)
    {
        LastShown? last = _shown.GetValueOrDefault(active.Rollout.Release);
        if (last is not null && ReferenceEquals(last.Of, active) && states.Time.GetElapsedTime(last.At) is var age && age < last.Cost * RestTimes && age < ShownAgeMax) return last.Message.Clone();
        if (last is not null && ReferenceEquals(last.Of, active))
        {
            if (!_gate.TryEnter()) return last.Message.Clone();
        }
        else
        {
            _gate.Enter();
        }

        try
        {
            return ShownUnderLock(now, active);
        }
        finally
        {
            _gate.Exit();
        }
    }

    private V1.Rollout ShownUnderLock(SpaceSnapshot now, ActiveRollout active)
    {
        long start = states.Time.GetTimestamp();
        Observation seen = ObserveUnderLock(now, active, out ImmutableArray<V1.StageProgress> progress);
        V1.Rollout message = RolloutMessages.Record(active.Rollout, now.State.Dimensions).Rollout;
        message.Progress.AddRange(progress);
        message.Failed.AddRange(seen.Failed.Take(FailedMax));
        _shown[active.Rollout.Release] = new LastShown(active, message.Clone(), states.Time.GetTimestamp(), states.Time.GetElapsedTime(start));
        return message;
    }

    /// <summary>Nodes of the space that the release changes, when the agent of none of them uses any of its documents; 0 when one does.</summary>
    private int UnobservedIn(SpaceSnapshot now, ActiveRollout active)
    {
        int changed = 0;
        foreach (string node in now.State.Nodes.Keys)
        {
            if (ExpectedOf(now, active, node).IsEmpty) continue;
            if (Counts(now, active, node)) return 0;
            changed++;
        }

        return changed;
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
            bool runs = isFresh && said is { Name: "applied" } && (active.Faults.HasFlag(ServingFaults.TakeAnyAcknowledgement) || said.Hash.IsEmpty ? IsOf(active.Rollout, expected, said) : said.Hash.Span.SequenceEqual(expected.Hash));
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
        return said.Hash.Span.SequenceEqual(expected.Hash) && (!isOwn || said.Release == 0);
    }

    /// <summary>Its agent reports, but not of this document. Of a new document an agent that does not name all of its documents cannot have reported yet.</summary>
    private bool IsUnused(string space, string node, Expected expected) => states.Find(space, node, expected.Document) is null
        && (expected.IsNew ? states.ListsAll(space, node, SilentAfter) : states.IsHeard(space, node, SilentAfter));

    /// <summary>Documents of the node that are different with the release.</summary>
    private ImmutableArray<Expected> ExpectedOf(SpaceSnapshot now, ActiveRollout active, string node)
    {
        if (!ReferenceEquals(_of, now))
        {
            (_before, _expected, _of) = (_expected, [], now);
            _deltas.Clear();
        }

        if (_expected.TryGetValue((active.Rollout.Release, node), out Known? known)) return known.Documents;
        (FleetVersions versions, int bit) = VersionsWith(now, active);
        int held = versions.HeldBy(node);
        Fleet with = versions.FleetOf(held & ~bit), without = versions.FleetOf(held | bit);
        if (_before.TryGetValue((active.Rollout.Release, node), out Known? before) && IsSame(before.With, with, before.Inputs) && IsSame(before.Without, without, before.Inputs))
            return Remember([.. before.Documents.Select(e => e.Content.IsValueCreated ? e : e with { Content = ContentOf(e.Document) })]);   // or it would be found in what is long past
        var expected = ImmutableArray.CreateBuilder<Expected>();
        foreach (string document in active.Faults.HasFlag(ServingFaults.IgnoreGated) ? active.Rollout.Documents : active.Rollout.Gated)
        {
            if (Differs(document)) expected.Add(new Expected(document, !without.State.Documents.ContainsKey(document), ContentOf(document)));
        }

        return Remember(expected.ToImmutable());

        Lazy<byte[]> ContentOf(string document) => new(() => with.Effective(node, document, now.Inputs)!.Hash.ToArray());   // it differs, so the node is there

        bool Differs(string document)
        {
            if (DeltaOf(without, with, now.Inputs).For(node, document) is { IsEmpty: false }) return true;
            // No value tells of a document that becomes one which cannot be had.
            return with.Effective(node, document, now.Inputs) is { } candidate && without.Effective(node, document, now.Inputs) is { } old
                && !(candidate.Hash.SequenceEqual(old.Hash) && candidate.Problems.Length == old.Problems.Length);
        }

        ImmutableArray<Expected> Remember(ImmutableArray<Expected> documents)
        {
            _expected[(active.Rollout.Release, node)] = new Known(documents, with, without, now.Inputs);
            return documents;
        }

        bool IsSame(Fleet from, Fleet to, ResolutionInputs inputs)
        {
            if (ReferenceEquals(from, to) && ReferenceEquals(inputs, now.Inputs)) return true;
            FleetDelta delta = DeltaOf(from, to, inputs);
            return active.Rollout.Gated.All(d => delta.For(node, d) is { IsEmpty: true });
        }

        FleetDelta DeltaOf(Fleet from, Fleet to, ResolutionInputs inputs) =>
            _deltas.TryGetValue((from, inputs, to), out FleetDelta? delta) ? delta : _deltas[(from, inputs, to)] = from.DeltaTo(to, inputs, now.Inputs);
    }

    private static (FleetVersions Versions, int Bit) VersionsWith(SpaceSnapshot now, ActiveRollout active)
    {
        int at = now.Versions?.Rollouts.IndexOf(active) ?? -1;
        return at >= 0 ? (now.Versions!, 1 << at)   // it was found there
            : throw new InvalidOperationException($"The rollout of release {active.Rollout.Release} is not of this snapshot. This is a bug: report it.");
    }
}
