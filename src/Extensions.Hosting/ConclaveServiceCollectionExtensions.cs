using Conclave.Client;
using Conclave.Extensions.Hosting;
using Conclave.Extensions.Hosting.Leading;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds a client of a cluster, and what is built on it, to a program's services.</summary>
public static class ConclaveServiceCollectionExtensions
{
    /// <summary>
    /// Adds one <see cref="ConclaveClient"/> for the whole program. It reaches the cluster that <c>Conclave:Endpoints</c> of the configuration names (a list,
    /// or addresses separated by commas; with <c>Conclave:User</c> and <c>Conclave:Password</c>), or else the one that <c>AddConclave</c> takes configuration from.
    /// </summary>
    public static ConclaveBuilder AddConclaveClient(this IServiceCollection services) => services.AddConclaveClient(ClientDefaults.Of);

    /// <summary>Adds one <see cref="ConclaveClient"/> for the whole program.</summary>
    public static ConclaveBuilder AddConclaveClient(this IServiceCollection services, Func<IServiceProvider, ConclaveClientOptions> options)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton(provider => new ConclaveClient(options(provider)));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ConfigurationReporter>());
        return new ConclaveBuilder(services);
    }

    /// <summary>
    /// Runs a <see cref="BackgroundService"/> in one process at a time: whoever leads the election. A new <typeparamref name="T"/> is made for each leadership, in
    /// a scope of its own, and may ask for the <see cref="ILeadership"/>; its token is cancelled when the leadership is lost or the host stops.
    /// </summary>
    /// <remarks>
    /// When <c>ExecuteAsync</c> fails the leadership is given up and sought again a second later. When it ends by itself, it is given up for good: the work
    /// is done. A new one is never begun before the one before has ended.
    /// </remarks>
    /// <param name="services">With a client: see <see cref="AddConclaveClient(IServiceCollection)"/>.</param>
    /// <param name="election">The name of the election.</param>
    /// <param name="options">Null for the defaults.</param>
    public static IServiceCollection AddLeaderService<T>(this IServiceCollection services, string election, LockOptions? options = null) where T : BackgroundService
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrEmpty(election);
        services.TryAddScoped<CurrentLeadership>();
        services.TryAddScoped<ILeadership>(scope => scope.GetRequiredService<CurrentLeadership>().Value
            ?? throw new InvalidOperationException("There is no leadership here. Only a service added by AddLeaderService can ask for it."));
        return services.AddSingleton<IHostedService>(provider => new LeaderHost<T>(provider.GetRequiredService<ConclaveClient>().Election(election, options),
            provider.GetRequiredService<IServiceScopeFactory>(), provider.GetService<TimeProvider>() ?? TimeProvider.System, provider.GetRequiredService<ILogger<LeaderHost<T>>>()));
    }
}
