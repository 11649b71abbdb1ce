using System.Collections.Immutable;

namespace Conclave.Layers;

/// <summary>What became of a change record.</summary>
/// <param name="Fleet">The fleet afterwards; the one before when it was refused.</param>
/// <param name="Problems">Why it was refused; empty when it was applied.</param>
public sealed record PublishResult(Fleet Fleet, ImmutableArray<ConfigProblem> Problems)
{
    public bool IsPublished => Problems.IsEmpty;

    /// <summary>The release that the change became; of no meaning when it was refused.</summary>
    public long Release => Fleet.State.Release;
}

/// <summary>Releases: plan, publish, look back, take back.</summary>
public static class Publishing
{
    /// <summary>Checks a change and tells its effects. Changes nothing.</summary>
    /// <param name="fleet">The current release.</param>
    /// <param name="change">The edits.</param>
    /// <param name="note">Who and why.</param>
    /// <param name="inputs">Facts, for a truer preview. Missing ones are warnings, never errors.</param>
    public static Plan Plan(this Fleet fleet, Change change, ReleaseNote note, ResolutionInputs? inputs = null) => Planner.Plan(fleet, change, note, inputs ?? ResolutionInputs.None);

    /// <summary>Applies one log entry. Equal fleet and equal record give equal results everywhere: facts, clocks and locales have no part in it.</summary>
    public static PublishResult Publish(this Fleet fleet, ChangeRecord record)
    {
        if (record.CheckedAt != fleet.State.Release)
        {
            Plan plan = Planner.Plan(fleet, record.Change, record.Note, ResolutionInputs.None);
            return plan.After is { } checkedFleet ? new(checkedFleet, []) : new(fleet, [.. plan.Problems.Where(p => p.IsError)]);
        }
        var problems = new ProblemList();
        if (EditChecks.Check(fleet.State, record, problems) is not { } state)
            return new(fleet, [.. problems.ToArray().Where(p => p.IsError)]);
        return new(fleet.Advance(Stamp(fleet.State, state, record), record.Change.Edits), []);
    }

    /// <summary>The content of an earlier release, as a state of its own: for reads at a release. Its history is that of the current one.</summary>
    /// <returns>Null when the release is in the future or no longer reachable.</returns>
    public static ConfigState? At(this ConfigState state, long release)
    {
        if (release > state.Release || release < state.OldestReachable)
            return null;
        return release == state.Release ? state : WithRelease(Editing.Apply(state, EditsBackTo(state, release), release), release);
    }

    /// <summary>The content after the record of the next release, which was accepted when it was published: for a past whose history is not kept. Nothing is checked.</summary>
    public static ConfigState Replay(this ConfigState state, ChangeRecord record) => WithRelease(Editing.Apply(state, record.Change.Edits, state.Release + 1), state.Release + 1, state.Notes);

    /// <summary>Content that was put together again, with the notes of the current state.</summary>
    public static ConfigState SeenFrom(this ConfigState content, ConfigState now) => WithRelease(content, content.Release, now.Notes);

    /// <summary>The change that gives exactly the content of an earlier release back.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The release is in the future or no longer reachable.</exception>
    public static Change ReturnTo(this ConfigState state, long release) => release <= state.Release && release >= state.OldestReachable
        ? new(state.Release, EditsBackTo(state, release))
        : throw new ArgumentOutOfRangeException(nameof(release), $"Release {release} cannot be returned to; {state.OldestReachable} to {state.Release} can.");

    /// <summary>The change that takes one release back and leaves later ones alone.</summary>
    /// <param name="state">The current state.</param>
    /// <param name="release">The release.</param>
    /// <param name="change">Its inverse.</param>
    /// <param name="problem">Why it cannot be taken back alone.</param>
    public static bool TryRevert(this ConfigState state, long release, out Change? change, out ConfigProblem? problem)
    {
        (change, problem) = (null, null);
        if (!state.Bodies.TryGetValue(release, out ReleaseBody? body))
        {
            problem = new(ProblemCodes.Conflict, $"Release {release} is not kept; {state.OldestReachable + 1} to {state.Release} are.");
            return false;
        }
        HashSet<object> touched = [.. body.Forward.Select(Editing.AddressOf)];
        for (long later = release + 1; later <= state.Release; later++)
        {
            if (state.Bodies[later].Forward.FirstOrDefault(e => touched.Contains(Editing.AddressOf(e))) is { } overwritten)
            {
                problem = new(ProblemCodes.Conflict, $"Release {later} has changed what release {release} wrote ({Editing.AddressOf(overwritten)}). Take that back first, or return to release {release - 1} as a whole.");
                return false;
            }
        }
        change = new(state.Release, body.Inverse);
        return true;
    }

    /// <summary>What differs between two releases: edits that lead from the first to the second, one per address.</summary>
    /// <returns>Null when one of them is not reachable.</returns>
    public static ImmutableArray<(Edit Before, Edit After)>? Diff(this ConfigState state, long from, long to)
    {
        if (state.At(Math.Min(from, to)) is not { } low || state.At(Math.Max(from, to)) is not { } high)
            return null;
        ImmutableArray<Edit> touched = [.. Enumerable.Range(0, (int)(high.Release - low.Release)).SelectMany(i => state.Bodies[low.Release + 1 + i].Forward)];
        ImmutableArray<Edit> atLow = Editing.Invert(low, touched), atHigh = Editing.Invert(high, touched);
        IEnumerable<(Edit Low, Edit High)> pairs = atLow.Zip(atHigh).Where(p => !p.First.Equals(p.Second));
        return [.. pairs.Select(p => from <= to ? p : (p.High, p.Low))];
    }

    /// <summary>What is otherwise than in an earlier state, of all that some edits touch: edits that lead there from the earlier one.</summary>
    /// <param name="state">The later state.</param>
    /// <param name="before">The earlier one.</param>
    /// <param name="touched">Which addresses. What the edits say counts for nothing.</param>
    public static ImmutableArray<Edit> MovedSince(this ConfigState state, ConfigState before, ImmutableArray<Edit> touched)
    {
        ImmutableArray<Edit> then = Editing.Invert(before, touched), now = Editing.Invert(state, touched);
        return [.. then.Zip(now).Where(p => !p.First.Equals(p.Second) && !IsRewritten(p.First, p.Second)).Select(p => p.Second)];

        // Written again as it was: nothing moved but the release that says it.
        static bool IsRewritten(Edit a, Edit b) => a is EntryEdit { Entry: { } old } && b is EntryEdit { Entry: { } next } && old with { Release = 0 } == next with { Release = 0 };
    }

    /// <summary>Adds number, note and inverse to the content after a change, and lets go of the oldest history beyond the bounds.</summary>
    internal static ConfigState Stamp(ConfigState before, ConfigState after, ChangeRecord record)
    {
        long release = before.Release + 1;
        ImmutableArray<Edit> inverse = Editing.Invert(before, record.Change.Edits);
        var writer = new CanonicalWriter();
        Records.ChangeCodec.Write(writer, record.Change.Edits);
        Records.ChangeCodec.Write(writer, inverse);
        var bodies = before.Bodies.Add(release, new(record.Change.Edits, inverse, writer.Length));
        long bytes = before.BodyBytes + writer.Length;
        while (bytes > Limits.HistoryBytesMax && bodies.Count > 1)
        {
            long oldest = bodies.Keys.First();
            bytes -= bodies[oldest].Bytes;
            bodies = bodies.Remove(oldest);
        }
        var notes = before.Notes.Add(release, record.Note);
        while (notes.Count > Limits.NotesMax)
            notes = notes.Remove(notes.Keys.First());
        return new ConfigState
        {
            Release = release,
            Dimensions = after.Dimensions,
            Nodes = after.Nodes,
            Documents = after.Documents,
            NodesHead = after.NodesHead,
            EntryCount = after.EntryCount,
            Notes = notes,
            Bodies = bodies,
            BodyBytes = bytes,
        };
    }

    private static ImmutableArray<Edit> EditsBackTo(ConfigState state, long release)
    {
        // The inverse of the oldest release to be undone knows what was there before; of two edits of one address the later counts.
        var last = new Dictionary<object, Edit>();
        for (long undone = state.Release; undone > release; undone--)
        {
            foreach (Edit edit in state.Bodies[undone].Inverse)
                last[Editing.AddressOf(edit)] = edit;
        }
        return [.. last.Values];
    }

    private static ConfigState WithRelease(ConfigState state, long release, ImmutableSortedDictionary<long, ReleaseNote>? notes = null) => new()
    {
        Release = release,
        Dimensions = state.Dimensions,
        Nodes = state.Nodes,
        Documents = state.Documents,
        NodesHead = state.NodesHead,
        EntryCount = state.EntryCount,
        Notes = notes ?? state.Notes,
    };
}
