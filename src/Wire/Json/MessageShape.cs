using System.Collections.Concurrent;
using System.Text.Json;
using Google.Protobuf.Reflection;

namespace Conclave.Wire.Json;

/// <summary>The fields of a message type by the names JSON may use, made once for each type.</summary>
internal sealed class MessageShape
{
    /// <summary>Longest name worth looking up; a longer one is unknown.</summary>
    private const int NameCharsMax = 64;

    private static readonly ConcurrentDictionary<MessageDescriptor, MessageShape> Known = new();

    private readonly Dictionary<string, FieldDescriptor> _byName = new(StringComparer.Ordinal);

    private MessageShape(MessageDescriptor descriptor)
    {
        IList<FieldDescriptor> fields = descriptor.Fields.InFieldNumberOrder();
        Fields = [.. fields.Select(f => new NamedField(JsonEncodedText.Encode(f.Name), f))];
        foreach (FieldDescriptor field in fields)
            _byName.TryAdd(field.JsonName, field);
        foreach (FieldDescriptor field in fields)
            _byName[field.Name] = field;
    }

    /// <summary>In the order of their numbers.</summary>
    public NamedField[] Fields { get; }

    public static MessageShape Of(MessageDescriptor descriptor) => Known.GetOrAdd(descriptor, static d => new MessageShape(d));

    /// <summary>The field that the reader's current property name stands for, by proto name or camelCase; null when there is none.</summary>
    public FieldDescriptor? Find(in Utf8JsonReader reader)
    {
        if (reader.ValueSpan.Length > NameCharsMax)
            return null;
        Span<char> name = stackalloc char[NameCharsMax];
        int chars = reader.CopyString(name);
        return _byName.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name[..chars], out FieldDescriptor? field) ? field : null;
    }
}

/// <summary>A field with its name ready for the writer.</summary>
internal readonly record struct NamedField(JsonEncodedText Name, FieldDescriptor Field);
