using System.Buffers.Binary;
using System.Net;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Conclave.Conformance.Tests.Suite;
using Google.Protobuf;

namespace Conclave.Conformance.Tests.Transports;

/// <summary>A gRPC stream: requests are sent as they come, also before the server has sent its headers.</summary>
internal sealed class GrpcMessageStream : MessageStream
{
    private const int MessageBytesMax = 64 * 1024 * 1024;
    private readonly Rpc _rpc;
    private readonly Channel<byte[]> _requests = Channel.CreateUnbounded<byte[]>();   // a case sends a handful
    private readonly Task<HttpResponseMessage> _response;
    private Stream? _body;

    public GrpcMessageStream(Rpc rpc, IReadOnlyList<IMessage> requests, Func<HttpContent, Task<HttpResponseMessage>> send)
    {
        _rpc = rpc;
        foreach (IMessage request in requests)
            _requests.Writer.TryWrite(GrpcTransport.Frame(request.ToByteArray()));
        _response = send(new Requests(_requests.Reader));
    }

    public override Task SendAsync(IMessage request) => _requests.Writer.WriteAsync(GrpcTransport.Frame(request.ToByteArray())).AsTask();

    public override Task EndRequestsAsync()
    {
        _requests.Writer.TryComplete();
        return Task.CompletedTask;
    }

    public override async Task<Incoming> NextAsync(CancellationToken cancellationToken)
    {
        try
        {
            HttpResponseMessage response = await _response.WaitAsync(cancellationToken);
            _body ??= await response.Content.ReadAsStreamAsync(cancellationToken);
            byte[] head = new byte[5];
            if (await _body.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellationToken) < head.Length)
                return new Incoming(GrpcTransport.Status(response), null);
            int length = BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(1));
            if (length is < 0 or > MessageBytesMax)
                return new Incoming(new JsonObject { ["length"] = length }, null);
            byte[] bytes = new byte[length];
            await _body.ReadExactlyAsync(bytes, cancellationToken);
            IMessage message = _rpc.Response.Parser.ParseFrom(bytes);
            return new Incoming(GrpcTransport.ToJson(message), message);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return new Incoming(new JsonObject { ["connection"] = (e as HttpRequestException)?.HttpRequestError.ToString() ?? "broken" }, null);
        }
    }

    public override void Dispose()
    {
        _requests.Writer.TryComplete();
        if (_response.IsCompletedSuccessfully)
            _response.Result.Dispose();   // resets the stream
    }

    /// <summary>A request body that is written while the answer is read.</summary>
    private sealed class Requests(ChannelReader<byte[]> messages) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await foreach (byte[] message in messages.ReadAllAsync())
            {
                await stream.WriteAsync(message);
                await stream.FlushAsync();
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
