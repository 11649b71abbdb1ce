using System.Buffers;
using System.Text;
using System.Text.Json;
using Conclave.Fuzz.Engine;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Conclave.Fuzz.Targets;

/// <summary>Finds where one JSON object of a stream ends.</summary>
internal sealed class JsonScanTarget : FuzzTarget
{
    public override string Name => "json-scan";

    public override IReadOnlyList<byte[]> Corpus() =>
        Texts("""{"key":"Zm9v","value":"YmFy"}""", """ {"a":[{"b":"}\"\\"},[]],"c":{}} {"d":1}""", "{}{}\n{}", """{"create_request":{"key":"Zm9v","filters":["NOPUT"]}}""", "[1]");

    public override IReadOnlyList<byte[]> Words => Texts("\\\"", "\\\\", "\"", "{", "}", "[", "]", "{\"a\":");

    public override void Read(byte[] input)
    {
        JsonObjectScanner atOnce = default, inPieces = default;
        JsonScanStatus status = atOnce.Scan(input, out int length), last = JsonScanStatus.NeedMore;
        Holds(length >= 0 && length <= input.Length, "the end lies in the input");
        int total = 0;
        for (int step = 1 + input.Length % 5; total < input.Length && last == JsonScanStatus.NeedMore;)
        {
            last = inPieces.Scan(input.AsSpan(total, Math.Min(step, input.Length - total)), out int taken);
            total += taken;
        }

        Holds(last == status && total == length, "pieces make no difference");
        if (FirstObject(input) is { } end) Holds(status == JsonScanStatus.Done && length == end, $"the library's reader ends the object at {end}, not {length}");
    }

    /// <summary>Where the first value ends for the library's reader; null if that is no object, or none that is right.</summary>
    private static long? FirstObject(byte[] input)
    {
        var reader = new Utf8JsonReader(input, new JsonReaderOptions { MaxDepth = 1000, AllowMultipleValues = true });
        try
        {
            return reader.Read() && reader.TokenType == JsonTokenType.StartObject && reader.TrySkip() ? reader.BytesConsumed : null;
        }
        catch (JsonException)
        {
            return null;   // not for us to judge: the transcoder refuses it later
        }
    }
}

/// <summary>Messages from the gateway's JSON and back. The first byte chooses the message.</summary>
internal sealed class JsonTranscodeTarget : FuzzTarget
{
    private static readonly MessageDescriptor[] Messages =
    [
        PutRequest.Descriptor, RangeRequest.Descriptor, TxnRequest.Descriptor, WatchRequest.Descriptor, LeaseGrantRequest.Descriptor, AlarmRequest.Descriptor,
        AuthRoleGrantPermissionRequest.Descriptor, MemberAddRequest.Descriptor, RangeResponse.Descriptor, StatusResponse.Descriptor,
    ];

    private static readonly string[] Samples =
    [
        """{"key":"Zm9v","value":"YmFy","lease":"9223372036854775807","prev_kv":true}""", """{"key":"AA==","range_end":"AA","limit":1e2,"sort_order":"DESCEND","sortTarget":4,"max_mod_revision":-1}""",
        """{"compare":[{"target":"VALUE","key":"YQ","value":"YQ==","result":1}],"success":[{"request_put":{"key":"YQ==","value":"\u0059g=="}},{"requestTxn":{"success":[{"request_range":{"key":"YQ"}}]}}],"failure":[null]}""",
        """{"create_request":{"key":"Zm9v","filters":["NOPUT",1],"watch_id":"5","fragment":true}}""", """{"TTL":"60","ID":7}""", """{"action":"ACTIVATE","memberID":"18446744073709551615","alarm":"NOSPACE"}""",
        """{"name":"r","perm":{"permType":"READWRITE","key":"YQ==","range_end":"Yg=="}}""", """{"peerURLs":["http://a:1","http://b:2"],"isLearner":false}""",
        """{"header":{"cluster_id":"1","revision":2.0},"kvs":[{"key":"YQ==","version":"1"}],"more":false,"count":null}""", """{"version":"3.5.0","dbSize":"25","errors":["x\ud83d\ude00"],"unknown":{"a":[1,{}]}}""",
    ];

    public override string Name => "json-transcode";

    public override (long Fixed, long PerByte) MemoryMax => (64 << 10, 1024);

    public override IReadOnlyList<byte[]> Corpus() => [.. Samples.Select((sample, i) => (byte[])[(byte)i, .. Encoding.UTF8.GetBytes(sample)])];

    public override IReadOnlyList<byte[]> Words => Texts("null", "true", "-1", "1e400", "0.5", "\"\"", "\"-9223372036854775808\"", "18446744073709551616", "\\u0000", "\\ud800", "{}", "[]", "\"key\":", ",", "_", "\"lease\":");

    public override void Read(byte[] input)
    {
        if (input.Length == 0) return;
        MessageDescriptor descriptor = Messages[input[0] % Messages.Length];
        ReadOnlyMemory<byte> json = input.AsMemory(1);
        bool parsed = JsonTranscoder.TryParse(json.Span, descriptor, out IMessage? message, out string error);
        Holds(parsed == (error.Length == 0), "a refusal says why");
        if (!parsed) return;
        if (json.Span.IndexOfAnyExcept(" \t\r\n"u8) >= 0) Holds(IsJson(json), "the library's reader takes it as well");

        var written = new ArrayBufferWriter<byte>();
        JsonTranscoder.Write(message!, written);   // not null: parsed
        Holds(JsonTranscoder.TryParse(written.WrittenSpan, descriptor, out IMessage? again, out error), $"what was written is read: {error}");
        Holds(message!.Equals(again), "what was written means the same");
        Holds(descriptor.Parser.ParseFrom(message.ToByteArray()).Equals(message), "it survives the wire");
    }

    private static bool IsJson(ReadOnlyMemory<byte> json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = JsonTranscoder.DepthMax });
            return document.RootElement.ValueKind is JsonValueKind.Object or JsonValueKind.Null;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}

/// <summary>Base64 in all the spellings that the gateway takes.</summary>
internal sealed class Base64Target : FuzzTarget
{
    public override string Name => "json-base64";

    public override IReadOnlyList<byte[]> Corpus() => Texts("Zm9vYmFy", "Zm9vYg==", "Zm9vYmE", "_-8_", "+/==", "=", "Z", new string('A', 400));

    public override void Read(byte[] input)
    {
        bool decoded = Base64Text.TryDecode(input, out byte[] bytes, out int badAt);
        Holds(decoded || badAt >= 0 && badAt <= input.Length, "a refusal says where");
        string plain = Encoding.Latin1.GetString(input).TrimEnd('=').Replace('-', '+').Replace('_', '/');
        int padding = input.Length - plain.Length;   // none, or all of it
        bool isText = (padding == 0 || padding <= 2 && input.Length % 4 == 0) && plain.Length % 4 != 1 && plain.All(c => char.IsAsciiLetterOrDigit(c) || c is '+' or '/');
        Holds(decoded == isText, "it takes what is base64");
        if (decoded) Holds(bytes.AsSpan().SequenceEqual(Convert.FromBase64String(plain + new string('=', (4 - plain.Length % 4) % 4))), "the library reads the same");
    }
}
