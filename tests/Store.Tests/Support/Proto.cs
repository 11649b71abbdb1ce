using System.Text;

namespace Conclave.Store.Tests;

/// <summary>Protobuf written and read in the plainest way, apart from the code under test.</summary>
public sealed class Proto
{
    private readonly MemoryStream _bytes = new();

    public Proto Number(int field, long value) => value == 0 ? this : Zero(field, value);

    /// <summary>Writes the field even when it is 0.</summary>
    public Proto Zero(int field, long value)
    {
        Varint((ulong)field << 3);
        Varint((ulong)value);
        return this;
    }

    public Proto Flag(int field, bool value) => Number(field, value ? 1 : 0);

    public Proto Bytes(int field, byte[] value)
    {
        Varint(((ulong)field << 3) | 2);
        Varint((ulong)value.Length);
        _bytes.Write(value);
        return this;
    }

    public Proto Text(int field, string value) => value.Length == 0 ? this : Bytes(field, Key(value));

    public Proto Message(int field, Proto message) => Bytes(field, message.ToArray());

    public byte[] ToArray() => _bytes.ToArray();

    public static byte[] Key(string text) => Encoding.Latin1.GetBytes(text);

    public static string Text(byte[] bytes) => Encoding.Latin1.GetString(bytes);

    private void Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            _bytes.WriteByte((byte)(value | 0x80));
        _bytes.WriteByte((byte)value);
    }
}

/// <summary>A decoded message: its fields in the order in which they came.</summary>
public sealed class ProtoFields
{
    private readonly List<(int Field, long Number, byte[]? Bytes)> _fields = [];

    public ProtoFields(byte[] message)
    {
        int at = 0;
        while (at < message.Length)
        {
            ulong tag = Varint(message, ref at);
            int field = (int)(tag >> 3);
            if ((tag & 7) == 2)
            {
                int length = (int)Varint(message, ref at);
                _fields.Add((field, 0, message[at..(at + length)]));
                at += length;
            }
            else
            {
                if ((tag & 7) != 0)
                    throw new InvalidDataException($"wire type {tag & 7}");
                _fields.Add((field, (long)Varint(message, ref at), null));
            }
        }

        for (int i = 1; i < _fields.Count; i++)
        {
            if (_fields[i].Field < _fields[i - 1].Field)
                throw new InvalidDataException("Fields are not in the order of their numbers.");
        }
    }

    public bool Has(int field) => _fields.Exists(f => f.Field == field);

    public long Number(int field) => _fields.Find(f => f.Field == field).Number;

    public byte[] Bytes(int field) => _fields.Find(f => f.Field == field).Bytes ?? [];

    public string Text(int field) => Proto.Text(Bytes(field));

    public ProtoFields Message(int field) => new(Bytes(field));

    public IEnumerable<ProtoFields> Messages(int field) => _fields.Where(f => f.Field == field).Select(f => new ProtoFields(f.Bytes!));

    public int FirstField => _fields[0].Field;

    public byte[] FirstBytes => _fields[0].Bytes!;

    private static ulong Varint(byte[] message, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte b = message[at++];
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80)
                return value;
        }
    }
}
