using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Conclave.Wire.Json;

/// <summary>Single values as the gateway accepts them.</summary>
internal static class JsonScalar
{
    /// <summary>Up to this many characters a decimal holds every digit, so that "1.5e3" is judged exactly.</summary>
    private const int ExactCharsMax = 28;

    public static bool ReadBool(in Utf8JsonReader reader, FieldDescriptor field) => reader.TokenType switch
    {
        JsonTokenType.True => true,
        JsonTokenType.False => false,
        _ => throw Expected("true or false", field, reader),
    };

    public static string ReadText(in Utf8JsonReader reader, FieldDescriptor field)
    {
        if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName))
            throw Expected("a string", field, reader);
        try
        {
            return reader.GetString()!; // Not null: the token is a string.
        }
        catch (InvalidOperationException e)
        {
            throw new JsonException($"field {field.FullName}: the string is not valid UTF-8", e);
        }
    }

    public static ByteString ReadBytes(in Utf8JsonReader reader, FieldDescriptor field)
    {
        if (reader.TokenType != JsonTokenType.String)
            throw Expected("a base64 string", field, reader);
        ReadOnlySpan<byte> text = reader.ValueIsEscaped ? Encoding.UTF8.GetBytes(ReadText(reader, field)) : reader.ValueSpan;
        return Base64Text.TryDecode(text, out byte[] bytes, out int badAt)
            ? UnsafeByteOperations.UnsafeWrap(bytes) // The array is ours alone.
            : throw new JsonException($"illegal base64 data at input byte {badAt} (field {field.FullName})");
    }

    /// <returns>The number; unknown ones pass, as on the wire.</returns>
    public static object ReadEnum(in Utf8JsonReader reader, FieldDescriptor field)
    {
        if (reader.TokenType == JsonTokenType.Number)
            return (int)ReadSigned(reader, field, int.MinValue, int.MaxValue);
        if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName))
            throw Expected("the name or number of an enum value", field, reader);
        string name = ReadText(reader, field);
        return field.EnumType.FindValueByName(name)?.Number
            ?? throw new JsonException($"unknown value \"{name}\" for enum {EnumName(field.EnumType)}");
    }

    public static long ReadSigned(in Utf8JsonReader reader, FieldDescriptor field, long min, long max)
    {
        ReadOnlySpan<byte> text = NumberText(reader, field);
        if (!Utf8Parser.TryParse(text, out long value, out int used) || used != text.Length)
        {
            decimal exact = ReadDecimal(text, reader, field);
            value = exact >= min && exact <= max ? (long)exact : throw OutOfRange(reader, field);
        }

        return value >= min && value <= max ? value : throw OutOfRange(reader, field);
    }

    public static ulong ReadUnsigned(in Utf8JsonReader reader, FieldDescriptor field, ulong max)
    {
        ReadOnlySpan<byte> text = NumberText(reader, field);
        if (!Utf8Parser.TryParse(text, out ulong value, out int used) || used != text.Length)
        {
            decimal exact = ReadDecimal(text, reader, field);
            value = exact >= 0 && exact <= max ? (ulong)exact : throw OutOfRange(reader, field);
        }

        return value <= max ? value : throw OutOfRange(reader, field);
    }

    public static double ReadDouble(in Utf8JsonReader reader, FieldDescriptor field)
    {
        ReadOnlySpan<byte> text = NumberText(reader, field);
        if (Utf8Parser.TryParse(text, out double value, out int used) && used == text.Length)
            return value;
        throw Expected("a number", field, reader);
    }

    public static JsonException Expected(string what, FieldDescriptor field, in Utf8JsonReader reader) =>
        new($"field {field.FullName}: {what} is expected, not {Found(reader)}");

    public static string Found(in Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.String => "a string",
        JsonTokenType.Number => "a number",
        JsonTokenType.Null => "null",
        JsonTokenType.True or JsonTokenType.False => "a boolean",
        _ => "nothing",
    };

    private static ReadOnlySpan<byte> NumberText(in Utf8JsonReader reader, FieldDescriptor field)
    {
        if (reader.TokenType is not (JsonTokenType.Number or JsonTokenType.String or JsonTokenType.PropertyName))
            throw Expected("a number", field, reader);
        return reader.ValueSpan; // An escaped digit is no number that anybody sends; it fails to parse.
    }

    /// <summary>Whole numbers in another spelling: 1e3, 2.0.</summary>
    private static decimal ReadDecimal(ReadOnlySpan<byte> text, in Utf8JsonReader reader, FieldDescriptor field)
    {
        const NumberStyles styles = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        bool isExact = text.Length <= ExactCharsMax && text.IndexOfAnyInRange((byte)'0', (byte)'9') >= 0;
        if (!isExact || !decimal.TryParse(text, styles, CultureInfo.InvariantCulture, out decimal value) || value != decimal.Truncate(value))
            throw Expected("a whole number that fits the type", field, reader);
        bool roundedAway = value == 0 && text.IndexOfAnyInRange((byte)'1', (byte)'9') is >= 0 and int digit && !IsInExponent(text, digit);
        return roundedAway ? throw Expected("a whole number", field, reader) : value;
    }

    private static bool IsInExponent(ReadOnlySpan<byte> text, int position) => text.IndexOfAny((byte)'e', (byte)'E') is >= 0 and int e && e < position;

    private static JsonException OutOfRange(in Utf8JsonReader reader, FieldDescriptor field) =>
        new($"field {field.FullName}: {Encoding.UTF8.GetString(reader.ValueSpan)} does not fit a {field.FieldType}");

    /// <summary>Nested enums joined by an underscore, as etcd words it: etcdserverpb.RangeRequest_SortTarget.</summary>
    private static string EnumName(EnumDescriptor type) => type.ContainingType is { } outer ? $"{outer.FullName}_{type.Name}" : type.FullName;
}
