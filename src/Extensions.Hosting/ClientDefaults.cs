using Conclave.Client;
using Conclave.Extensions.Configuration;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Conclave.Extensions.Hosting;

/// <summary>How a program reaches its cluster when it does not say so itself.</summary>
internal static class ClientDefaults
{
    public static ConclaveClientOptions Of(IServiceProvider services)
    {
        IConfiguration configuration = services.GetRequiredService<IConfiguration>();
        IConfigurationSection conclave = configuration.GetSection("Conclave"), listed = conclave.GetSection("Endpoints");
        string[] endpoints = [.. listed.GetChildren().Select(c => c.Value).Prepend(listed.Value).OfType<string>()
            .SelectMany(v => v.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];
        if (endpoints.Length == 0)
        {
            return ProvidersOf(configuration).FirstOrDefault()?.ClientOptions ?? throw new InvalidOperationException(
                "No cluster is named. Set Conclave:Endpoints in the configuration, or call AddConclave on it, or pass options to AddConclaveClient.");
        }

        return new ConclaveClientOptions
        {
            Endpoints = [.. endpoints],
            Credentials = conclave["User"] is { Length: > 0 } user ? new Credentials(user, conclave["Password"] ?? "") : null,
        };
    }

    /// <summary>The providers that AddConclave added, also those of a configuration within the configuration.</summary>
    public static IEnumerable<ConclaveConfigurationProvider> ProvidersOf(IConfiguration configuration)
    {
        foreach (IConfigurationProvider provider in configuration is IConfigurationRoot root ? root.Providers : [])
        {
            if (provider is ConclaveConfigurationProvider ours) yield return ours;
            else if (provider is ChainedConfigurationProvider chained)
                foreach (ConclaveConfigurationProvider inner in ProvidersOf(chained.Configuration)) yield return inner;
        }
    }
}
