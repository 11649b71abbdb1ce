using System.Buffers.Binary;
using System.Net;
using System.Text.Json.Nodes;
using Conclave.Conformance.Tests.Suite;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Conclave.Conformance.Tests.Transports;

/// <summary>gRPC by hand over one HTTP/2 connection, so that status, message and bytes are seen as they are, and each call proves that the one before left the connection usable.</summary>
internal sealed class GrpcTransport(Uri server) : ITransport
{
    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true));
    private readonly HttpMessageInvoker _invoker = new(new SocketsHttpHandler { UseProxy = false, EnableMultipleHttp2Connections = false });

    public Task<Answer> CallAsync(Rpc rpc, IMessage request, IReadOnlyDictionary<string, string> metadata, CancellationToken cancellationToken) =>
        CallRawAsync(rpc.GrpcPath, Frame(request.ToByteArray()), rpc.Response, metadata, "application/grpc", cancellationToken);

    /// <summary>Any bytes to any path.</summary>
    public async Task<Answer> CallRawAsync(string path, byte[] body, MessageDescriptor? answers, IReadOnlyDictionary<string, string> metadata, string contentType, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = Request(path, new ByteArrayContent(body), metadata, contentType);
        try
        {
            using HttpResponseMessage response = await _invoker.SendAsync(request, cancellationToken);
            byte[] bytes = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            JsonObject seen = Status(response);
            if (bytes.Length < 5 || answers is null)
                return new Answer(seen, null);
            IMessage message = answers.Parser.ParseFrom(bytes.AsSpan(5));
            seen["answer"] = ToJson(message);
            return new Answer(seen, message);
        }
        catch (HttpRequestException e)
        {
            return new Answer(new JsonObject { ["connection"] = e.HttpRequestError.ToString() }, null);
        }
    }

    public MessageStream Open(Rpc rpc, IReadOnlyList<IMessage> requests, IReadOnlyDictionary<string, string> metadata, CancellationToken cancellationToken) =>
        new GrpcMessageStream(rpc, requests, content => _invoker.SendAsync(Request(rpc.GrpcPath, content, metadata, "application/grpc"), cancellationToken));

    public static byte[] Frame(byte[] message)
    {
        byte[] framed = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), message.Length);
        message.CopyTo(framed, 5);
        return framed;
    }

    /// <summary>A message as the gateway would write it: proto names, default values left out.</summary>
    public static JsonNode ToJson(IMessage message) => JsonNode.Parse(Formatter.Format(message))!;   // not null: a message is an object

    /// <summary>Status and message, from the trailers or, for a failed call, the headers.</summary>
    public static JsonObject Status(HttpResponseMessage response)
    {
        var seen = new JsonObject();
        if (response.StatusCode != HttpStatusCode.OK)
            seen["http"] = (int)response.StatusCode;
        seen["code"] = Header(response, "grpc-status") is { } code && int.TryParse(code, out int number) ? number : null;
        if (Header(response, "grpc-message") is { Length: > 0 } text)
            seen["message"] = Uri.UnescapeDataString(text);
        return seen;
    }

    private static string? Header(HttpResponseMessage response, string name) =>
        response.TrailingHeaders.TryGetValues(name, out IEnumerable<string>? trailing) ? trailing.First()
        : response.Headers.TryGetValues(name, out IEnumerable<string>? leading) ? leading.First() : null;

    private HttpRequestMessage Request(string path, HttpContent content, IReadOnlyDictionary<string, string> metadata, string contentType)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server, path)) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = content };
        request.Content.Headers.TryAddWithoutValidation("content-type", contentType);
        request.Headers.TE.Add(new("trailers"));
        foreach ((string name, string value) in metadata)
            request.Headers.TryAddWithoutValidation(name, value);
        return request;
    }

    public void Dispose() => _invoker.Dispose();
}
