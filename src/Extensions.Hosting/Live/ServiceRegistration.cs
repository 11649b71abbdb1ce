using System.Text.Encodings.Web;
using System.Text.Json;
using Conclave.Client;
using Conclave.Extensions.Configuration;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Conclave.Extensions.Hosting.Live;

/// <summary>Keeps a key with a lease while the host runs: another lease when one is lost, the key again when somebody deletes it.</summary>
internal sealed class ServiceRegistration(
    ConclaveClient client, string service, ServiceRegistrationOptions options, ConclaveConfigurationOptions? configuration, HealthCheckService? health, TimeProvider time, ILogger logger) : IHostedLifecycleService
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly TimeSpan RetryMin = TimeSpan.FromMilliseconds(100), RetryMax = TimeSpan.FromSeconds(5), RevokePatience = TimeSpan.FromSeconds(3);
    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;

    public string Key { get; } = $"conclave-live/{options.Space ?? configuration?.Space ?? "default"}/{service}/{options.Instance ?? configuration?.Node ?? Environment.MachineName}";

    public string Value { get; } = options.Metadata.Count == 0 ? AddressOf(options)
        : JsonSerializer.Serialize(new SortedDictionary<string, string>(options.Metadata, StringComparer.Ordinal) { ["address"] = AddressOf(options) }, Plain);

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Only now: what others are told of must be there.</summary>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        _loop = Task.Run(RunAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    /// <summary>Before anything is stopped, so that nobody is sent to what is about to go.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static string AddressOf(ServiceRegistrationOptions options) => options.Address ?? Environment.MachineName;

    private async Task RunAsync()
    {
        int failures = 0;
        while (!_stop.IsCancellationRequested)
        {
            TimeSpan wait = RetryMin;   // whoever deletes the key in a loop keeps nobody busy
            try
            {
                if (health is not null) await HealthIsAsync(unhealthy: false, _stop.Token).ConfigureAwait(false);
                await BeListedAsync(() => failures = 0).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (ConclaveException cause)
            {
                wait = TimeSpan.FromMilliseconds(Math.Min(RetryMax.TotalMilliseconds, RetryMin.TotalMilliseconds * Math.Pow(2, Math.Min(failures++, 20))) * (0.5 + (Random.Shared.NextDouble() / 2)));
                logger.CannotRegister(cause, Key, wait.TotalSeconds);
            }

            await Task.Delay(wait, time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Returns when the lease or the key is gone, or the health checks say unhealthy.</summary>
    private async Task BeListedAsync(Action listed)
    {
        Lease lease = await client.Leases.GrantAsync(options.Ttl, cancellationToken: _stop.Token).ConfigureAwait(false);
        try
        {
            await using LeaseKeeper keeper = client.Leases.Keep(lease.Id);
            using var over = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, keeper.Lost);
            // Whatever is there is taken over: after a crash the same instance comes back before its old lease has ended.
            PutResult put = await client.PutAsync(Key, Value, new PutOptions { LeaseId = lease.Id }, over.Token).ConfigureAwait(false);
            Telemetry.Registered.Add(1);
            logger.Registered(Key);
            listed();
            Task gone = KeyIsGoneAsync(lease.Id, put.Header.Revision + 1, over.Token), ill = health is null ? Task.Delay(Timeout.InfiniteTimeSpan, over.Token) : HealthIsAsync(unhealthy: true, over.Token);
            try
            {
                Task first = await Task.WhenAny(gone, ill).ConfigureAwait(false);
                if (first == ill && !over.IsCancellationRequested) logger.IsUnhealthy(Key);
            }
            finally
            {
                Telemetry.Registered.Add(-1);
                await over.CancelAsync().ConfigureAwait(false);
                await ((Task)Task.WhenAll(gone, ill)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            if (gone.IsFaulted) await gone.ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            // The lease was lost: another one.
        }
        finally
        {
            await RevokeAsync(lease.Id).ConfigureAwait(false);
        }
    }

    private async Task KeyIsGoneAsync(long lease, long revision, CancellationToken cancellationToken)
    {
        await foreach (WatchUpdate update in client.WatchAsync(Key, new WatchOptions { StartRevision = revision }, cancellationToken).ConfigureAwait(false))
        {
            foreach (WatchEvent change in update.Events)
            {
                if (change.Kind == WatchEventKind.Delete) return;
                if (change.Current.LeaseId != lease) logger.RegisteredTwice(Key);
            }
        }
    }

    private async Task HealthIsAsync(bool unhealthy, CancellationToken cancellationToken)
    {
        while (true)
        {
            HealthReport report = await health!.CheckHealthAsync(cancellationToken).ConfigureAwait(false);   // only called with one
            if ((report.Status == HealthStatus.Unhealthy) == unhealthy) return;
            await Task.Delay(options.HealthInterval, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task RevokeAsync(long lease)
    {
        using var patience = new CancellationTokenSource(RevokePatience, time);
        try
        {
            await client.Leases.RevokeAsync(lease, patience.Token).ConfigureAwait(false);
        }
        catch (ConclaveException gone) when (gone.Code == Wire.Grpc.GrpcCode.NotFound)
        {
            // It has ended by itself.
        }
        catch (Exception e) when (e is ConclaveException or OperationCanceledException)
        {
            logger.CannotDeregister(e, Key, options.Ttl.TotalSeconds);
        }
    }
}
