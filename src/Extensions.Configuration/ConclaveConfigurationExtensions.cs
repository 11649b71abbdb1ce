using Conclave.Extensions.Configuration;

namespace Microsoft.Extensions.Configuration;

/// <summary>Adds a cluster's layered configuration to a program's.</summary>
public static class ConclaveConfigurationExtensions
{
    /// <summary>
    /// Adds the documents of a node, under <c>document:section:option</c>. Building waits for them once, at most
    /// <see cref="ConclaveConfigurationOptions.StartupTimeout"/>; from then on changes arrive by themselves.
    /// </summary>
    /// <exception cref="ArgumentException">The options cannot be used; the message lists every problem.</exception>
    /// <exception cref="ConclaveConfigurationException">There is neither an answer nor a cache, and the source is not optional. Thrown where the configuration is built.</exception>
    public static IConfigurationBuilder AddConclave(this IConfigurationBuilder builder, Action<ConclaveConfigurationOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        var options = new ConclaveConfigurationOptions();
        configure(options);
        return builder.Add(new ConclaveConfigurationSource(options));
    }
}
