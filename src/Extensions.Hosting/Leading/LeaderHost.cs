using Conclave.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Conclave.Extensions.Hosting.Leading;

/// <summary>Runs a service while this process leads, and never twice at a time.</summary>
internal sealed class LeaderHost<T>(IElection election, IServiceScopeFactory scopes, TimeProvider time, ILogger<LeaderHost<T>> logger) : BackgroundService where T : BackgroundService
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1), StopPatience = TimeSpan.FromSeconds(10);
    private static readonly string Service = typeof(T).Name;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await using ILeadership leadership = await election.CampaignAsync(stoppingToken).ConfigureAwait(false);
                if (await LeadAsync(leadership, stoppingToken).ConfigureAwait(false)) return;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (ConclaveException cause)
            {
                logger.CannotCampaign(cause, election.Name, RetryInterval.TotalSeconds);
            }

            await Task.Delay(RetryInterval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <returns>True when the work is done for good.</returns>
    private async Task<bool> LeadAsync(ILeadership leadership, CancellationToken stop)
    {
        KeyValuePair<string, object?> tag = new("conclave.election", election.Name);
        Telemetry.Leading.Add(1, tag);
        try
        {
            await using AsyncServiceScope scope = scopes.CreateAsyncScope();
            scope.ServiceProvider.GetRequiredService<CurrentLeadership>().Value = leadership;
            using T service = ActivatorUtilities.CreateInstance<T>(scope.ServiceProvider);
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop, leadership.Lost);
            logger.Leads(election.Name, leadership.Term, Service);
            await service.StartAsync(ended.Token).ConfigureAwait(false);   // a BackgroundService links its own token to this one
            Task run = service.ExecuteTask ?? Task.CompletedTask;
            await Task.WhenAny(run, Task.Delay(Timeout.InfiniteTimeSpan, ended.Token)).ConfigureAwait(false);
            bool isLost = leadership.Lost.IsCancellationRequested;
            if (isLost)
            {
                Telemetry.LeadershipsLost.Add(1, tag);
                logger.LostLeadership(election.Name, leadership.Term, Service);
                if (await Task.WhenAny(run, Task.Delay(StopPatience, time, CancellationToken.None)).ConfigureAwait(false) != run)
                    logger.StillRuns(Service, StopPatience.TotalSeconds, election.Name);
            }

            await service.StopAsync(CancellationToken.None).ConfigureAwait(false);   // waits for the end, too, and is where a service cleans up
            await run.ConfigureAwait(false);
            if (isLost || stop.IsCancellationRequested) return false;
            logger.LeaderIsDone(Service, election.Name);
            return true;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested || leadership.Lost.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception cause)   // of the program's own work: this process goes on being a candidate
        {
            logger.LeaderFailed(cause, Service, election.Name);
            return false;
        }
        finally
        {
            Telemetry.Leading.Add(-1, tag);
        }
    }
}
