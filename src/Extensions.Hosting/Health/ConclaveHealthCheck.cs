using Conclave.Extensions.Configuration;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Conclave.Extensions.Hosting.Health;

/// <summary>Healthy while changes of configuration arrive; degraded for a while without; then what the registration says.</summary>
internal sealed class ConclaveHealthCheck(IConfiguration configuration, TimeSpan maxStaleness) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        ConclaveConfigurationProvider[] providers = [.. ClientDefaults.ProvidersOf(configuration)];
        if (providers.Length == 0) return Task.FromResult(new HealthCheckResult(context.Registration.FailureStatus, "No configuration comes from a cluster: AddConclave was not called on the configuration of this program."));
        TimeSpan staleness = providers.Max(p => p.Staleness);
        string[] problems = [.. providers.SelectMany(p => p.Problems)];
        HealthStatus status = staleness > maxStaleness ? context.Registration.FailureStatus : staleness > TimeSpan.Zero || problems.Length > 0 ? HealthStatus.Degraded : HealthStatus.Healthy;
        var data = new Dictionary<string, object>
        {
            ["release"] = providers.Max(p => p.Release),
            ["state"] = string.Join(", ", providers.Select(p => p.State.ToString())),
            ["staleness_seconds"] = Math.Round(staleness.TotalSeconds, 3),
        };
        string since = staleness > TimeSpan.Zero ? $"; changes cannot arrive for {staleness.TotalSeconds:0} s" : "";
        return Task.FromResult(new HealthCheckResult(status, $"{string.Join(", ", providers.AsEnumerable())}{since}{string.Concat(problems.Select(p => "; " + p))}", data: data));
    }
}
