using System.Buffers.Binary;
using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>
/// A few registers and a hash of everything that was applied. Equal hashes at an equal index mean equal states, so a read is right
/// exactly when the index it was served at is late enough.
/// </summary>
internal sealed class RegisterMachine : INodeMachine
{
    public const int Registers = 8;
    private readonly ulong[] _values = new ulong[Registers];

    public EntryId Applied { get; private set; }
    public ulong Hash { get; private set; }

    //  | operation u64 | register u8 | padding |
    public static byte[] Command(ulong operation, int register, int bytes)
    {
        byte[] command = new byte[Math.Max(9, bytes)];
        BinaryPrimitives.WriteUInt64LittleEndian(command, operation);
        command[8] = (byte)register;
        return command;
    }

    public static ulong OperationOf(in Entry entry) => entry.Kind == EntryKind.Command ? BinaryPrimitives.ReadUInt64LittleEndian(entry.Payload.Span) : 0;

    public void Apply(in Entry entry)
    {
        if (entry.Index != Applied.Index.Next) throw new SimulationFailure($"I16: entry {entry.Id} is applied after {Applied}.");
        ulong operation = OperationOf(entry);
        if (operation != 0) _values[entry.Payload.Span[8] % Registers] = operation;
        ulong mixed = (Hash ^ operation ^ (entry.Term.Value << 40) ^ entry.Index.Value) * 0xD6E8FEB86659FD93;
        Hash = mixed ^ (mixed >> 32);
        Applied = entry.Id;
    }

    public byte[] Save()
    {
        byte[] bytes = new byte[24 + 8 * Registers];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Applied.Index.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), Applied.Term.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(16), Hash);
        for (int i = 0; i < Registers; i++) BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(24 + 8 * i), _values[i]);
        return bytes;
    }

    public void Publish()
    {
    }

    public static RegisterMachine Load(byte[] saved)
    {
        var machine = new RegisterMachine();
        machine.Install(saved);
        return machine;
    }

    public void Install(byte[] saved)
    {
        ReadOnlySpan<byte> bytes = saved;
        Applied = new EntryId(new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(bytes)), new Term(BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..])));
        Hash = BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]);
        for (int i = 0; i < Registers; i++) _values[i] = BinaryPrimitives.ReadUInt64LittleEndian(bytes[(24 + 8 * i)..]);
    }
}
