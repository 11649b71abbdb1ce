using System.Collections;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Conclave.Wire.Json;

/// <summary>Fills messages from JSON. Everything wrong is a <see cref="JsonException"/> whose text may go to the caller of the API.</summary>
internal ref struct JsonMessageReader(Utf8JsonReader reader)
{
    private Utf8JsonReader _reader = reader;

    public static IMessage NewMessage(MessageDescriptor descriptor) => descriptor.Parser.ParseFrom(ByteString.Empty);

    /// <summary>Reads the value and makes sure that nothing follows it.</summary>
    public void ReadAll(IMessage message)
    {
        _reader.Read();
        if (_reader.TokenType != JsonTokenType.Null)
            ReadObject(message);
        _reader.Read();
    }

    private void ReadObject(IMessage message)
    {
        if (_reader.TokenType != JsonTokenType.StartObject)
            throw new JsonException($"an object is expected for {message.Descriptor.FullName}, not {Found}");
        MessageShape shape = MessageShape.Of(message.Descriptor);
        while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
        {
            FieldDescriptor? field = FindField(shape);
            _reader.Read();
            if (field is null)
                _reader.Skip();
            else if (_reader.TokenType != JsonTokenType.Null)
                ReadField(message, field);
        }
    }

    private readonly FieldDescriptor? FindField(MessageShape shape)
    {
        try
        {
            return shape.Find(_reader);
        }
        catch (InvalidOperationException e)
        {
            throw new JsonException("a property name is not valid UTF-8", e);
        }
    }

    private void ReadField(IMessage message, FieldDescriptor field)
    {
        if (field.IsMap)
            ReadMap((IDictionary)field.Accessor.GetValue(message), field);
        else if (field.IsRepeated)
            ReadList((IList)field.Accessor.GetValue(message), field);
        else if (field.FieldType == FieldType.Message)
            ReadSubmessage(message, field);
        else
            field.Accessor.SetValue(message, ReadScalar(field));
    }

    /// <summary>Set before it is filled: a oneof must notice the member even when the object is empty.</summary>
    private void ReadSubmessage(IMessage message, FieldDescriptor field)
    {
        IMessage submessage = NewMessage(field.MessageType);
        field.Accessor.SetValue(message, submessage);
        ReadObject(submessage);
    }

    private void ReadList(IList list, FieldDescriptor field)
    {
        if (_reader.TokenType != JsonTokenType.StartArray)
            throw Expected("an array", field);
        list.Clear(); // A name given twice: the last one counts, as for single fields.
        while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
            list.Add(ReadElement(field));
    }

    private void ReadMap(IDictionary map, FieldDescriptor field)
    {
        if (_reader.TokenType != JsonTokenType.StartObject)
            throw Expected("an object", field);
        FieldDescriptor key = field.MessageType.FindFieldByNumber(1), value = field.MessageType.FindFieldByNumber(2);
        map.Clear();
        while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
        {
            object name = key.FieldType == FieldType.Bool
                ? JsonScalar.ReadText(_reader, key) == "true"
                : ReadScalar(key);
            _reader.Read();
            map[name] = ReadElement(value);
        }
    }

    private object ReadElement(FieldDescriptor field)
    {
        if (_reader.TokenType == JsonTokenType.Null)
            throw Expected("a value", field);
        if (field.FieldType != FieldType.Message)
            return ReadScalar(field);
        IMessage element = NewMessage(field.MessageType);
        ReadObject(element);
        return element;
    }

    private readonly object ReadScalar(FieldDescriptor field) => field.FieldType switch
    {
        FieldType.Bool => JsonScalar.ReadBool(_reader, field),
        FieldType.String => JsonScalar.ReadText(_reader, field),
        FieldType.Bytes => JsonScalar.ReadBytes(_reader, field),
        FieldType.Enum => JsonScalar.ReadEnum(_reader, field),
        FieldType.Int32 or FieldType.SInt32 or FieldType.SFixed32 => (int)JsonScalar.ReadSigned(_reader, field, int.MinValue, int.MaxValue),
        FieldType.Int64 or FieldType.SInt64 or FieldType.SFixed64 => JsonScalar.ReadSigned(_reader, field, long.MinValue, long.MaxValue),
        FieldType.UInt32 or FieldType.Fixed32 => (uint)JsonScalar.ReadUnsigned(_reader, field, uint.MaxValue),
        FieldType.UInt64 or FieldType.Fixed64 => JsonScalar.ReadUnsigned(_reader, field, ulong.MaxValue),
        FieldType.Float => (float)JsonScalar.ReadDouble(_reader, field),
        FieldType.Double => JsonScalar.ReadDouble(_reader, field),
        _ => throw Expected("a supported type", field),
    };

    private readonly JsonException Expected(string what, FieldDescriptor field) => JsonScalar.Expected(what, field, _reader);

    private readonly string Found => JsonScalar.Found(_reader);
}
