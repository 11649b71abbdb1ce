namespace Conclave.Simulator;

/// <summary>Something that must never happen, happened; or something that must happen, did not.</summary>
/// <param name="what">Begins with the invariant: "I7: ...".</param>
public sealed class SimulationFailure(string what) : Exception(what)
{
    /// <summary>What a failure is a failure of: the invariant's name, "core" and "store" for those that these check themselves, else the type of the exception.</summary>
    internal static string InvariantOf(Exception found)
    {
        if (found is Raft.InvariantViolationException) return "core";
        if (found.TargetSite?.DeclaringType == typeof(Store.Invariant)) return "store";
        if (found is not SimulationFailure) return found.GetType().Name;
        int colon = found.Message.IndexOf(':');
        return colon is > 1 and < 4 && found.Message[0] == 'I' ? found.Message[..colon] : "simulator";
    }
}
