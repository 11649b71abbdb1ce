using System.Numerics;

namespace Conclave.Raft;

/// <summary>Order-dependent 64-bit hash of numbers, the same on every platform and in every process. Not for anything that faces an adversary.</summary>
internal struct StateHash
{
    public ulong Value { get; private set; }

    public void Add(ulong value)
    {
        ulong mixed = (BitOperations.RotateLeft(Value, 23) ^ value) * 0x9E3779B97F4A7C15;
        Value = mixed ^ (mixed >> 29);
    }

    public void Add(long value) => Add(unchecked((ulong)value));
    public void Add(bool value) => Add(value ? 1UL : 0);

    public void Add(EntryId id)
    {
        Add(id.Index.Value);
        Add(id.Term.Value);
    }

    public void Add(ReadOnlySpan<byte> bytes)
    {
        Add((ulong)bytes.Length);
        foreach (byte value in bytes) Add((ulong)value);
    }

    public void Add(Membership? membership)
    {
        if (membership is null) Add(0UL);
        else Add(membership.Encode());
    }
}
