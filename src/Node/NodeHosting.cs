using Conclave.Node.Options;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Conclave.Node;

/// <summary>Embeds a node in any .NET host.</summary>
public static class NodeHosting
{
    /// <summary>Runs a node for as long as the host runs. Without options: one node, loopback, data under the working directory.</summary>
    /// <remarks>A node that cannot go on stops the host, with a line in the log that says why.</remarks>
    public static IServiceCollection AddConclaveNode(this IServiceCollection services, NodeOptions? options = null) =>
        services.AddHostedService(provider => new NodeHostedService(
            options ?? new NodeOptions(), provider.GetRequiredService<ILoggerFactory>(), provider.GetRequiredService<IHostApplicationLifetime>()));

    private sealed class NodeHostedService(NodeOptions options, ILoggerFactory loggers, IHostApplicationLifetime lifetime) : IHostedService
    {
        private ConclaveNode? _node;

        public async Task StartAsync(CancellationToken cancellationToken)
        {
            _node = new ConclaveNode(options, loggers, _ => lifetime.StopApplication());
            await _node.StartAsync(cancellationToken).ConfigureAwait(false);
        }

        public async Task StopAsync(CancellationToken cancellationToken)
        {
            if (_node is not null) await _node.DisposeAsync().ConfigureAwait(false);
        }
    }
}
