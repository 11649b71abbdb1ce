namespace Conclave.Processes.Watches;

/// <summary>A put that a writer was told of.</summary>
public readonly record struct KnownPut(string Key, ulong Value, long Revision);

/// <summary>Puts one watcher's events together to the sequence of all events, and proves that it is whole.</summary>
public static class SequenceChecks
{
    /// <summary>Every event, each with the state that was there before.</summary>
    /// <param name="watcher">Of all keys, with previous values, from revision 1 on.</param>
    /// <param name="problems">What does not fit.</param>
    public static IReadOnlyList<SeenEvent> Sequence(WatchedHistory watcher, List<string> problems)
    {
        List<SeenEvent> all = [];
        Dictionary<string, KeyState> states = [];
        foreach (WatchedResponse response in watcher.Streams.SelectMany(stream => stream.Responses))
        {
            if (response.IsCanceled)
                problems.Add($"{watcher.Name} was cancelled ({response.CompactRevision} {response.Said}); nothing was compacted that it had not seen.");
            foreach (SeenEvent seen in response.Events)
            {
                KeyState? before = states.TryGetValue(seen.Key, out KeyState state) ? state : null;
                if (Problem(seen, before, all.Count == 0 ? 1 : all[^1].Revision, response.CompactionAsked) is { } problem)
                    problems.Add($"{watcher.Name}: {problem}.");
                if (seen.IsDelete)
                    states.Remove(seen.Key);
                else
                    states[seen.Key] = seen.State;
                all.Add(seen with { Previous = before });
            }
        }
        return all;
    }

    /// <summary>Every revision makes at least one event, so a gap shows; every version follows the one before, so a lost event of one key shows.</summary>
    private static string? Problem(in SeenEvent seen, KeyState? before, long last, long compacted)
    {
        if (seen.Revision != last && seen.Revision != last + 1)
            return $"the {seen} came after revision {last}";
        if (seen.IsDelete && before is null)
            return $"the {seen}, which was not there";
        if (!seen.IsDelete && seen.State.Version != (before?.Version ?? 0) + 1)
            return $"the {seen} has version {seen.State.Version} after {before?.Version ?? 0}";
        if (!seen.IsDelete && seen.State.CreateRevision != (before?.CreateRevision ?? seen.Revision))
            return $"the {seen} was created at {seen.State.CreateRevision} and not at {before?.CreateRevision ?? seen.Revision}";
        return seen.Previous != before && !(seen.Previous is null && seen.Revision <= compacted) ? $"the {seen} with another value before it than was seen" : null;
    }

    /// <summary>What writers know and what is there in the end is in the sequence, and nothing else.</summary>
    /// <param name="all">From <see cref="Sequence"/>.</param>
    /// <param name="acknowledged">Puts by their revision.</param>
    /// <param name="tried">Every put that was tried, acknowledged or not.</param>
    /// <param name="final">All keys in the end.</param>
    /// <param name="finalRevision">Of that read.</param>
    public static IEnumerable<string> Contents(IReadOnlyList<SeenEvent> all, IEnumerable<KnownPut> acknowledged, IReadOnlySet<(string Key, ulong Value)> tried, IReadOnlyDictionary<string, KeyState> final, long finalRevision)
    {
        HashSet<KnownPut> puts = [.. all.Where(change => !change.IsDelete).Select(change => new KnownPut(change.Key, change.State.Value, change.Revision))];
        foreach (KnownPut lost in acknowledged.Where(put => !puts.Contains(put)))
            yield return $"Nobody was told of the put of {lost.Key} that was acknowledged at revision {lost.Revision}.";
        foreach (KnownPut odd in puts.Where(put => WatchKeys.IsOwn(put.Key) && !tried.Contains((put.Key, put.Value))))
            yield return $"The put of {odd.Key} at revision {odd.Revision} has a value that nobody wrote.";
        if ((all.Count == 0 ? 1 : all[^1].Revision) < finalRevision)
            yield return $"The sequence ends at revision {all[^1].Revision}, the store is at {finalRevision}.";
        Dictionary<string, KeyState> states = [];
        foreach (SeenEvent change in all.Where(change => change.Revision <= finalRevision))
        {
            if (change.IsDelete)
                states.Remove(change.Key);
            else
                states[change.Key] = change.State;
        }
        foreach (string key in states.Keys.Union(final.Keys).Where(key => !states.TryGetValue(key, out KeyState told) || !final.TryGetValue(key, out KeyState there) || told != there))
            yield return $"{key} is another in the store than what the events say.";
    }
}
