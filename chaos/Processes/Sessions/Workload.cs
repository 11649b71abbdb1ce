using System.Diagnostics;
using Conclave.Linearizability;
using Conclave.Processes.Checks;
using Conclave.Processes.Rpc;
using Conclave.Processes.Servers;

namespace Conclave.Processes.Sessions;

/// <summary>The clients of a run: they write, read, swap and count through all serving members until they are stopped, and are judged by what they were told.</summary>
internal sealed class Workload
{
    private const int Writers = 4, SteadyWriters = 2, RegisterClients = 6, CounterClients = 2, OnceWriters = 3, Readers = 2;

    private readonly ProcessCluster _cluster;
    private readonly UniqueWriter[] _writers;
    private readonly RegisterClient[] _registers;
    private readonly CounterClient[] _counters;
    private readonly OnceWriter[] _onceWriters;
    private readonly SerializableReader[] _readers;

    /// <param name="cluster">Where to work.</param>
    /// <param name="seed">Of the clients' choices.</param>
    /// <param name="incarnationOf">How often the process at a place was started anew.</param>
    public Workload(ProcessCluster cluster, int seed, Func<int, int> incarnationOf)
    {
        _cluster = cluster;
        int id = 0;
        int Seed() => (seed * 1_000) + id;
        _writers = [.. Enumerable.Range(0, Writers).Select(_ => new UniqueWriter(++id, cluster, Seed())), .. Enumerable.Range(0, SteadyWriters).Select(_ => new SteadyWriter(++id, cluster, Seed()))];
        _registers = [.. Enumerable.Range(0, RegisterClients).Select(_ => new RegisterClient(++id, cluster, Seed()))];
        _counters = [.. Enumerable.Range(0, CounterClients).Select(_ => new CounterClient(++id, cluster, Seed()))];
        // Only Conclave knows sessions.
        _onceWriters = [.. Enumerable.Range(0, cluster.Options.Kind == ServerKind.Conclave ? OnceWriters : 0).Select(_ => new OnceWriter(++id, cluster, Seed()))];
        _readers = [.. Enumerable.Range(0, Readers).Select(_ => new SerializableReader(++id, cluster, Seed(), incarnationOf))];
    }

    private Session[] Sessions => [.. _writers, .. _registers, .. _counters, .. _onceWriters, .. _readers];

    /// <summary>Works while something else happens.</summary>
    public async Task RunDuringAsync(Func<Task> events, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] running = [.. Sessions.Select(session => Task.Run(() => session.RunAsync(stop.Token), CancellationToken.None))];
        try
        {
            await events().ConfigureAwait(false);
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(running).ConfigureAwait(false);
        }
    }

    /// <summary>Waits until so many more calls were acknowledged.</summary>
    /// <exception cref="InvalidOperationException">They were not, in time.</exception>
    public async Task WaitForCallsAsync(int calls, TimeSpan patience, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        int target = Sessions.Sum(session => session.Progress) + calls;
        while (Sessions.Sum(session => session.Progress) < target)
        {
            if (Stopwatch.GetElapsedTime(start) > patience)
                throw _cluster.Failure($"the clients made fewer than {calls} calls in {patience.TotalSeconds:0} s though no member was down");
            await Task.Delay(10, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Judges the whole run. Only after it.</summary>
    public WorkloadReport Judge(FinalState final)
    {
        Operation[] history = [.. _registers.SelectMany(client => client.History)];
        RevisionPoint[] points = [.. Sessions.SelectMany(session => session.Points)];
        List<string> violations =
        [
            .. KillChecks.Durability([.. _writers.SelectMany(writer => writer.Writes)], final),
            .. KillChecks.Agreement(final),
            .. KillChecks.RevisionOrder(points),
            .. KillChecks.SerializableReads(_readers, history),
            .. KillChecks.Counters(_counters, final),
            .. KillChecks.OnceWrites([.. _onceWriters.Select(writer => new OnceWrites(writer.Key, writer.Answered, writer.Surprises))], final),
            .. KillChecks.Registers(history, final, out Verdict verdict),
        ];
        long Count(RpcOutcome outcome) => Sessions.Sum(session => session.Calls[outcome]);
        return new WorkloadReport
        {
            Acknowledged = Count(RpcOutcome.Acknowledged),
            Refused = Count(RpcOutcome.Refused),
            Unknown = Count(RpcOutcome.Unknown),
            Keys = final.Keys.Count,
            Repeats = _onceWriters.Sum(writer => writer.Repeats),
            HistoryOperations = history.Length,
            StatesExplored = verdict.StatesExplored,
            LongestWriteGapMilliseconds = LongestWriteGap(0, long.MaxValue, anybody: true),
            Violations = violations,
        };
    }

    /// <summary>Longest time without an acknowledged write, of those that touch a time between two timestamps; in ms. Only after the run.</summary>
    /// <param name="from">Timestamp.</param>
    /// <param name="to">Timestamp.</param>
    /// <param name="anybody">Writes of all clients count; else only those of clients that keep away from a member that is about to go.</param>
    public double LongestWriteGap(long from, long to, bool anybody)
    {
        long[] acknowledged = [.. Sessions.Where(session => anybody || session is SteadyWriter).SelectMany(session => session.Points).Where(point => point.IsWrite).Select(point => point.Returned).Order()];
        double longest = 0;
        for (int i = 1; i < acknowledged.Length; i++)
        {
            if (acknowledged[i] >= from && acknowledged[i - 1] <= to)
                longest = Math.Max(longest, Stopwatch.GetElapsedTime(acknowledged[i - 1], acknowledged[i]).TotalMilliseconds);
        }
        return longest;
    }
}

/// <summary>What the clients of a run saw.</summary>
public sealed record WorkloadReport
{
    public required long Acknowledged { get; init; }

    public required long Refused { get; init; }

    public required long Unknown { get; init; }

    /// <summary>Keys in the store in the end.</summary>
    public required int Keys { get; init; }

    /// <summary>Writes of sessions that were sent again because nobody knew what had become of them.</summary>
    public required int Repeats { get; init; }

    /// <summary>Operations on shared registers, all judged by the linearizability checker.</summary>
    public required int HistoryOperations { get; init; }

    public required long StatesExplored { get; init; }

    /// <summary>Longest time in which no client was told that a write succeeded, in ms.</summary>
    public required double LongestWriteGapMilliseconds { get; init; }

    /// <summary>Empty when all is well.</summary>
    public required IReadOnlyList<string> Violations { get; init; }
}
