using System.Diagnostics;
using System.Globalization;
using Conclave.Linearizability;
using Conclave.Processes.Rpc;
using Conclave.Processes.Sessions;
using Conclave.Wire.Etcd.Mvccpb;

namespace Conclave.Processes.Checks;

/// <summary>What must hold after the faults, from what the sessions were told and what the store has in the end.</summary>
/// <remarks>Every method gives one line per violation; nothing when all is well.</remarks>
internal static class KillChecks
{
    /// <summary>An acknowledged write is there, unchanged, at its revision; a refused one is not; one of unknown outcome is there whole or not at all; nothing else is there.</summary>
    public static IEnumerable<string> Durability(IReadOnlyList<UniqueWrite> writes, FinalState final)
    {
        HashSet<string> tried = [];
        foreach (UniqueWrite write in writes)
        {
            tried.UnionWith(write.Keys);
            KeyValue?[] found = [.. write.Keys.Select(key => final.Keys.GetValueOrDefault(key))];
            string what = $"{string.Join(", ", write.Keys)} = {write.Value}";
            bool whole = found.All(each => each is not null && each.Value.ToStringUtf8() == write.Value && each.Version == 1 && each.ModRevision == found[0]!.ModRevision && each.CreateRevision == each.ModRevision);
            bool none = found.All(each => each is null);
            if (write.Outcome == RpcOutcome.Acknowledged && !whole)
                yield return $"Lost: {what} was acknowledged at revision {write.Revision}; now there is {Show(found)}.";
            else if (write.Outcome == RpcOutcome.Acknowledged && found[0]!.ModRevision != write.Revision)
                yield return $"Moved: {what} was acknowledged at revision {write.Revision}; now it is at {found[0]!.ModRevision}.";
            else if (write.Outcome == RpcOutcome.Refused && !none)
                yield return $"Undead: {what} was refused, yet there is {Show(found)}.";
            else if (!whole && !none)
                yield return $"Torn: {what} is there in parts: {Show(found)}.";
        }
        foreach (string key in final.Keys.Keys.Where(key => key.StartsWith(UniqueWriter.Prefix, StringComparison.Ordinal) && !tried.Contains(key)))
            yield return $"From nowhere: {key}.";
    }

    /// <summary>All members have the same keys with the same values and revisions.</summary>
    public static IEnumerable<string> Agreement(FinalState final)
    {
        for (int member = 1; member < final.Members.Count; member++)
        {
            IReadOnlyDictionary<string, KeyValue> mine = final.Members[member];
            foreach (string key in final.Keys.Keys.Union(mine.Keys))
            {
                if (!Equals(final.Keys.GetValueOrDefault(key), mine.GetValueOrDefault(key)))
                    yield return $"Members 1 and {member + 1} differ at revision {final.Revision}: {key} is {final.Keys.GetValueOrDefault(key)} and {mine.GetValueOrDefault(key)}.";
            }
        }
    }

    /// <summary>Revisions follow real time: an answer never shows less than any answer that came before the call, and every write has a revision of its own.</summary>
    public static IEnumerable<string> RevisionOrder(IReadOnlyList<RevisionPoint> points)
    {
        foreach (IGrouping<long, RevisionPoint> same in points.Where(point => point.IsWrite).GroupBy(point => point.Revision).Where(group => group.Count() > 1))
            yield return $"Revision {same.Key} was given to {same.Count()} writes, of sessions {string.Join(", ", same.Select(point => point.Session))}.";
        if (points.Select(point => point.ClusterId).Distinct().Count() > 1)
            yield return "Answers carry different cluster ids.";

        RevisionPoint[] byCall = [.. points.OrderBy(point => point.Called)], byReturn = [.. points.OrderBy(point => point.Returned)];
        RevisionPoint highest = default;
        int returned = 0;
        foreach (RevisionPoint point in byCall)
        {
            for (; returned < byReturn.Length && byReturn[returned].Returned < point.Called; returned++)
            {
                if (byReturn[returned].Revision > highest.Revision)
                    highest = byReturn[returned];
            }
            if (point.Revision < highest.Revision || (point.IsWrite && point.Revision == highest.Revision))
                yield return $"Back in time: session {point.Session} was shown revision {point.Revision}, {Stopwatch.GetElapsedTime(highest.Returned, point.Called).TotalMilliseconds:0.0} ms after session {highest.Session} had been shown {highest.Revision}.";
        }
    }

    /// <summary>A member's local reads never go back while it runs, and show only values that somebody wrote.</summary>
    public static IEnumerable<string> SerializableReads(IEnumerable<SerializableReader> readers, IReadOnlyList<Operation> history)
    {
        HashSet<(string, string?)> written = [.. history.Where(operation => operation.Value is not null).Select(operation => (operation.Key, operation.Value))];
        foreach (SerializableReader reader in readers)
        {
            Dictionary<(int, int), long> last = [];
            foreach (SerializableReader.Seen seen in reader.Reads)
            {
                if (seen.Revision < last.GetValueOrDefault((seen.Member, seen.Incarnation)))
                    yield return $"Member {seen.Member + 1} went back from revision {last[(seen.Member, seen.Incarnation)]} to {seen.Revision}.";
                last[(seen.Member, seen.Incarnation)] = seen.Revision;
                if (seen.Value is not null && !written.Contains((seen.Key, seen.Value)))
                    yield return $"Member {seen.Member + 1} showed {seen.Key} = {seen.Value}, which nobody wrote.";
            }
        }
    }

    /// <summary>The registers' history, with the final values as last reads, is linearizable.</summary>
    public static IEnumerable<string> Registers(IReadOnlyList<Operation> history, FinalState final, out Verdict verdict)
    {
        long now = Stopwatch.GetTimestamp();
        Operation[] last = [.. Enumerable.Range(0, RegisterClient.Registers).Select(RegisterClient.KeyOf).Select(key => new Operation
        {
            Client = -1, Key = key, Kind = OperationKind.Get, Called = now, Returned = now + 1, Observed = final.Keys.GetValueOrDefault(key)?.Value.ToStringUtf8(),
        })];
        verdict = RegisterChecker.Check([.. history, .. last]);
        return verdict.Passed ? [] : [$"{verdict.Key}: {verdict.Kind}. {verdict.Explanation}"];
    }

    /// <summary>Each counter counts every acknowledged increment, and at most those of unknown outcome besides.</summary>
    public static IEnumerable<string> Counters(IReadOnlyList<CounterClient> clients, FinalState final)
    {
        for (int counter = 0; counter < CounterClient.Counters; counter++)
        {
            long value = final.Keys.TryGetValue(CounterClient.KeyOf(counter), out KeyValue? found) ? long.Parse(found.Value.ToStringUtf8(), CultureInfo.InvariantCulture) : 0;
            (int acknowledged, int unknown) = (clients.Sum(client => client.Acknowledged[counter]), clients.Sum(client => client.Unknown[counter]));
            if (value < acknowledged || value > acknowledged + unknown)
                yield return $"{CounterClient.KeyOf(counter)} is {value}; {acknowledged} increments were acknowledged and {unknown} have unknown outcomes.";
        }
    }

    /// <summary>Each write of a session that was answered happened once, and in order; at most one more did, whose answer nobody waited for.</summary>
    public static IEnumerable<string> OnceWrites(IReadOnlyList<OnceWrites> writers, FinalState final)
    {
        foreach (OnceWrites writer in writers)
        {
            foreach (string surprise in writer.Surprises)
                yield return $"Not once: {surprise}";
            KeyValue? found = final.Keys.GetValueOrDefault(writer.Key);
            (long version, string value) = (found?.Version ?? 0, found?.Value.ToStringUtf8() ?? "0");
            if (version.ToString(CultureInfo.InvariantCulture) != value || version < writer.Answered || version > writer.Answered + 1)
                yield return $"Not once: {writer.Key} is {value} after {version} writes; {writer.Answered} were answered.";
        }
    }

    private static string Show(IEnumerable<KeyValue?> found) => string.Join(", ", found.Select(each => each is null ? "nothing" : $"{each.Value.ToStringUtf8()} at {each.ModRevision}"));
}

/// <summary>What a session was told of its numbered writes.</summary>
/// <param name="Key">Its own.</param>
/// <param name="Answered">The last number that was answered.</param>
/// <param name="Surprises">Answers that cannot be.</param>
internal sealed record OnceWrites(string Key, long Answered, IReadOnlyList<string> Surprises);
