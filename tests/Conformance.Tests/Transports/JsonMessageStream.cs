using System.Net;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Conclave.Conformance.Tests.Transports;

/// <summary>A stream of the gateway: all requests are in the body already, answers are lines.</summary>
internal sealed class JsonMessageStream(Task<HttpResponseMessage> response, MessageDescriptor answers) : MessageStream
{
    private StreamReader? _lines;

    /// <exception cref="NotSupportedException">HTTP/1.1 clients send the whole body first: such a case is for gRPC alone.</exception>
    public override Task SendAsync(IMessage request) => throw new NotSupportedException("Over JSON every request is in the body from the start; run this case over gRPC alone.");

    public override Task EndRequestsAsync() => Task.CompletedTask;

    public override async Task<Incoming> NextAsync(CancellationToken cancellationToken)
    {
        try
        {
            HttpResponseMessage answer = await response.WaitAsync(cancellationToken);
            _lines ??= new StreamReader(await answer.Content.ReadAsStreamAsync(cancellationToken));
            if (answer.StatusCode != HttpStatusCode.OK)
            {
                string text = await _lines.ReadToEndAsync(cancellationToken);
                return new Incoming(new JsonObject { ["status"] = (int)answer.StatusCode, ["body"] = JsonTransport.TryParse(text) ?? text }, null);
            }
            if (await _lines.ReadLineAsync(cancellationToken) is not { } line)
                return new Incoming(new JsonObject { ["status"] = 200, ["end"] = true }, null);
            JsonNode? json = JsonTransport.TryParse(line);
            return json is JsonObject { Count: 1 } only && only["result"] is JsonObject result
                ? new Incoming(result.DeepClone(), JsonTransport.ToMessage(result, answers))
                : new Incoming(new JsonObject { ["line"] = json ?? line }, null);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return new Incoming(new JsonObject { ["connection"] = (e as HttpRequestException)?.HttpRequestError.ToString() ?? "broken" }, null);
        }
    }

    public override void Dispose()
    {
        _lines?.Dispose();
        if (response.IsCompletedSuccessfully)
            response.Result.Dispose();
    }
}
