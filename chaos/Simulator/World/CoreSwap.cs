using System.Buffers;
using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>
/// Puts a loaded copy in the place of a node's core, again and again, in the middle of a run. A copy that lacks anything goes another way sooner or later, so the trace of a run with
/// swaps has to be the one of the same run without. Draws nothing: a run that is not swapped does not know of it.
/// </summary>
/// <param name="every">Events of nodes from one swap to the next, 1 or more.</param>
internal sealed class CoreSwap(int every)
{
    private readonly ArrayBufferWriter<byte> _saved = new();
    private long _events;

    /// <summary>So far.</summary>
    public long Count { get; private set; }

    /// <summary>Bytes of the largest state that was saved, without its log.</summary>
    public int StateBytesMax { get; private set; }

    /// <summary>Does something to each copy, for tests that want to see it noticed.</summary>
    public Action<RaftCore>? Spoil { get; init; }

    public RaftCore Next(RaftCore core, RaftOptions options, CoreFaults faults)
    {
        if (++_events % every != 0) return core;
        Count++;
        SavedCore saved = core.Save();
        StateBytesMax = Math.Max(StateBytesMax, saved.StateBytes);
        _saved.ResetWrittenCount();
        saved.Write(_saved, payloads: true);
        // The copy keeps slices of the bytes, so each has its own.
        if (!RaftCore.TryLoad(options, _saved.WrittenSpan.ToArray(), faults, out RaftCore? copy)) throw new SimulationFailure($"A saved core of {_saved.WrittenCount} bytes cannot be loaded: {core.Self} at event {_events}.");
        Spoil?.Invoke(copy);
        return copy;
    }
}
