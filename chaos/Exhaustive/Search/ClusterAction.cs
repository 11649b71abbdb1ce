namespace Conclave.Exhaustive;

/// <summary>A step of the cluster, in 32 bits: one input of one node, and which messages the network loses in it for want of room.</summary>
/// <param name="Kind">What happens to the node.</param>
/// <param name="Slot">Which node; for a message its receiver.</param>
/// <param name="Argument">Number of a write or read; for a message its place among those under way.</param>
/// <param name="Keep">The message is delivered and stays under way: it was duplicated.</param>
/// <param name="Lost">Bit n: of those under way after the step, in their order, message n is lost.</param>
internal readonly record struct ClusterAction(NodeInputKind Kind, int Slot, int Argument, bool Keep, uint Lost)
{
    public const int MessagesMax = 16;

    public uint Packed => (uint)Kind | (uint)Slot << 4 | (uint)Argument << 7 | (Keep ? 1u << 15 : 0) | Lost << 16;

    public static ClusterAction FromPacked(uint packed) =>
        new((NodeInputKind)(packed & 15), (int)(packed >> 4 & 7), (int)(packed >> 7 & 255), (packed >> 15 & 1) != 0, packed >> 16);
}
