using System.Diagnostics;
using Conclave.Bench.Reports;

namespace Conclave.Bench.Load;

/// <summary>Runs workers for a while and measures the middle of it.</summary>
internal static class LoadRun
{
    /// <param name="workers">One thread each.</param>
    /// <param name="window">Shared by the workers.</param>
    /// <param name="plan">How long to warm up and to measure.</param>
    /// <param name="serverCpu">CPU time of all servers so far.</param>
    /// <param name="cancellationToken">Stops the wait; the workers end with their connections.</param>
    /// <exception cref="InvalidOperationException">A worker lost its connection.</exception>
    public static async Task<Metrics> MeasureAsync(IReadOnlyList<LoadWorker> workers, LoadWindow window, RunPlan plan, Func<TimeSpan> serverCpu, CancellationToken cancellationToken)
    {
        Task[] running = [.. workers.Select(worker => Task.Factory.StartNew(worker.Run, cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        Task anyFailure = Task.WhenAny(running);
        await Task.WhenAny(anyFailure, Task.Delay(plan.WarmUp, cancellationToken)).ConfigureAwait(false);

        (TimeSpan serverBefore, TimeSpan ownBefore, long start) = (serverCpu(), Environment.CpuUsage.TotalTime, Stopwatch.GetTimestamp());
        window.Measure();
        await Task.WhenAny(anyFailure, Task.Delay(plan.Measure, cancellationToken)).ConfigureAwait(false);
        window.End();
        (TimeSpan elapsed, TimeSpan server, TimeSpan own) = (Stopwatch.GetElapsedTime(start), serverCpu() - serverBefore, Environment.CpuUsage.TotalTime - ownBefore);
        await Task.WhenAll(running).ConfigureAwait(false);

        var latencies = new LatencyHistogram();
        foreach (LoadWorker worker in workers)
            latencies.Add(worker.Latencies);
        return Metrics.OfLoad(latencies, workers.Sum(worker => worker.Errors), elapsed, server, own);
    }
}

/// <summary>How long a run takes.</summary>
internal readonly record struct RunPlan(TimeSpan WarmUp, TimeSpan Measure);
