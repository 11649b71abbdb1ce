namespace Conclave.Simulator;

/// <summary>Something that must never happen, happened; or something that must happen, did not.</summary>
public sealed class SimulationFailure(string what) : Exception(what);
