using System.Diagnostics;
using Conclave.Processes.Rpc;
using Conclave.Processes.Servers;

namespace Conclave.Processes.Sessions;

/// <summary>One client that works until it is told to stop, on all members in turn, and writes down what it was told.</summary>
/// <remarks>Everything it records is its own until <see cref="RunAsync"/> has ended, so nothing is locked.</remarks>
internal abstract class Session(int id, ProcessCluster cluster, int seed)
{
    /// <summary>Enough load to be in the middle of something at every fault, little enough that the servers' own pace shows.</summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(4);

    protected static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(2);

    private int _progress;

    /// <summary>For the record.</summary>
    public int Id { get; } = id;

    protected ProcessCluster Cluster { get; } = cluster;

    protected Random Random { get; } = new(seed);

    /// <summary>Answers to linearizable calls, in order.</summary>
    public List<RevisionPoint> Points { get; } = [];

    /// <summary>Acknowledged calls so far; may be read while the session runs.</summary>
    public int Progress => Volatile.Read(ref _progress);

    /// <summary>Calls by outcome.</summary>
    public Dictionary<RpcOutcome, int> Calls { get; } = new() { [RpcOutcome.Acknowledged] = 0, [RpcOutcome.Refused] = 0, [RpcOutcome.Unknown] = 0 };

    public async Task RunAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Pace);
        for (int turn = Id; !stop.IsCancellationRequested; turn++)
        {
            // A call in flight is always waited for: cancelling it would only add unknown outcomes.
            IReadOnlyList<int> targets = Targets();
            await StepAsync(targets[turn % targets.Count]).ConfigureAwait(false);
            await timer.WaitForNextTickAsync(CancellationToken.None).ConfigureAwait(false);
        }
        OnEnd();
    }

    /// <summary>After the last call.</summary>
    protected virtual void OnEnd()
    {
    }

    /// <summary>Whom to ask now.</summary>
    protected virtual IReadOnlyList<int> Targets() => Cluster.Serving;

    /// <summary>One call, or a few that belong together.</summary>
    protected abstract Task StepAsync(int member);

    /// <summary>Counts the call, and notes the revision of a linearizable answer.</summary>
    protected void Note<T>(RpcResult<T> result, long called, bool isWrite, Wire.Etcd.Etcdserverpb.ResponseHeader? header)
        where T : class
    {
        Calls[result.Outcome]++;
        if (result.Succeeded)
            Interlocked.Increment(ref _progress);
        if (header is not null)
            Points.Add(new RevisionPoint(Id, called, Stopwatch.GetTimestamp(), header.Revision, isWrite, header.ClusterId));
    }
}

/// <summary>The revision that one answer showed.</summary>
/// <param name="Session">Who asked.</param>
/// <param name="Called">Timestamp before the call.</param>
/// <param name="Returned">Timestamp after the answer.</param>
/// <param name="Revision">header.revision.</param>
/// <param name="IsWrite">Whether the call made that revision.</param>
/// <param name="ClusterId">header.cluster_id.</param>
internal readonly record struct RevisionPoint(int Session, long Called, long Returned, long Revision, bool IsWrite, ulong ClusterId);
