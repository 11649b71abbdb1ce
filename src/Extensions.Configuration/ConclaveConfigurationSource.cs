using Microsoft.Extensions.Configuration;

namespace Conclave.Extensions.Configuration;

/// <summary>Makes <see cref="ConclaveConfigurationProvider"/>s. Usually added by <c>AddConclave</c>.</summary>
/// <param name="options">Not to be changed afterwards.</param>
public sealed class ConclaveConfigurationSource(ConclaveConfigurationOptions options) : IConfigurationSource
{
    public ConclaveConfigurationOptions Options => options;

    /// <exception cref="ArgumentException">The options cannot be used; the message lists every problem.</exception>
    public IConfigurationProvider Build(IConfigurationBuilder builder) => new ConclaveConfigurationProvider(options);
}
