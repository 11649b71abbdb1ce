using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Conclave.Extensions.Hosting;

/// <summary>What this library measures and traces, under the name Conclave.</summary>
internal static class Telemetry
{
    private const string Name = "Conclave";
    private static readonly Meter Meter = new(Name);

    public static readonly ActivitySource Activities = new(Name);

    public static readonly UpDownCounter<int> Leading = Meter.CreateUpDownCounter<int>("conclave.leader.leading", "{leadership}", "Leaderships that this process has.");

    public static readonly Counter<long> LeadershipsLost = Meter.CreateCounter<long>("conclave.leader.lost", "{leadership}", "Leaderships that ended while their work ran.");

    public static readonly UpDownCounter<int> Registered = Meter.CreateUpDownCounter<int>("conclave.live.registered", "{registration}", "Registrations of this process that are in the list of live members.");

    public static readonly Counter<long> InvalidReloads = Meter.CreateCounter<long>("conclave.options.kept", "{reload}", "Changes of options that were not valid, so that the last valid ones were kept.");
}
