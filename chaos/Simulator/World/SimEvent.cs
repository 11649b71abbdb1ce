namespace Conclave.Simulator;

internal enum SimEventKind : byte
{
    Deliver, Batch, Tick, DiskDone, Apply, SnapshotSaved, StreamEnd, StreamSaved, LinkUp, LinkDown, Restart, Call, Fault, FaultEnd,
}

/// <summary>Something that happens at a moment of virtual time.</summary>
/// <param name="Kind">What.</param>
/// <param name="Node">To which node, or -1.</param>
/// <param name="Life">In which life of the node; events for an earlier one are void. -1 = any.</param>
/// <param name="Number">By kind.</param>
/// <param name="Data">By kind.</param>
internal readonly record struct SimEvent(SimEventKind Kind, int Node, int Life, long Number, object? Data);
