using Conclave.Client;
using Conclave.Extensions.Hosting.Live;
using Conclave.Extensions.Hosting.Locks;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Conclave.Extensions.Hosting;

/// <summary>What can be added to a client of a cluster.</summary>
public sealed class ConclaveBuilder
{
    internal ConclaveBuilder(IServiceCollection services) => Services = services;

    public IServiceCollection Services { get; }

    /// <summary>Adds <see cref="IDistributedLockProvider"/>.</summary>
    public ConclaveBuilder AddLocks()
    {
        Services.TryAddSingleton<IDistributedLockProvider, DistributedLockProvider>();
        return this;
    }

    /// <summary>Adds <see cref="IElectionProvider"/>.</summary>
    public ConclaveBuilder AddElections()
    {
        Services.TryAddSingleton<IElectionProvider, ElectionProvider>();
        return this;
    }

    /// <summary>
    /// Keeps this process in the list of a service's live members from when the host has started to when it begins to stop: the key
    /// <c>conclave-live/SPACE/SERVICE/INSTANCE</c>, with a lease. Configuration refers to the members as <c>%{live:SERVICE}</c>.
    /// </summary>
    /// <param name="service">1 to 128 characters; no slash.</param>
    /// <param name="configure">Null for the defaults.</param>
    /// <exception cref="ArgumentException">The name or the options cannot be used; the message lists every problem.</exception>
    public ConclaveBuilder AddServiceRegistration(string service, Action<ServiceRegistrationOptions>? configure = null)
    {
        var options = new ServiceRegistrationOptions();
        configure?.Invoke(options);
        string problems = string.Join(' ', options.Problems(service));
        if (problems.Length > 0) throw new ArgumentException(problems, nameof(configure));
        if (options.FollowHealthChecks) Services.AddHealthChecks();
        Services.AddSingleton<IHostedService>(provider => new ServiceRegistration(
            provider.GetRequiredService<ConclaveClient>(),
            service,
            options,
            ClientDefaults.ProvidersOf(provider.GetRequiredService<IConfiguration>()).FirstOrDefault()?.Options,
            options.FollowHealthChecks ? provider.GetRequiredService<HealthCheckService>() : null,
            provider.GetService<TimeProvider>() ?? TimeProvider.System,
            provider.GetRequiredService<ILogger<ServiceRegistration>>()));
        return this;
    }
}
