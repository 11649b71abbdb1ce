using System.Runtime.CompilerServices;
using Conclave.Store.Protobuf;

namespace Conclave.Store.History;

/// <summary>One version of a key, kept as the bytes of an mvccpb.KeyValue that go into responses and events as they are.</summary>
/// <remarks>
/// <code>
/// put:        0A len key | 10 create | 18 mod | 20 version [| 2A len value] [| 30 lease]
/// tombstone:  0A len key | 18 mod                        (what a DELETE event carries)
/// </code>
/// Always written here, in this order and shortest form, so the readers below need no general parser and no checks.
/// </remarks>
internal static class KeyValueWire
{
    private const byte KeyTag = 0x0A, CreateTag = 0x10, ModTag = 0x18, VersionTag = 0x20, ValueTag = 0x2A, LeaseTag = 0x30;

    public static byte[] Put(ReadOnlySpan<byte> key, long create, long mod, long version, ReadOnlySpan<byte> value, long lease)
    {
        int size = Varint.BytesFieldSize(key.Length)
            + 3 + Varint.Size(create) + Varint.Size(mod) + Varint.Size(version)
            + (value.IsEmpty ? 0 : Varint.BytesFieldSize(value.Length))
            + (lease == 0 ? 0 : 1 + Varint.Size(lease));
        byte[] wire = new byte[size];
        int at = Varint.WriteBytes(wire, 0, KeyTag, key);
        at = Varint.WriteLong(wire, at, CreateTag, create);
        at = Varint.WriteLong(wire, at, ModTag, mod);
        at = Varint.WriteLong(wire, at, VersionTag, version);
        if (!value.IsEmpty)
            at = Varint.WriteBytes(wire, at, ValueTag, value);
        if (lease != 0)
            Varint.WriteLong(wire, at, LeaseTag, lease);
        return wire;
    }

    public static byte[] Tombstone(ReadOnlySpan<byte> key, long mod)
    {
        byte[] wire = new byte[Varint.BytesFieldSize(key.Length) + 1 + Varint.Size(mod)];
        int at = Varint.WriteBytes(wire, 0, KeyTag, key);
        Varint.WriteLong(wire, at, ModTag, mod);
        return wire;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ReadOnlySpan<byte> Key(byte[] wire)
    {
        int length = wire[1];
        return length < 0x80 ? new ReadOnlySpan<byte>(wire, 2, length) : LongKey(wire);
    }

    public static bool IsTombstone(byte[] wire) => wire[AfterKey(wire)] != CreateTag;

    public static long Mod(byte[] wire)
    {
        int at = AfterKey(wire);
        if (wire[at++] == CreateTag)
        {
            while (wire[at++] >= 0x80)
            {
            }

            at++;
        }

        return (long)ReadVarint(wire, ref at);
    }

    public static long Lease(byte[] wire) => new KeyValueFields(wire).Lease;

    public static KeyValueFields Fields(byte[] wire) => new(wire);

    /// <summary>Index of the tag behind the key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int AfterKey(byte[] wire)
    {
        int length = wire[1];
        return length < 0x80 ? 2 + length : AfterLongKey(wire);
    }

    internal static ulong ReadVarint(ReadOnlySpan<byte> wire, ref int at)
    {
        ulong value = wire[at++];
        if (value < 0x80)
            return value;
        value &= 0x7f;
        for (int shift = 7; ; shift += 7)
        {
            byte b = wire[at++];
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80)
                return value;
        }
    }

    private static ReadOnlySpan<byte> LongKey(byte[] wire)
    {
        int at = 1;
        int length = (int)ReadVarint(wire, ref at);
        return new ReadOnlySpan<byte>(wire, at, length);
    }

    private static int AfterLongKey(byte[] wire)
    {
        int at = 1;
        int length = (int)ReadVarint(wire, ref at);
        return at + length;
    }
}
