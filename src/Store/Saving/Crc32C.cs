using System.Buffers.Binary;
using System.Numerics;

namespace Conclave.Store.Saving;

/// <summary>CRC-32C (Castagnoli) over bytes that come in pieces; how they are cut makes no difference.</summary>
internal struct Crc32C()
{
    private uint _state = uint.MaxValue;

    public readonly uint Value => ~_state;

    public void Add(ReadOnlySpan<byte> bytes)
    {
        uint state = _state;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
            state = BitOperations.Crc32C(state, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (byte b in bytes)
            state = BitOperations.Crc32C(state, b);
        _state = state;
    }
}
