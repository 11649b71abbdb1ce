using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Conclave.Extensions.Configuration;

/// <summary>What this library measures and traces, under the name Conclave.</summary>
internal static class Telemetry
{
    private const string Name = "Conclave";
    private static readonly Meter Meter = new(Name);
    private static readonly Lock Gate = new();
    private static readonly List<ConclaveConfigurationProvider> Providers = [];   // under Gate

    public static readonly ActivitySource Activities = new(Name);

    public static readonly Counter<long> Reloads = Meter.CreateCounter<long>("conclave.config.reloads", "{reload}", "Releases that changed the configuration of this process.");

    public static readonly Counter<long> Connects = Meter.CreateCounter<long>("conclave.config.connects", "{connect}", "Streams of changes that were opened.");

    static Telemetry()
    {
        Meter.CreateObservableGauge("conclave.config.release", () => Measure(p => p.Release), "{release}", "Newest release that this process has.");
        Meter.CreateObservableGauge("conclave.config.staleness", () => Measure(p => p.Staleness.TotalSeconds), "s", "Time for which changes could not arrive; 0 while they can.");
    }

    public static void Add(ConclaveConfigurationProvider provider)
    {
        lock (Gate) Providers.Add(provider);
    }

    public static void Remove(ConclaveConfigurationProvider provider)
    {
        lock (Gate) Providers.Remove(provider);
    }

    public static KeyValuePair<string, object?>[] TagsOf(ConclaveConfigurationProvider provider) =>
        [new("conclave.space", provider.Options.Space), new("conclave.node", provider.Options.Node)];

    private static Measurement<T>[] Measure<T>(Func<ConclaveConfigurationProvider, T> of) where T : struct
    {
        lock (Gate) return [.. Providers.Select(p => new Measurement<T>(of(p), TagsOf(p)))];
    }
}
