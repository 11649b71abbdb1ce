using Conclave.Client.Rpc;
using Conclave.Processes.Servers;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Processes.Watches;

/// <summary>Watches through one member after the other, goes on where it had got, and writes down every message.</summary>
internal sealed class RecordingWatcher(WatchedHistory history, WatchHabit habit, bool fromFirst, ProcessCluster cluster, int member, Func<long> compactionAsked, int seed)
{
    private const int EventMilliseconds = 30, SlowMillisecondsMax = 2_000, GoBackPercent = 15, GoBackMax = 4_000;
    private static readonly byte[] ProgressRequest = new WatchRequest { ProgressRequest = new WatchProgressRequest() }.ToByteArray();
    private readonly Random _random = new(seed);
    private long _end = long.MaxValue;
    private long _next = fromFirst ? 1 : 0;

    public WatchedHistory History => history;

    /// <summary>As <see cref="WatchPosition"/> tells it; may be read while it runs.</summary>
    public long Next => Volatile.Read(ref _next);

    /// <summary>Streams that began below where it had got.</summary>
    public int WentBack { get; private set; }

    /// <summary>Ends once it has got past this revision.</summary>
    public void EndAt(long revision) => Volatile.Write(ref _end, revision);

    private bool IsEnding => Volatile.Read(ref _end) != long.MaxValue;

    private bool IsDone => _next > Volatile.Read(ref _end);

    public async Task RunAsync(CancellationToken stop)
    {
        for (int turn = member; !stop.IsCancellationRequested && !IsDone; turn = _random.Next(cluster.Clients.Count))
        {
            try
            {
                await FollowAsync(turn, stop).ConfigureAwait(false);
            }
            catch (Exception e) when (e is RpcException or OperationCanceledException)
            {
                await Task.Delay(_random.Next(10, 100), CancellationToken.None).ConfigureAwait(false);   // another member, or the same later
            }
        }
        history.Next = _next;
    }

    private async Task FollowAsync(int target, CancellationToken stop)
    {
        using var period = CancellationTokenSource.CreateLinkedTokenSource(stop);
        // Slow ones stay long enough to fall far behind.
        period.CancelAfter(_random.Next(2_000, habit == WatchHabit.Slow ? 30_000 : 10_000));
        long start = Start();
        if (start < _next)
            WentBack++;
        await using RpcStream stream = await cluster.Clients[target].WatchAsync(history.Wish.ToRequest(start), period.Token).ConfigureAwait(false);
        var told = new WatchedStream(start, target);
        history.Streams.Add(told);
        Volatile.Write(ref _next, start);
        Task asking = AskProgressAsync(stream, period.Token);
        try
        {
            while (!IsDone && await stream.ReadAsync(period.Token).ConfigureAwait(false))
            {
                WatchedResponse response = Parse(WatchResponse.Parser.ParseFrom(stream.Message));
                told.Responses.Add(response);
                Volatile.Write(ref _next, WatchPosition.After(_next, response));
                if (response.IsCanceled)
                    return;
                if (habit == WatchHabit.Slow && !IsEnding)
                    await Task.Delay(Math.Min(SlowMillisecondsMax, response.Events.Count * EventMilliseconds), period.Token).ConfigureAwait(false);
            }
        }
        finally
        {
            await period.CancelAsync().ConfigureAwait(false);
            await asking.ConfigureAwait(false);
        }
    }

    /// <summary>Where it had got; or, now and then, further back, where it must be told everything again or that it is gone.</summary>
    private long Start() => fromFirst || _next == 0 || IsEnding || _random.Next(100) >= GoBackPercent ? _next : Math.Max(1, _next - _random.Next(GoBackMax));

    private async Task AskProgressAsync(RpcStream stream, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await Task.Delay(IsEnding ? 100 : 400, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stop.IsCancellationRequested || (habit != WatchHabit.AsksProgress && !IsEnding))
                continue;
            try
            {
                await stream.WriteAsync(ProgressRequest, stop).ConfigureAwait(false);
            }
            catch (Exception e) when (e is RpcException or OperationCanceledException)
            {
                return;   // the reader learns why
            }
        }
    }

    private WatchedResponse Parse(WatchResponse response) => new()
    {
        Events = [.. response.Events.Select(SeenEvent.Of)],
        Revision = response.Header.Revision,
        IsCreated = response.Created,
        IsCanceled = response.Canceled,
        IsFragment = response.Fragment,
        CompactRevision = response.CompactRevision,
        Said = response.CancelReason,
        CompactionAsked = compactionAsked(),
    };
}
