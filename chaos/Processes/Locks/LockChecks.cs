namespace Conclave.Processes.Locks;

/// <summary>What must hold of locks and elections, judged by what clients were told and by the history of the queues' keys.</summary>
public static class LockChecks
{
    /// <summary>All of them.</summary>
    public static IEnumerable<string> All(LockHistory seen, IReadOnlyList<QueueTurn> turns) =>
    [
        .. OneHolder(seen.Attempts), .. TokensRise(seen.Attempts), .. Fencing(seen), .. Turns(seen, turns), .. Ends(seen.Attempts), .. Observers(seen.Leaders),
    ];

    /// <summary>Nobody is told that it holds while another surely does.</summary>
    public static IEnumerable<string> OneHolder(IEnumerable<LockAttempt> attempts)
    {
        foreach (IGrouping<string, LockAttempt> group in attempts.Where(attempt => attempt.End == LockEnd.Granted && attempt.HeldUntil > attempt.Ended).GroupBy(attempt => attempt.Name))
        {
            LockAttempt? longest = null;
            foreach (LockAttempt next in group.OrderBy(attempt => attempt.Ended))
            {
                if (longest is not null && next.Ended < longest.HeldUntil && next.Lease != longest.Lease)
                    yield return $"Two holders of {next.Name}: client {longest.Client} ({Of(longest)}) surely held for {Milliseconds(longest.HeldUntil - next.Ended)} ms more when client {next.Client} ({Of(next)}) was told that it holds.";
                if (longest is null || next.HeldUntil > longest.HeldUntil)
                    longest = next;
            }
        }
    }

    /// <summary>A token belongs to one lease, and who asked after another one was told that it holds gets a larger one.</summary>
    public static IEnumerable<string> TokensRise(IEnumerable<LockAttempt> attempts)
    {
        foreach (IGrouping<string, LockAttempt> group in attempts.Where(attempt => attempt.End == LockEnd.Granted && attempt.Token > 0).GroupBy(attempt => attempt.Name))
        {
            foreach (IGrouping<long, LockAttempt> same in group.GroupBy(attempt => attempt.Token).Where(same => same.Select(attempt => attempt.Lease).Distinct().Count() > 1))
                yield return $"Token {same.Key} of {group.Key} was given to {same.Select(attempt => attempt.Lease).Distinct().Count()} leases.";

            // A grant counts from its answer; later grants are those that were asked for after it, or that surely held later.
            LockAttempt[] byAnswer = [.. group.OrderBy(attempt => attempt.Ended)];
            foreach (string problem in Rise(byAnswer, [.. group.OrderBy(attempt => attempt.Called)], later => later.Called, "asked"))
                yield return problem;
            LockAttempt[] sure = [.. byAnswer.Where(attempt => attempt.HeldUntil > attempt.Ended)];
            foreach (string problem in Rise(sure, sure, later => later.Ended, "held"))
                yield return problem;
        }
    }

    private static IEnumerable<string> Rise(IReadOnlyList<LockAttempt> byAnswer, IReadOnlyList<LockAttempt> later, Func<LockAttempt, long> since, string what)
    {
        int answered = 0;
        LockAttempt? highest = null;
        foreach (LockAttempt next in later)
        {
            for (; answered < byAnswer.Count && byAnswer[answered].Ended < since(next); answered++)
            {
                if (highest is null || byAnswer[answered].Token > highest.Token)
                    highest = byAnswer[answered];
            }
            if (highest is not null && next.Lease != highest.Lease && next.Token <= highest.Token)
                yield return $"Token {next.Token} of {next.Name} for client {next.Client} ({Of(next)}), which {what} after client {highest.Client} ({Of(highest)}) had got {highest.Token}.";
        }
    }

    /// <summary>Who held before writes nothing any more once a later one was told that it holds.</summary>
    public static IEnumerable<string> Fencing(LockHistory seen)
    {
        LockAttempt[] granted = [.. seen.Attempts.Where(attempt => attempt.End == LockEnd.Granted && attempt.Token > 0)];
        foreach (IGrouping<string, GuardedWrite> group in seen.Writes.Where(write => write.End == GuardedEnd.Done).GroupBy(write => write.Name))
        {
            GuardedWrite? highest = null;
            foreach (GuardedWrite write in group.OrderBy(write => write.Revision))
            {
                if (highest is not null && write.Token < highest.Token)
                    yield return $"Write at revision {write.Revision} with token {write.Token} of {write.Name}, after one at {highest.Revision} with {highest.Token}.";
                if (highest is null || write.Token > highest.Token)
                    highest = write;
            }
            LockAttempt[] others = [.. granted.Where(attempt => attempt.Name == group.Key)];
            foreach (GuardedWrite write in group)
            {
                if (others.FirstOrDefault(later => later.Token > write.Token && ((later.Revision > 0 && later.Revision < write.Revision) || later.Ended < write.Called)) is { } later)
                    yield return $"Write at revision {write.Revision} with token {write.Token} of {write.Name}, though client {later.Client} ({Of(later)}) had been told at revision {later.Revision} that it holds with {later.Token}.";
            }
        }
    }

    /// <summary>In the state of the store that a grant names, its key is there and the first: so no lease that ended got the lock, and nobody got it early.</summary>
    public static IEnumerable<string> Turns(LockHistory seen, IReadOnlyList<QueueTurn> turns)
    {
        ILookup<string, QueueTurn> byKey = turns.ToLookup(turn => turn.Key), byName = turns.ToLookup(turn => NameOf(turn.Key));
        foreach (LockAttempt grant in seen.Attempts.Where(attempt => attempt is { End: LockEnd.Granted, Revision: > 0 }))
        {
            QueueTurn? own = byKey[grant.Key].FirstOrDefault(turn => turn.Created <= grant.Revision && !(turn.Deleted <= grant.Revision));
            if (own is null)
                yield return $"Late grant: client {grant.Client} ({Of(grant)}) was told at revision {grant.Revision} that it holds {grant.Name}, but its key {grant.Key} {Life(byKey[grant.Key])}.";
            else if (grant.Token != 0 && grant.Token != own.Created)
                yield return $"Token {grant.Token} of {grant.Key} is not its create revision {own.Created}.";
            else if (byName[grant.Name].FirstOrDefault(turn => turn.Created < own.Created && !(turn.Deleted <= grant.Revision)) is { } before)
                yield return $"Early grant: client {grant.Client} ({Of(grant)}) was told at revision {grant.Revision} that it holds {grant.Name}, but {before.Key} of revision {before.Created} was still before it.";
        }
        foreach (GuardedWrite write in seen.Writes.Where(write => write.End == GuardedEnd.Done))
        {
            if (!byKey[write.Key].Any(turn => turn.Created == write.Token && write.Revision > turn.Created && !(turn.Deleted <= write.Revision)))
                yield return $"Write at revision {write.Revision} with token {write.Token}, but its key {write.Key} {Life(byKey[write.Key])}.";
        }
        foreach (QueueTurn left in turns.Where(turn => turn.Deleted is null))
            yield return $"{left.Key} of revision {left.Created} is still in the queue after everybody left and every lease ended.";
    }

    /// <summary>Every wait ends.</summary>
    public static IEnumerable<string> Ends(IEnumerable<LockAttempt> attempts) =>
        attempts.Where(attempt => attempt.End == LockEnd.NeverEnded).Select(attempt => $"Client {attempt.Client} ({Of(attempt)}) waited {Milliseconds(attempt.Ended - attempt.Called)} ms for {attempt.Name} and heard nothing.");

    /// <summary>An observer is never told of a leader of before.</summary>
    public static IEnumerable<string> Observers(IEnumerable<LeaderSeen> leaders)
    {
        foreach (IGrouping<(int, string), LeaderSeen> group in leaders.GroupBy(seen => (seen.Observer, seen.Name)))
        {
            long last = 0;
            foreach (LeaderSeen seen in group)
            {
                if (seen.Token < last)
                    yield return $"Observer {seen.Observer} of {seen.Name} was told of the leader with token {seen.Token} after the one with {last}.";
                last = seen.Token;
            }
        }
    }

    /// <summary>The name in a queue's key.</summary>
    internal static string NameOf(string key) => key[..key.LastIndexOf('/')];

    private static string Of(LockAttempt attempt) => $"lease {attempt.Lease:x}";

    private static string Life(IEnumerable<QueueTurn> turns) => string.Join(" and ", turns.Select(turn => $"was there from {turn.Created} to {turn.Deleted?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "the end"}").DefaultIfEmpty("was never there"));

    private static long Milliseconds(long ticks) => (long)System.Diagnostics.Stopwatch.GetElapsedTime(0, ticks).TotalMilliseconds;
}
