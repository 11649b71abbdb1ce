namespace Conclave.Processes.Watches;

/// <summary>How far a watch has got, by what it was told.</summary>
public static class WatchPosition
{
    /// <summary>The first revision of which something may still be missing, after one more message.</summary>
    /// <param name="next">Before the message; 0 for a watch from now on that is not created yet.</param>
    /// <param name="response">The message.</param>
    public static long After(long next, WatchedResponse response) => response switch
    {
        { IsCanceled: true } => Math.Max(next, response.CompactRevision),
        { IsCreated: true } => next == 0 ? response.Revision + 1 : next,
        { IsFragment: true } => next,   // the rest of its last revision is still to come
        { Events.Count: > 0 } => response.Events[^1].Revision + 1,
        _ => Math.Max(next, response.Revision + 1),   // progress
    };
}
