using System.Buffers.Binary;
using Conclave.Store;

namespace Conclave.Simulator;

/// <summary>Commands for the key-value store, over few keys so that they meet: puts, deletions, transactions, leases, compactions.</summary>
internal static class StoreCommands
{
    private const int Keys = 24, Leases = 6;

    public static byte[] Draw(SimWorld world, RandomStream random, ulong operation)
    {
        (CommandKind kind, byte[] body) = random.Below(16) switch
        {
            < 8 => (CommandKind.Put, Put(world, random, operation)),
            < 10 => (CommandKind.DeleteRange, DeleteRange(random)),
            < 12 => (CommandKind.Txn, Txn(world, random, operation)),
            12 => (CommandKind.LeaseGrant, CommandBody.LeaseGrant(1 + random.Below(Leases), 5)),
            13 => (CommandKind.LeaseRevoke, CommandBody.LeaseRevoke(1 + random.Below(Leases))),
            14 => (CommandKind.Compact, CommandBody.Compact(random.Below(1 + (int)world.Statistics.Committed))),
            _ => (CommandKind.MemberAttributes, CommandBody.MemberAttributes(1 + (ulong)random.Below(5), Key(random))),
        };
        return Store.Command.Encode(kind, origin: 0, operation, body);
    }

    private static byte[] Key(RandomStream random) => [(byte)'k', (byte)('a' + random.Below(Keys))];

    // PutRequest { key = 1, value = 2, lease = 3, prev_kv = 4 }
    private static byte[] Put(SimWorld world, RandomStream random, ulong operation)
    {
        byte[] value = new byte[8 + random.Below(world.Plan.ValueBytesMax)];
        BinaryPrimitives.WriteUInt64LittleEndian(value, operation);
        byte[] lease = random.Below(4) == 0 ? Number(3, random.Below(Leases + 1)) : [];
        byte[] previous = random.Below(4) == 0 ? Number(4, 1) : [];
        return [.. Bytes(1, Key(random)), .. Bytes(2, value), .. lease, .. previous];
    }

    // DeleteRangeRequest { key = 1, range_end = 2, prev_kv = 3 }
    private static byte[] DeleteRange(RandomStream random)
    {
        byte[] end = random.Below(2) == 0 ? Bytes(2, Key(random)) : [];
        return [.. Bytes(1, Key(random)), .. end, .. Number(3, 1)];
    }

    // TxnRequest { compare = 1 { result = 1, target = 2, key = 3, version = 4 }, success = 2, failure = 3 { request_range = 1, request_put = 2, request_delete_range = 3 } }
    private static byte[] Txn(SimWorld world, RandomStream random, ulong operation)
    {
        byte[] compare = [.. Number(1, random.Below(4)), .. Number(2, 0), .. Bytes(3, Key(random)), .. Number(4, random.Below(3))];
        byte[] read = Bytes(1, Bytes(1, Key(random)));
        return [.. Bytes(1, compare), .. Bytes(2, Bytes(2, Put(world, random, operation))), .. Bytes(2, read), .. Bytes(3, Bytes(3, DeleteRange(random))), .. Bytes(3, read)];
    }

    private static byte[] Number(int field, int value) => [(byte)(field << 3), .. Varint(value)];

    private static byte[] Bytes(int field, byte[] content) => [(byte)(field << 3 | 2), .. Varint(content.Length), .. content];

    private static byte[] Varint(int value) => value < 0x80 ? [(byte)value] : [(byte)(value | 0x80), .. Varint(value >> 7)];
}
