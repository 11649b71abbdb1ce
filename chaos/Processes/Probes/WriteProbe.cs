using System.Diagnostics;
using Conclave.Processes.Rpc;
using Conclave.Processes.Servers;
using Conclave.Wire.Etcd.Etcdserverpb;

namespace Conclave.Processes.Probes;

/// <summary>Measures how long a cluster takes no writes.</summary>
public static class WriteProbe
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10), AttemptTimeout = TimeSpan.FromSeconds(5);
    private static readonly byte[] Key = "conclave-probe"u8.ToArray();

    /// <summary>Sends a put every 10 ms, to the running members in turn, without waiting for the earlier ones, until one is acknowledged.</summary>
    /// <remarks>One attempt at a time would measure the attempt's timeout: a server may hold a write that it got while nobody led.</remarks>
    /// <param name="cluster">Where to write.</param>
    /// <param name="since">Timestamp (<see cref="Stopwatch"/>) of the fault.</param>
    /// <param name="patience">When to give up.</param>
    /// <param name="cancellationToken">Stops the probe.</param>
    /// <returns>Time from the fault to the first acknowledgement.</returns>
    /// <exception cref="InvalidOperationException">None came in time.</exception>
    public static async Task<TimeSpan> UntilAcknowledgedAsync(ProcessCluster cluster, long since, TimeSpan patience, CancellationToken cancellationToken = default)
    {
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var first = new TaskCompletionSource<TimeSpan>(TaskCreationOptions.RunContinuationsAsynchronously);
        List<Task> attempts = [];
        using var timer = new PeriodicTimer(Interval);
        for (int turn = 0; !first.Task.IsCompleted; turn++)
        {
            if (Stopwatch.GetElapsedTime(since) > patience)
                throw cluster.Failure($"no write was acknowledged {patience.TotalSeconds:0} s after the fault");
            int member = turn % cluster.Members.Count;
            if (!cluster.Members[member].IsRunning)
                continue;
            attempts.Add(AttemptAsync(cluster.Clients[member], first, since, done.Token));
            await Task.WhenAny(first.Task, timer.WaitForNextTickAsync(cancellationToken).AsTask()).ConfigureAwait(false);
        }
        await done.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(attempts).ConfigureAwait(false);
        return await first.Task.ConfigureAwait(false);
    }

    private static async Task AttemptAsync(MemberClient client, TaskCompletionSource<TimeSpan> first, long since, CancellationToken cancellationToken)
    {
        try
        {
            RpcResult<PutResponse> put = await client.PutAsync(Key, [], AttemptTimeout, cancellationToken).ConfigureAwait(false);
            if (put.Succeeded)
                first.TrySetResult(Stopwatch.GetElapsedTime(since));
        }
        catch (OperationCanceledException)
        {
            // Another attempt was acknowledged first.
        }
    }
}
