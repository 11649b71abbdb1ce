using System.Buffers.Binary;
using System.Net;
using System.Text.Json.Nodes;
using Google.Protobuf;

namespace Conclave.Compatibility.Tests.Support;

/// <summary>gRPC calls whose bytes the test chooses, all over one HTTP/2 connection, so that each also proves the one before left it usable.</summary>
internal sealed class RawGrpc(Uri member, Transcript seen, CancellationToken cancellationToken) : IDisposable
{
    private readonly HttpMessageInvoker _invoker = new(new SocketsHttpHandler { UseProxy = false, EnableMultipleHttp2Connections = false });

    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true));

    /// <summary>A whole message, framed.</summary>
    public static byte[] Frame(IMessage message) => Frame(message.ToByteArray());

    /// <summary>Any bytes, framed.</summary>
    public static byte[] Frame(byte[] message)
    {
        byte[] framed = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), message.Length);
        message.CopyTo(framed, 5);
        return framed;
    }

    /// <summary>Sends and notes HTTP status, gRPC status and message, and the answer in JSON when a parser is given.</summary>
    public async Task CallAsync(string name, string path, byte[] body, MessageParser? parser = null, string contentType = "application/grpc")
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(member, path)) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new ByteArrayContent(body) };
        request.Content.Headers.TryAddWithoutValidation("content-type", contentType);
        request.Headers.TE.Add(new("trailers"));
        try
        {
            using HttpResponseMessage response = await _invoker.SendAsync(request, patience.Token);
            byte[] answer = await response.Content.ReadAsByteArrayAsync(patience.Token);
            var line = new JsonObject
            {
                ["http"] = (int)response.StatusCode,
                ["code"] = Header(response, "grpc-status"),
                ["message"] = Uri.UnescapeDataString(Header(response, "grpc-message") ?? ""),
            };
            if (parser is not null && answer.Length >= 5)
                line["answer"] = JsonNode.Parse(Formatter.Format(parser.ParseFrom(answer.AsSpan(5))));
            seen.Add(name, line);
        }
        catch (HttpRequestException e)
        {
            seen.Add(name, new JsonObject { ["broken"] = e.HttpRequestError.ToString() });
        }
    }

    private static string? Header(HttpResponseMessage response, string name) =>
        response.TrailingHeaders.TryGetValues(name, out IEnumerable<string>? trailing) ? trailing.First()
        : response.Headers.TryGetValues(name, out IEnumerable<string>? leading) ? leading.First() : null;

    public void Dispose() => _invoker.Dispose();
}
