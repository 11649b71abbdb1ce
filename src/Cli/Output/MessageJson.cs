using System.Collections;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Conclave.Cli.Output;

/// <summary>Answers of the configuration service as JSON: field names as in the API, numbers as numbers, values as the JSON that they are, bytes in hexadecimal.</summary>
internal static class MessageJson
{
    /// <summary>Fields that hold JSON text.</summary>
    private static readonly HashSet<string> Values =
    [
        "conclave.v1.Item.value", "conclave.v1.Layer.value", "conclave.v1.ExplainResponse.value", "conclave.v1.EntryEdit.value",
        "conclave.v1.Difference.a", "conclave.v1.Difference.b", "conclave.v1.SchemaEdit.schema", "conclave.v1.NodeInfo.FactsEntry.value",
    ];

    /// <summary>Writes one message as an object on one line.</summary>
    public static void WriteLine(Terminal terminal, IMessage message) => Json.WriteLine(terminal, json => Members(json, message));

    /// <summary>The same as a document to walk over.</summary>
    public static JsonDocument Document(IMessage message)
    {
        using MemoryStream text = new();
        using (Utf8JsonWriter json = new(text, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            Members(json, message);
            json.WriteEndObject();
        }

        return JsonDocument.Parse(text.ToArray());
    }

    private static void Members(Utf8JsonWriter json, IMessage message)
    {
        foreach (FieldDescriptor field in message.Descriptor.Fields.InFieldNumberOrder())
        {
            object value = field.Accessor.GetValue(message);
            if (value is null) continue;
            json.WritePropertyName(field.Name);
            if (field.IsMap)
            {
                FieldDescriptor of = field.MessageType.FindFieldByNumber(2);
                json.WriteStartObject();
                foreach (DictionaryEntry entry in (IDictionary)value)
                {
                    json.WritePropertyName((string)entry.Key);
                    One(json, of, entry.Value!);   // maps of messages hold no nulls
                }

                json.WriteEndObject();
            }
            else if (field.IsRepeated)
            {
                json.WriteStartArray();
                foreach (object element in (IList)value) One(json, field, element);
                json.WriteEndArray();
            }
            else
            {
                One(json, field, value);
            }
        }
    }

    private static void One(Utf8JsonWriter json, FieldDescriptor field, object value)
    {
        switch (value)
        {
            case IMessage message:
                json.WriteStartObject();
                Members(json, message);
                json.WriteEndObject();
                break;
            case string text when Values.Contains(field.FullName):
                if (text.Length == 0) json.WriteNullValue();
                else json.WriteRawValue(text);
                break;
            case string text: json.WriteStringValue(text); break;
            case bool flag: json.WriteBooleanValue(flag); break;
            case long number: json.WriteNumberValue(number); break;
            case int number: json.WriteNumberValue(number); break;
            case ByteString bytes: json.WriteStringValue(Convert.ToHexStringLower(bytes.Span)); break;
            default: throw new InvalidOperationException($"A field of type {field.FieldType} cannot be written. This is a bug: report it.");
        }
    }
}
