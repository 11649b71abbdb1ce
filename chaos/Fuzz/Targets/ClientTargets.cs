using System.Globalization;
using System.Net;
using System.Text;
using Conclave.Cli.Txn;
using Conclave.Client.Rpc;
using Conclave.Fuzz.Engine;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Fuzz.Targets;

/// <summary>What a server answers: a line each for HTTP status, content type, gRPC status and message, then the body; read as a stream of messages.</summary>
internal sealed class ClientReplyTarget : FuzzTarget
{
    private static readonly Uri Endpoint = new("http://127.0.0.1:2379");

    public override string Name => "client-reply";

    public override (long Fixed, long PerByte) MemoryMax => (256 << 10, 512);   // a call of its own, with its buffers

    public override IReadOnlyList<byte[]> Corpus()
    {
        byte[] message = new PutResponse { Header = new Wire.Etcd.Etcdserverpb.ResponseHeader { ClusterId = 1, Revision = 9 } }.ToByteArray();
        byte[] frame = [0, 0, 0, 0, (byte)message.Length, .. message];
        return
        [
            [.. "200\napplication/grpc\n0\n\n"u8, .. frame, .. frame], [.. "200\napplication/grpc\n14\netcdserver: %6Eo leader\n"u8], [.. "503\ntext/html\n\n\nbusy"u8], [.. "200\napplication/grpc+proto\n\n\n"u8, 1, 0, 0, 0, 0],
            [.. "200\napplication/grpc\n0\n\n"u8, 0, 0, 64, 0, 0],
        ];
    }

    public override void Read(byte[] input)
    {
        var reader = new MemoryStream(input);
        string status = Line(reader), type = Line(reader), code = Line(reader), message = Line(reader);
        var response = new HttpResponseMessage((HttpStatusCode)(int.TryParse(status, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number < 1000 ? number : 200))
        {
            Content = new ByteArrayContent(input, (int)reader.Position, input.Length - (int)reader.Position),
            Version = HttpVersion.Version20,
        };
        response.Content.Headers.TryAddWithoutValidation("content-type", type);
        if (code.Length > 0) response.TrailingHeaders.TryAddWithoutValidation("grpc-status", code);
        response.Headers.TryAddWithoutValidation("grpc-message", message);
        try
        {
            ReadAllAsync(response).GetAwaiter().GetResult();   // nothing in it waits
        }
        catch (RpcException failure)
        {
            Holds(failure.Message.Length > 0, "a failure says what happened");
        }
        catch (InvalidProtocolBufferException)
        {
            // The library's own refusal of a message.
        }
    }

    private static async Task ReadAllAsync(HttpResponseMessage response)
    {
        using var invoker = new HttpMessageInvoker(new Answering(response));
        var content = new DuplexContent();
        await using RpcStream stream = await RpcStream.OpenAsync(invoker, new HttpRequestMessage(HttpMethod.Post, Endpoint) { Content = content }, content, Endpoint, 1 << 20, CancellationToken.None).ConfigureAwait(false);
        while (await stream.ReadAsync().ConfigureAwait(false)) WatchResponse.Parser.ParseFrom(stream.Message);
    }

    private static string Line(MemoryStream input)
    {
        var line = new StringBuilder();
        for (int next; (next = input.ReadByte()) >= 0 && next != '\n';) line.Append((char)next);
        return line.ToString();
    }

    private sealed class Answering(HttpResponseMessage response) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => Task.FromResult(response);
    }
}

/// <summary>Transactions that people write, as text or JSON. The first byte chooses.</summary>
internal sealed class CliTxnTarget : FuzzTarget
{
    public override string Name => "cli-txn";

    public override int BytesMax => 2 << 10;

    public override (long Fixed, long PerByte) MemoryMax => (4 << 20, 16 << 10);   // each line goes through the parser of the command line

    public override IReadOnlyList<byte[]> Corpus() => Texts(
        "\0mod(\"a\") > \"0\"\nvalue('b') = \"x\\x41\\n\"\n\nput a b --lease=7\nget a --prefix\n\ndel a b --prev-kv\n", "\0version(a) != 1\n\nget \"\" --from-key\n", "\0lease(k) < ff\n\nput -- -a b\n",
        """{"compare":[{"target":"mod","key":"a","result":">","value":0},{"target":"value","key_base64":"YQ==","result":"=","value":"\u0041"}],"success":[{"op":"put","key":"a","value":"b","lease":"7","prev_kv":true}],"failure":[{"op":"get","key":"a","prefix":true,"limit":5},{"op":"del","key":"a","range_end":"b"}]}""");

    public override IReadOnlyList<byte[]> Words => Texts("\n", "\n\n", "\"", "'", "\\x", "\\ud800", "put ", "get ", "del ", "--prefix", "--rev=", "--limit=", "-w", "@file", "[x]", "{\"op\":\"get\"}", "\"key\":\"\\udc00\"", "mod(", ")", " = ", "-1", "9223372036854775808", "null");

    public override void Read(byte[] input)
    {
        if (input.Length == 0) return;
        try
        {
            TxnScript script = input[0] == 0 ? TxnTextParser.Parse(Encoding.UTF8.GetString(input.AsSpan(1)).Split('\n')) : TxnJsonParser.Parse(input);
            foreach (TxnCompare compare in script.Compares) compare.Build();
            foreach (TxnStep step in script.Success.Concat(script.Failure)) step.Build();
        }
        catch (TxnSyntaxException refusal)
        {
            Holds(refusal.Message.Length > 0, "a refusal says why");
        }
    }
}
