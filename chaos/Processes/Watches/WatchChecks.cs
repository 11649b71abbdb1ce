namespace Conclave.Processes.Watches;

/// <summary>What must hold of one watcher, compared with the whole sequence of events.</summary>
public static class WatchChecks
{
    private const int ProblemsMax = 5;

    /// <summary>Every stream brings exactly what its watcher wants, once, in order, revisions whole, with the right previous values; or says that it was compacted.</summary>
    /// <param name="watcher">What it was told.</param>
    /// <param name="all">Every event there was, in order, with the right previous state.</param>
    /// <param name="end">The watcher must have got this far; 0 when that does not matter.</param>
    public static IReadOnlyList<string> Check(WatchedHistory watcher, IReadOnlyList<SeenEvent> all, long end)
    {
        SeenEvent[] wanted = [.. all.Where(change => watcher.Wish.Wants(change))];
        List<string> problems = [];
        long next = 0;
        for (int i = 0; i < watcher.Streams.Count; i++)
        {
            WatchedStream stream = watcher.Streams[i];
            if (i > 0 && stream.Start > next)
                problems.Add($"{watcher.Name} asked for {stream.Start} at member {stream.Member + 1}, though it had got no further than {next - 1}: a mistake of the run.");
            var check = new StreamCheck(watcher, stream, wanted);
            problems.AddRange(check.Run());
            next = check.Next;
            if (problems.Count >= ProblemsMax)
                return problems;
        }
        if (problems.Count == 0 && next <= end)
            problems.Add($"{watcher.Name}: got no further than revision {next - 1} of {end}.");
        return problems;
    }

    private sealed class StreamCheck(WatchedHistory watcher, WatchedStream stream, SeenEvent[] wanted)
    {
        private int _at;
        private long _lastRevision;
        private bool _isInside;

        public long Next { get; private set; } = stream.Start;

        public IEnumerable<string> Run()
        {
            _at = FirstAt(Next);
            foreach (WatchedResponse response in stream.Responses)
            {
                if (Problem(response) is { } problem)
                {
                    yield return $"{watcher.Name}, from {stream.Start} at member {stream.Member + 1}, in the message of revision {response.Revision}: {problem}.";
                    yield break;
                }
                long before = Next;
                Next = WatchPosition.After(Next, response);
                if (before == 0)
                    _at = FirstAt(Next);
            }
        }

        private int FirstAt(long revision)
        {
            int low = 0, high = wanted.Length;
            while (low < high)
            {
                int middle = (low + high) / 2;
                if (wanted[middle].Revision < revision)
                    low = middle + 1;
                else
                    high = middle;
            }
            return low;
        }

        private string? Problem(WatchedResponse response)
        {
            if (_isInside && (response.Events.Count == 0 || response.IsCanceled))
                return $"revision {_lastRevision} broke off in the middle of its parts";
            if (response.IsCanceled)
                return Canceled(response);
            if (response.IsCreated)
                return null;
            return response.Events.Count == 0 ? Progress(response) : Events(response);
        }

        private string? Canceled(WatchedResponse response)
        {
            if (response.CompactRevision == 0)
                return $"cancelled without a compact revision ({response.Said})";
            if (response.CompactRevision <= Next)
                return $"cancelled for the compaction of {response.CompactRevision}, though it was at {Next}";
            return response.CompactRevision > response.CompactionAsked ? $"cancelled for a compaction of {response.CompactRevision}, which nobody asked for" : null;
        }

        private string? Progress(WatchedResponse response)
        {
            if (_at < wanted.Length && wanted[_at].Revision <= response.Revision)
                return $"progress, but the {wanted[_at]} was not told";
            return response.Revision < Next - 1 ? $"progress back to {response.Revision} from {Next - 1}" : null;
        }

        private string? Events(WatchedResponse response)
        {
            foreach (SeenEvent seen in response.Events)
            {
                if (seen.Revision < (_isInside ? _lastRevision : Next))
                    return $"the {seen} again, or late: it was at {Next}";
                if (_at == wanted.Length)
                    return $"the {seen}, which never was";
                SeenEvent expected = wanted[_at++];
                if (seen.Revision > expected.Revision)
                    return $"the {seen} without the {expected} before it";
                if (seen.Key != expected.Key || seen.IsDelete != expected.IsDelete || seen.State != expected.State)
                    return $"the {seen} where the {expected} was to come, or with another content";
                if (!IsRight(seen.Previous, expected, response.CompactionAsked))
                    return $"the {seen} with {seen.Previous?.ToString() ?? "nothing"} before it instead of {expected.Previous?.ToString() ?? "nothing"}";
                _lastRevision = seen.Revision;
            }
            bool isWhole = _at == wanted.Length || wanted[_at].Revision != _lastRevision;
            if (!isWhole && !response.IsFragment)
                return $"revision {_lastRevision} without the {wanted[_at]}";
            if (response.IsFragment && !watcher.Wish.TakesFragments)
                return $"revision {_lastRevision} in parts, which was not asked for";
            _isInside = response.IsFragment;
            return response.Revision < _lastRevision ? $"events of revision {_lastRevision}, beyond its own" : null;
        }

        // What was there before a change goes with the compaction of the change.
        private bool IsRight(KeyState? previous, in SeenEvent expected, long compacted) =>
            watcher.Wish.WantsPrevious ? previous == expected.Previous || (previous is null && expected.Revision <= compacted) : previous is null;
    }
}
