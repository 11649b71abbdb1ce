using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Conclave.Conformance.Tests.Suite;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Conclave.Conformance.Tests.Transports;

/// <summary>The JSON gateway over HTTP/1.1, as curl would use it.</summary>
internal sealed class JsonTransport(Uri server) : ITransport
{
    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true));
    private static readonly JsonParser Parser = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(true));
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = server, Timeout = Timeout.InfiniteTimeSpan };

    public Task<Answer> CallAsync(Rpc rpc, IMessage request, IReadOnlyDictionary<string, string> metadata, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, PathOf(rpc), Formatter.Format(request), "application/json", Headers(metadata), rpc.Response, cancellationToken);

    public MessageStream Open(Rpc rpc, IReadOnlyList<IMessage> requests, IReadOnlyDictionary<string, string> metadata, CancellationToken cancellationToken) =>
        OpenRaw(PathOf(rpc), string.Concat(requests.Select(request => Formatter.Format(request))), Headers(metadata), rpc.Response, cancellationToken);

    /// <summary>Any text to a streaming path.</summary>
    public MessageStream OpenRaw(string path, string body, IReadOnlyDictionary<string, string> headers, MessageDescriptor answers, CancellationToken cancellationToken)
    {
        HttpRequestMessage request = Request(HttpMethod.Post, path, body, "application/json", headers);
        return new JsonMessageStream(_http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken), answers);
    }

    /// <summary>Any method, path and text; a null content type sends none.</summary>
    public async Task<Answer> SendAsync(HttpMethod method, string path, string? body, string? contentType, IReadOnlyDictionary<string, string> headers, MessageDescriptor? answers, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = Request(method, path, body, contentType, headers);
        try
        {
            using HttpResponseMessage response = await _http.SendAsync(request, cancellationToken);
            string text = await response.Content.ReadAsStringAsync(cancellationToken);
            var seen = new JsonObject { ["status"] = (int)response.StatusCode };
            JsonNode? json = TryParse(text);
            if (response.StatusCode == HttpStatusCode.OK && json is not null && answers is not null)
            {
                seen["answer"] = json;
                return new Answer(seen, ToMessage(json, answers));
            }
            seen["body"] = json ?? JsonValue.Create(text);
            return new Answer(seen, null);
        }
        catch (HttpRequestException e)
        {
            return new Answer(new JsonObject { ["connection"] = e.HttpRequestError.ToString() }, null);
        }
    }

    public static JsonNode? TryParse(string text)
    {
        try
        {
            return text.Length == 0 ? null : JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return null;   // shown as text
        }
    }

    /// <summary>Null when the JSON is none of this message; it is compared all the same.</summary>
    public static IMessage? ToMessage(JsonNode json, MessageDescriptor type)
    {
        try
        {
            return Parser.Parse(json.ToJsonString(), type);
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }

    private static string PathOf(Rpc rpc) => rpc.JsonPath ?? throw new CaseBrokenException($"{rpc.Name} has no JSON path: the case must be for gRPC alone.");

    private static Dictionary<string, string> Headers(IReadOnlyDictionary<string, string> metadata) =>
        metadata.ToDictionary(one => one.Key == "token" ? "Authorization" : "Grpc-Metadata-" + one.Key, one => one.Value);

    private static HttpRequestMessage Request(HttpMethod method, string path, string? body, string? contentType, IReadOnlyDictionary<string, string> headers)
    {
        var request = new HttpRequestMessage(method, path) { Version = HttpVersion.Version11 };
        foreach ((string name, string value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        if (body is null)
            return request;
        request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        if (contentType is not null)
            request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        return request;
    }

    public void Dispose() => _http.Dispose();
}
