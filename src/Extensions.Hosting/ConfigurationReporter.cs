using Conclave.Extensions.Configuration;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;

namespace Conclave.Extensions.Hosting;

/// <summary>Says in the log which release a program has, and what is wrong with it: the configuration is there before there is a log.</summary>
internal sealed class ConfigurationReporter(IConfiguration configuration, ILogger<ConfigurationReporter> logger) : IHostedService
{
    private readonly List<IDisposable> _listening = [];

    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (ConclaveConfigurationProvider provider in ClientDefaults.ProvidersOf(configuration))
        {
            Say(provider);
            _listening.Add(ChangeToken.OnChange(provider.GetReloadToken, Say, provider));
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        foreach (IDisposable each in _listening) each.Dispose();
        return Task.CompletedTask;
    }

    private void Say(ConclaveConfigurationProvider provider)
    {
        logger.ConfigurationIs(provider.ToString());
        foreach (string problem in provider.Problems) logger.ConfigurationProblem(provider.ToString(), problem);
    }
}
