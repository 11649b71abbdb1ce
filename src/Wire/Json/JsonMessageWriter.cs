using System.Buffers.Text;
using System.Collections;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Conclave.Wire.Json;

/// <summary>Writes messages as JSON.</summary>
internal static class JsonMessageWriter
{
    /// <summary>Longest 64-bit number in decimal, with its sign.</summary>
    private const int NumberCharsMax = 20;

    /// <summary>The answers are JSON for programs, never part of a web page: base64's plus sign and texts stay readable.</summary>
    public static JsonWriterOptions Options { get; } = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    public static void Write(IMessage message, Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        foreach (NamedField named in MessageShape.Of(message.Descriptor).Fields)
        {
            FieldDescriptor field = named.Field;
            if (field.HasPresence && !field.Accessor.HasValue(message))
                continue;
            object value = field.Accessor.GetValue(message);
            if (!field.HasPresence && IsDefault(value))
                continue;
            writer.WritePropertyName(named.Name);
            WriteField(field, value, writer);
        }

        writer.WriteEndObject();
    }

    private static bool IsDefault(object value) => value switch
    {
        long number => number == 0,
        ulong number => number == 0,
        int number => number == 0,
        uint number => number == 0,
        bool flag => !flag,
        string text => text.Length == 0,
        ByteString bytes => bytes.IsEmpty,
        double number => number == 0 && !double.IsNegative(number),
        float number => number == 0 && !float.IsNegative(number),
        ICollection collection => collection.Count == 0,
        Enum => (int)value == 0,
        _ => false,
    };

    private static void WriteField(FieldDescriptor field, object value, Utf8JsonWriter writer)
    {
        if (field.IsMap)
        {
            WriteMap(field, (IDictionary)value, writer);
        }
        else if (field.IsRepeated)
        {
            writer.WriteStartArray();
            foreach (object element in (IList)value)
                WriteValue(field, element, writer);
            writer.WriteEndArray();
        }
        else
        {
            WriteValue(field, value, writer);
        }
    }

    private static void WriteMap(FieldDescriptor field, IDictionary map, Utf8JsonWriter writer)
    {
        FieldDescriptor valueField = field.MessageType.FindFieldByNumber(2);
        writer.WriteStartObject();
        foreach (DictionaryEntry entry in map)
        {
            writer.WritePropertyName(entry.Key is bool flag
                ? (flag ? "true" : "false")
                : Convert.ToString(entry.Key, CultureInfo.InvariantCulture) ?? "");
            WriteValue(valueField, entry.Value!, writer); // Protobuf maps hold no nulls.
        }

        writer.WriteEndObject();
    }

    private static void WriteValue(FieldDescriptor field, object value, Utf8JsonWriter writer)
    {
        switch (value)
        {
            case IMessage message:
                Write(message, writer);
                break;
            case ByteString bytes:
                writer.WriteBase64StringValue(bytes.Span);
                break;
            case string text:
                writer.WriteStringValue(text);
                break;
            case bool flag:
                writer.WriteBooleanValue(flag);
                break;
            case long number:
                Span<byte> signed = stackalloc byte[NumberCharsMax];
                Utf8Formatter.TryFormat(number, signed, out int signedChars);
                writer.WriteStringValue(signed[..signedChars]);
                break;
            case ulong number:
                Span<byte> unsigned = stackalloc byte[NumberCharsMax];
                Utf8Formatter.TryFormat(number, unsigned, out int unsignedChars);
                writer.WriteStringValue(unsigned[..unsignedChars]);
                break;
            case uint number:
                writer.WriteNumberValue(number);
                break;
            case int number when field.FieldType != FieldType.Enum:
                writer.WriteNumberValue(number);
                break;
            case double number:
                WriteDouble(number, writer);
                break;
            case float number:
                WriteFloat(number, writer);
                break;
            default:
                WriteEnum(field.EnumType, (int)value, writer);
                break;
        }
    }

    private static void WriteEnum(EnumDescriptor type, int number, Utf8JsonWriter writer)
    {
        if (type.FindValueByNumber(number) is { } known)
            writer.WriteStringValue(known.Name);
        else
            writer.WriteNumberValue(number);
    }

    private static void WriteDouble(double number, Utf8JsonWriter writer)
    {
        if (double.IsFinite(number))
            writer.WriteNumberValue(number);
        else
            WriteNotFinite(number, writer);
    }

    private static void WriteFloat(float number, Utf8JsonWriter writer)
    {
        if (float.IsFinite(number))
            writer.WriteNumberValue(number);
        else
            WriteNotFinite(number, writer);
    }

    private static void WriteNotFinite(double number, Utf8JsonWriter writer) =>
        writer.WriteStringValue(double.IsNaN(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
}
