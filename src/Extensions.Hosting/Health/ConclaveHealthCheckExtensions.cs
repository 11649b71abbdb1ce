using Conclave.Extensions.Hosting.Health;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds a check of the configuration that comes from a cluster.</summary>
public static class ConclaveHealthCheckExtensions
{
    /// <summary>Healthy while changes arrive, degraded while they cannot, and <paramref name="failureStatus"/> after <paramref name="maxStaleness"/>.</summary>
    /// <param name="builder">The checks.</param>
    /// <param name="maxStaleness">How long a program may go without hearing of changes; zero or more.</param>
    /// <param name="name">The check's name.</param>
    /// <param name="failureStatus">Null is unhealthy.</param>
    /// <param name="tags">For choosing checks.</param>
    public static IHealthChecksBuilder AddConclave(this IHealthChecksBuilder builder, TimeSpan maxStaleness, string name = "conclave", HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxStaleness, TimeSpan.Zero);
        return builder.Add(new HealthCheckRegistration(name, services => new ConclaveHealthCheck(services.GetRequiredService<IConfiguration>(), maxStaleness), failureStatus, tags));
    }
}
