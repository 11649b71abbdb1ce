using Conclave.Extensions.Hosting.Options;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Options that survive a change that is not valid.</summary>
public static class KeepLastValidExtensions
{
    /// <summary>
    /// When the options cannot be bound or validated after a change, whoever reads them goes on with the last ones that could, and the log says so. The first
    /// ones still have to be valid.
    /// </summary>
    /// <remarks>
    /// <c>IOptionsMonitor</c> by itself forgets the options it had before it makes new ones, so that after one bad change every read throws until the next good one.
    /// Listeners of <c>OnChange</c> are called with the last valid options again.
    /// </remarks>
    public static OptionsBuilder<TOptions> KeepLastValidOnReload<TOptions>(this OptionsBuilder<TOptions> builder) where TOptions : class
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSingleton(new KeptName<TOptions>(builder.Name));
        builder.Services.TryAddSingleton<LastValid<TOptions>>();
        builder.Services.TryAddTransient<OptionsFactory<TOptions>>();
        builder.Services.Replace(ServiceDescriptor.Transient<IOptionsFactory<TOptions>>(services => new LastValidFactory<TOptions>(
            services.GetRequiredService<OptionsFactory<TOptions>>(), services.GetRequiredService<LastValid<TOptions>>(), services.GetService<ILogger<LastValid<TOptions>>>() ?? (ILogger)NullLogger.Instance)));
        return builder;
    }
}
