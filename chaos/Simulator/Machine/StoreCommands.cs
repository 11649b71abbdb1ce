using System.Buffers.Binary;
using Conclave.Store;

namespace Conclave.Simulator;

/// <summary>Commands for the key-value store, over few keys so that they meet: puts, deletions, transactions, leases, compactions.</summary>
internal static class StoreCommands
{
    private const int Keys = 24, Leases = 6;

    public static byte[] Draw(SimWorld world, ulong operation)
    {
        (CommandKind kind, byte[] body) = world.Random.Below(16) switch
        {
            < 8 => (CommandKind.Put, Put(world, operation)),
            < 10 => (CommandKind.DeleteRange, DeleteRange(world)),
            < 12 => (CommandKind.Txn, Txn(world, operation)),
            12 => (CommandKind.LeaseGrant, CommandBody.LeaseGrant(1 + world.Random.Below(Leases), 5)),
            13 => (CommandKind.LeaseRevoke, CommandBody.LeaseRevoke(1 + world.Random.Below(Leases))),
            14 => (CommandKind.Compact, CommandBody.Compact(world.Random.Below(1 + (int)world.Statistics.Committed))),
            _ => (CommandKind.MemberAttributes, CommandBody.MemberAttributes(1 + (ulong)world.Random.Below(5), Key(world))),
        };
        return Store.Command.Encode(kind, origin: 0, operation, body);
    }

    private static byte[] Key(SimWorld world) => [(byte)'k', (byte)('a' + world.Random.Below(Keys))];

    // PutRequest { key = 1, value = 2, lease = 3, prev_kv = 4 }
    private static byte[] Put(SimWorld world, ulong operation)
    {
        byte[] value = new byte[8 + world.Random.Below(world.Plan.ValueBytesMax)];
        BinaryPrimitives.WriteUInt64LittleEndian(value, operation);
        byte[] lease = world.Random.Below(4) == 0 ? Number(3, world.Random.Below(Leases + 1)) : [];
        byte[] previous = world.Random.Below(4) == 0 ? Number(4, 1) : [];
        return [.. Bytes(1, Key(world)), .. Bytes(2, value), .. lease, .. previous];
    }

    // DeleteRangeRequest { key = 1, range_end = 2, prev_kv = 3 }
    private static byte[] DeleteRange(SimWorld world)
    {
        byte[] end = world.Random.Below(2) == 0 ? Bytes(2, Key(world)) : [];
        return [.. Bytes(1, Key(world)), .. end, .. Number(3, 1)];
    }

    // TxnRequest { compare = 1 { result = 1, target = 2, key = 3, version = 4 }, success = 2, failure = 3 { request_range = 1, request_put = 2, request_delete_range = 3 } }
    private static byte[] Txn(SimWorld world, ulong operation)
    {
        byte[] compare = [.. Number(1, world.Random.Below(4)), .. Number(2, 0), .. Bytes(3, Key(world)), .. Number(4, world.Random.Below(3))];
        byte[] read = Bytes(1, Bytes(1, Key(world)));
        return [.. Bytes(1, compare), .. Bytes(2, Bytes(2, Put(world, operation))), .. Bytes(2, read), .. Bytes(3, Bytes(3, DeleteRange(world))), .. Bytes(3, read)];
    }

    private static byte[] Number(int field, int value) => [(byte)(field << 3), .. Varint(value)];

    private static byte[] Bytes(int field, byte[] content) => [(byte)(field << 3 | 2), .. Varint(content.Length), .. content];

    private static byte[] Varint(int value) => value < 0x80 ? [(byte)value] : [(byte)(value | 0x80), .. Varint(value >> 7)];
}
