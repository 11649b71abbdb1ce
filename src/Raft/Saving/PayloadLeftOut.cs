using System.Buffers;

namespace Conclave.Raft;

/// <summary>Stands for a payload of which only the length was saved. The core asks for no more than that; whoever looks into it finds out at once.</summary>
internal sealed class PayloadLeftOut : MemoryManager<byte>
{
    private static readonly PayloadLeftOut Instance = new();

    private PayloadLeftOut()
    {
    }

    /// <summary>Takes no memory, however long it is.</summary>
    public static ReadOnlyMemory<byte> Of(int length) => length == 0 ? default : Instance.CreateMemory(length);

    public override Span<byte> GetSpan() => throw Nothing();

    public override MemoryHandle Pin(int elementIndex = 0) => throw Nothing();

    public override void Unpin()
    {
        // Nothing was pinned.
    }

    protected override void Dispose(bool disposing)
    {
        // There is one of it, and it holds nothing.
    }

    private static InvariantViolationException Nothing() => Invariant.Unreachable("The core was loaded without the payloads of its log, and somebody reads one.");
}
