using System.Buffers;
using System.Collections;
using System.Text;
using Conclave.Support;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Etcd.V3Electionpb;
using Conclave.Wire.Json;
using FsCheck.Fluent;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Conclave.Wire.Tests.Json;

/// <summary>Google.Protobuf is the second opinion: its binary form, its JSON reader and its JSON writer.</summary>
public class JsonTranscoderPropertyTests(ITestOutputHelper output)
{
    private static readonly MessageDescriptor[] Types =
    [
        .. RpcReflection.Descriptor.MessageTypes, .. V3ElectionReflection.Descriptor.MessageTypes,
    ];

    [Fact]
    public void Every_message_survives_the_trip_through_json() => Holds(message =>
    {
        byte[] json = Write(message);
        return JsonTranscoder.TryParse(json, message.Descriptor, out IMessage? back, out _)
            && back.ToByteArray().AsSpan().SequenceEqual(message.ToByteArray());
    });

    [Fact]
    public void What_is_written_means_the_same_to_another_reader() => Holds(message =>
        new JsonParser(JsonParser.Settings.Default).Parse(Encoding.UTF8.GetString(Write(message)), message.Descriptor).Equals(message));

    [Fact]
    public void What_another_writer_writes_is_read() => Holds(message =>
        JsonTranscoder.TryParse(Encoding.UTF8.GetBytes(JsonFormatter.Default.Format(message)), message.Descriptor, out IMessage? back, out _)
        && back.Equals(message));

    [Fact]
    public void Random_bytes_never_throw() => Properties.Holds(
        Prop.ForAll((byte[] bytes) => JsonTranscoder.TryParse(bytes, TxnRequest.Descriptor, out _, out string error) == (error.Length == 0)),
        output, tests: 1_000);

    [Fact]
    public void Damaged_json_never_throws() => Properties.Holds(
        Prop.ForAll((int seed, int at, byte with) =>
        {
            byte[] json = Write(RandomMessage(new Random(seed), TxnRequest.Descriptor, depth: 3));
            json[(at & int.MaxValue) % json.Length] = with;
            return JsonTranscoder.TryParse(json, TxnRequest.Descriptor, out _, out string error) == (error.Length == 0);
        }), output, tests: 1_000);

    private void Holds(Func<IMessage, bool> law) => Properties.Holds(
        Prop.ForAll((int seed) =>
        {
            var random = new Random(seed);
            return law(RandomMessage(random, Types[random.Next(Types.Length)], depth: 4));
        }), output, tests: 1_000);

    private static byte[] Write(IMessage message)
    {
        var text = new ArrayBufferWriter<byte>();
        JsonTranscoder.Write(message, text);
        return text.WrittenSpan.ToArray();
    }

    private static IMessage RandomMessage(Random random, MessageDescriptor type, int depth)
    {
        IMessage message = type.Parser.ParseFrom(ByteString.Empty);
        foreach (FieldDescriptor field in type.Fields.InFieldNumberOrder())
        {
            if (random.Next(2) == 0 || depth == 0 && field.FieldType == FieldType.Message)
                continue;
            if (field.IsRepeated)
            {
                var list = (IList)field.Accessor.GetValue(message);
                for (int i = random.Next(3); i > 0; i--)
                    list.Add(RandomValue(random, field, depth));
            }
            else
            {
                field.Accessor.SetValue(message, RandomValue(random, field, depth));
            }
        }

        return message;
    }

    private static object RandomValue(Random random, FieldDescriptor field, int depth) => field.FieldType switch
    {
        FieldType.Message => RandomMessage(random, field.MessageType, depth - 1),
        FieldType.Bytes => RandomBytes(random),
        FieldType.String => string.Concat(Enumerable.Range(0, random.Next(6)).Select(_ => (char)random.Next(random.Next(2) == 0 ? 0x80 : 0xD7FF))),
        FieldType.Bool => random.Next(2) == 0,
        FieldType.Enum => field.EnumType.Values[random.Next(field.EnumType.Values.Count)].Number,
        FieldType.UInt32 => (uint)RandomLong(random),
        FieldType.UInt64 => (ulong)RandomLong(random),
        FieldType.Int64 => RandomLong(random),
        _ => throw new InvalidOperationException($"No generator for {field.FieldType}."),
    };

    private static ByteString RandomBytes(Random random)
    {
        byte[] bytes = new byte[random.Next(8)];
        random.NextBytes(bytes);
        return ByteString.CopyFrom(bytes);
    }

    private static long RandomLong(Random random) => random.Next(4) switch
    {
        0 => random.Next(3),
        1 => long.MinValue,
        2 => long.MaxValue,
        _ => random.NextInt64(long.MinValue, long.MaxValue),
    };
}
