using System.Buffers;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Conclave.Layers;

/// <summary>Values as JSON text and back.</summary>
public static class ValueJson
{
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonWriterOptions Pretty = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, Indented = true };

    public static string Write(Value value, bool indented = false)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, indented ? Pretty : Compact))
            Write(writer, value);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>A number with a point or an exponent is a float, any other an integer.</summary>
    /// <param name="json">One JSON value.</param>
    /// <param name="value">The value.</param>
    /// <param name="problem">What is wrong with the text.</param>
    public static bool TryParse(ReadOnlySpan<byte> json, [NotNullWhen(true)] out Value? value, out string problem)
    {
        value = null;
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = Limits.ValueDepthMax + 1 });
            reader.Read();
            value = Read(ref reader);
            if (reader.Read())
                throw new FormatException("There is more after the value.");
            problem = "";
            return true;
        }
        catch (JsonException e)
        {
            // The reader's own text quotes what it could not read, and that may be a secret.
            value = null;
            problem = $"This is not a JSON value that can be stored: it goes wrong at byte {e.BytePositionInLine + 1} of line {e.LineNumber + 1}. Text needs quotes, and values have at most {Limits.ValueDepthMax} levels.";
            return false;
        }
        catch (Exception e) when (e is FormatException or InvalidOperationException)
        {
            value = null;
            problem = $"This is not a JSON value that can be stored: {e.Message}";
            return false;
        }
    }

    public static bool TryParse(string json, [NotNullWhen(true)] out Value? value, out string problem) =>
        TryParse(Encoding.UTF8.GetBytes(json), out value, out problem);

    /// <summary>A float's shortest text that reads back as the same float, with a point or an exponent so that it reads back as a float.</summary>
    public static string Text(double value)
    {
        string text = value.ToString("R", CultureInfo.InvariantCulture);
        return text.AsSpan().IndexOfAny('.', 'E', 'e') < 0 ? text + ".0" : text;
    }

    private static void Write(Utf8JsonWriter writer, Value value)
    {
        switch (value.Kind)
        {
            case ValueKind.Null: writer.WriteNullValue(); break;
            case ValueKind.Boolean: writer.WriteBooleanValue(value.AsBoolean); break;
            case ValueKind.Integer: writer.WriteNumberValue(value.AsInteger); break;
            case ValueKind.Float: writer.WriteRawValue(Text(value.AsFloat)); break;
            case ValueKind.String: writer.WriteStringValue(value.AsString); break;
            case ValueKind.List:
                writer.WriteStartArray();
                foreach (Value element in value.Elements)
                    Write(writer, element);
                writer.WriteEndArray();
                break;
            default:
                writer.WriteStartObject();
                foreach (KeyValuePair<string, Value> member in value.Members)
                {
                    writer.WritePropertyName(member.Key);
                    Write(writer, member.Value);
                }
                writer.WriteEndObject();
                break;
        }
    }

    private static Value Read(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.Null: return Value.Null;
            case JsonTokenType.True: return Value.True;
            case JsonTokenType.False: return Value.False;
            case JsonTokenType.String: return Value.Of(reader.GetString() ?? "");
            case JsonTokenType.Number: return ReadNumber(ref reader);
            case JsonTokenType.StartArray:
                var elements = ImmutableArray.CreateBuilder<Value>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    elements.Add(Read(ref reader));
                return Value.List(elements.ToImmutable());
            case JsonTokenType.StartObject:
                var members = new Dictionary<string, Value>(StringComparer.Ordinal);
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    string name = reader.GetString() ?? "";
                    reader.Read();
                    if (!members.TryAdd(name, Read(ref reader)))
                        throw new FormatException($"The object has two members named \"{name}\".");
                }
                return Value.Map(members);
            default:
                throw new FormatException($"Unexpected {reader.TokenType}.");
        }
    }

    private static Value ReadNumber(ref Utf8JsonReader reader)
    {
        ReadOnlySpan<byte> text = reader.ValueSpan;
        if (text.IndexOfAny((byte)'.', (byte)'e', (byte)'E') < 0)
            return reader.TryGetInt64(out long integer) ? Value.Of(integer)
                : throw new FormatException($"A number of {text.Length} characters does not fit into 64 bits. Write it as a string.");
        return reader.TryGetDouble(out double number) && double.IsFinite(number) ? Value.Of(number)
            : throw new FormatException($"A number of {text.Length} characters is too large for a float. Write it as a string.");
    }
}
