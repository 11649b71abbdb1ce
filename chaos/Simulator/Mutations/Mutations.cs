using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>Where a deliberate bug sits.</summary>
public enum MutationLayer
{
    Core, Driver,
}

/// <summary>All deliberate bugs. The names are those of the switches in each layer, so one without its counterpart cannot be added.</summary>
internal static class Mutations
{
    public static IEnumerable<Mutation> All => Enum.GetValues<Mutation>().Where(mutation => mutation != Mutation.None);

    public static MutationLayer LayerOf(this Mutation mutation) =>
        Enum.IsDefined(typeof(CoreFaults), mutation.ToString()) ? MutationLayer.Core
        : Enum.IsDefined(typeof(DriverFaults), mutation.ToString()) ? MutationLayer.Driver
        : throw new ArgumentException($"{mutation} has no switch in any layer.");

    public static CoreFaults ToFaults(this Mutation mutation) => Enum.TryParse(mutation.ToString(), out CoreFaults faults) ? faults : CoreFaults.None;

    public static DriverFaults ToDriverFaults(this Mutation mutation) => Enum.TryParse(mutation.ToString(), out DriverFaults faults) ? faults : DriverFaults.None;

    /// <summary>What the runs must have for the bug to have a chance; the rest is drawn as ever.</summary>
    public static Plan Favour(this Mutation mutation, Plan plan) => mutation switch
    {
        Mutation.InstallForgetsWatchers => plan with { RealStore = true, Watchers = Math.Max(plan.Watchers, 2) },
        Mutation.KeepLeasesWhenDeposed or Mutation.RenewWithoutRound or Mutation.ExpireThroughAnyLeader => plan with { RealStore = true, Lockers = Math.Max(plan.Lockers, 3) },
        Mutation.ReadBeforePublished => plan with { RealStore = true },
        _ => plan,
    };
}
