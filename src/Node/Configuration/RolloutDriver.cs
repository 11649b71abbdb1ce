using System.Diagnostics;
using Conclave.Layers.Rollouts;
using Conclave.Layers.Serving;
using Conclave.Layers.Serving.Rollouts;
using Conclave.Node.Services;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Configuration;

/// <summary>Moves rollouts on. Every member has one; that of the leader acts.</summary>
internal sealed class RolloutDriver(ServiceContext context, ConfigEngine engine, RolloutObservers observers, ILogger logger) : IAsyncDisposable
{
    /// <summary>It looks at least so often: time passes without a report.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    /// <summary>And rests at least so long, and ten times as long as a look took, within bounds: many reports make few looks, and a look at a stage that begins, which takes longest, does not hold up the next.</summary>
    private static readonly TimeSpan RestMin = TimeSpan.FromMilliseconds(20), RestMax = TimeSpan.FromSeconds(5);

    private readonly RolloutPlanner _planner = new(observers);   // of the loop
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly CancellationTokenSource _stop = new();
    private int _signalled;
    private Task _loop = Task.CompletedTask;

    public void Start() => _loop = Task.Run(RunAsync);

    /// <summary>An agent reported. Any thread; does not wait.</summary>
    public void Signal()
    {
        if (Interlocked.Exchange(ref _signalled, 1) == 0) _wake.Release();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
        _wake.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                if (await _wake.WaitAsync(Look, _stop.Token).ConfigureAwait(false)) Volatile.Write(ref _signalled, 0);   // after a timeout a signal may be on its way
                long start = Stopwatch.GetTimestamp();
                bool leads = _planner.Leads(context.Replica.IsLeader, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
                foreach (ConfigSpace quiet in engine.Spaces.Where(s => s.Current.Rollouts.IsEmpty)) observers.Forget(quiet.Name);
                if (leads && engine.HasStarted && engine.Damage is null) await LookAsync().ConfigureAwait(false);
                TimeSpan rest = Stopwatch.GetElapsedTime(start) * 10;
                await Task.Delay(rest < RestMin ? RestMin : rest > RestMax ? RestMax : rest, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The node stops; another one goes on.
        }
    }

    private async Task LookAsync()
    {
        foreach (ConfigSpace space in engine.Spaces)
        {
            foreach (ActiveRollout active in space.Current.Rollouts)
            {
                try
                {
                    await LookAsync(space.Current, active).ConfigureAwait(false);
                }
                catch (Exception refused) when (refused is GrpcException or TimeoutException)
                {
                    logger.RolloutWaits(space.Name, active.Rollout.Release, refused.Message);   // overloaded, out of space, no majority: the next look tries again
                }
                catch (Exception problem) when (problem is not OperationCanceledException)   // one rollout that cannot be looked at must not stop the others
                {
                    logger.RolloutStuck(space.Name, active.Rollout.Release, problem);
                }
            }
        }
    }

    private async Task LookAsync(SpaceSnapshot now, ActiveRollout active)
    {
        if (_planner.Next(now, active, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds()) is not { } step) return;
        ApplyOutcome outcome = await context.TakeBackAsync(CommandKind.ServerTxn, step.Entry).WaitAsync(context.Options.RequestTimeout, _stop.Token).ConfigureAwait(false);
        if (!TxnResponse.Parser.ParseFrom(outcome.Body.Span).Succeeded) return;   // somebody steered it, or published: look again
        logger.RolloutMoved(now.Space, active.Rollout.Release, step.Move, step.Reason);
        Signal();   // the next stage may have nothing to wait for
    }
}

internal static partial class Log
{
    [LoggerMessage(2711, LogLevel.Information, "Rollout of release {Release} in space {Space}: {Move} {Reason}")]
    public static partial void RolloutMoved(this ILogger logger, string space, long release, RolloutMove move, string reason);

    [LoggerMessage(2712, LogLevel.Warning, "Rollout of release {Release} in space {Space} waits: {Reason} It is tried again.")]
    public static partial void RolloutWaits(this ILogger logger, string space, long release, string reason);

    [LoggerMessage(2713, LogLevel.Error, "Rollout of release {Release} in space {Space} cannot be looked at. Report this; meanwhile conclave rollout abort takes it back.")]
    public static partial void RolloutStuck(this ILogger logger, string space, long release, Exception problem);
}
