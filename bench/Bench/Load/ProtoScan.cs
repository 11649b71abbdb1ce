namespace Conclave.Bench.Load;

/// <summary>Finds fields in protobuf bytes without making objects, for looks at answers that are counted by the thousand.</summary>
internal static class ProtoScan
{
    /// <summary>Reads the next field and moves past it.</summary>
    /// <param name="rest">What is left of the message.</param>
    /// <param name="field">Field number.</param>
    /// <param name="number">Value of a varint field.</param>
    /// <param name="bytes">Value of a length-delimited field.</param>
    /// <returns>False at the end.</returns>
    /// <exception cref="InvalidDataException">Not protobuf as etcd's messages have it.</exception>
    public static bool TryNext(ref ReadOnlySpan<byte> rest, out int field, out ulong number, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        (field, number) = (0, 0);
        if (rest.IsEmpty)
            return false;
        ulong tag = ReadVarint(ref rest);
        field = (int)(tag >> 3);
        switch (tag & 7)
        {
            case 0:
                number = ReadVarint(ref rest);
                return true;
            case 2:
                int length = checked((int)ReadVarint(ref rest));
                bytes = rest[..length];
                rest = rest[length..];
                return true;
            default:
                throw new InvalidDataException($"Field {field} has wire type {tag & 7}.");
        }
    }

    /// <summary>Value of a varint field; 0 when absent, as proto3 means it.</summary>
    public static ulong Number(ReadOnlySpan<byte> message, int wanted)
    {
        while (TryNext(ref message, out int field, out ulong number, out _))
        {
            if (field == wanted)
                return number;
        }
        return 0;
    }

    private static ulong ReadVarint(ref ReadOnlySpan<byte> rest)
    {
        ulong value = 0;
        for (int i = 0; ; i++)
        {
            byte part = rest[i];
            value |= (ulong)(part & 0x7f) << (7 * i);
            if (part < 0x80)
            {
                rest = rest[(i + 1)..];
                return value;
            }
        }
    }
}
