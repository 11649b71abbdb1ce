using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Conclave.Wire.Grpc;
using Google.Protobuf;

namespace Conclave.Node.Tests.Http;

/// <summary>gRPC over HttpClient, small enough to be seen through. Counts its connections.</summary>
internal sealed class GrpcTestClient : IDisposable
{
    private readonly HttpMessageInvoker _http;
    private readonly Uri _address;
    private readonly IPAddress? _from;
    private int _connections;

    /// <param name="address">Where to call.</param>
    /// <param name="from">Own address; null leaves it to the system.</param>
    public GrpcTestClient(Uri address, IPAddress? from = null)
    {
        (_address, _from) = (address, from);
        _http = new HttpMessageInvoker(new SocketsHttpHandler { ConnectCallback = ConnectAsync, UseProxy = false });
    }

    /// <summary>Connections opened so far.</summary>
    public int Connections => Volatile.Read(ref _connections);

    public Task<GrpcReply> CallAsync(string path, IMessage message, params (string Name, string Value)[] headers) =>
        CallAsync(path, Frame(message.ToByteArray()), headers);

    public Task<GrpcReply> CallAsync(string path, byte[] body, params (string Name, string Value)[] headers) =>
        CallAsync(path, new ByteArrayContent(body), TestContext.Current.CancellationToken, headers);

    public async Task<GrpcReply> CallAsync(
        string path, HttpContent content, CancellationToken cancellationToken, params (string Name, string Value)[] headers)
    {
        using HttpRequestMessage request = Request(path, content, headers);
        using HttpResponseMessage response = await _http.SendAsync(request, cancellationToken);
        byte[] body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        return new GrpcReply(response.StatusCode, StatusOf(response), body);
    }

    /// <summary>Opens a stream; returns once the server's headers are here.</summary>
    public async Task<GrpcTestStream> OpenAsync(string path, params (string Name, string Value)[] headers)
    {
        var content = new DuplexContent();
        HttpRequestMessage request = Request(path, content, headers);
        HttpResponseMessage response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        return new GrpcTestStream(response, await content.Output, await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken), content);
    }

    public static byte[] Frame(byte[] message)
    {
        var written = new ArrayBufferWriter<byte>();
        GrpcFrame.Write(written, message);
        return written.WrittenSpan.ToArray();
    }

    public static GrpcStatus StatusOf(HttpResponseMessage response)
    {
        var headers = response.TrailingHeaders.Contains(GrpcHeaders.Status)
            ? response.TrailingHeaders
            : (System.Net.Http.Headers.HttpHeaders)response.Headers;
        if (!headers.TryGetValues(GrpcHeaders.Status, out IEnumerable<string>? code))
            return new GrpcStatus(GrpcCode.Unknown, "no grpc-status in the answer");
        string text = headers.TryGetValues(GrpcHeaders.Message, out IEnumerable<string>? values) ? GrpcMessageText.Decode(values.Single()) : "";
        return new GrpcStatus((GrpcCode)int.Parse(code.Single(), CultureInfo.InvariantCulture), text);
    }

    public void Dispose() => _http.Dispose();

    private HttpRequestMessage Request(string path, HttpContent content, (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_address, path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        request.Headers.TE.ParseAdd("trailers");
        content.Headers.TryAddWithoutValidation("content-type", GrpcHeaders.ContentType);
        foreach ((string name, string value) in headers)
        {
            if (name == "content-type")
                content.Headers.Remove(name);
            if (!request.Headers.TryAddWithoutValidation(name, value))
                content.Headers.TryAddWithoutValidation(name, value);
        }

        return request;
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _connections);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (_from is not null)
            socket.Bind(new IPEndPoint(_from.MapToIPv6(), 0));
        await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
        return new NetworkStream(socket, ownsSocket: true);
    }

    /// <summary>A request body that stays open until it is told to end.</summary>
    internal sealed class DuplexContent : HttpContent
    {
        private readonly TaskCompletionSource<Stream> _output = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<Stream> Output => _output.Task;

        public void End() => _end.TrySetResult();

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.FlushAsync();
            _output.SetResult(stream);
            await _end.Task;
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}

/// <summary>The answer to a unary call.</summary>
internal sealed record GrpcReply(HttpStatusCode Http, GrpcStatus Status, byte[] Body)
{
    /// <summary>The one message of a successful answer.</summary>
    public byte[] Message
    {
        get
        {
            Assert.Equal(GrpcStatus.OK, Status);
            var buffer = new ReadOnlySequence<byte>(Body);
            Assert.Equal(GrpcReadStatus.Done, GrpcFrame.TryRead(ref buffer, int.MaxValue, out ReadOnlySequence<byte> message, out _));
            Assert.True(buffer.IsEmpty);
            return message.ToArray();
        }
    }
}

/// <summary>An open stream as the client sees it.</summary>
internal sealed class GrpcTestStream(HttpResponseMessage response, Stream output, Stream input, GrpcTestClient.DuplexContent content) : IDisposable
{
    private readonly PipeReader _input = PipeReader.Create(input);

    public async Task WriteAsync(byte[] message)
    {
        await output.WriteAsync(GrpcTestClient.Frame(message), TestContext.Current.CancellationToken);
        await output.FlushAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Sends bytes that need not be a message.</summary>
    public async Task WriteRawAsync(byte[] bytes)
    {
        await output.WriteAsync(bytes, TestContext.Current.CancellationToken);
        await output.FlushAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>The client has no more to say.</summary>
    public void EndRequest() => content.End();

    /// <summary>The next message, which must come.</summary>
    public async Task<byte[]> NextAsync()
    {
        byte[]? message = await ReadAsync();
        Assert.NotNull(message);
        return message;
    }

    /// <returns>The next message; null when the server ended the stream.</returns>
    private async Task<byte[]?> ReadAsync()
    {
        while (true)
        {
            ReadResult result = await _input.ReadAsync(TestContext.Current.CancellationToken);
            ReadOnlySequence<byte> buffer = result.Buffer;
            GrpcReadStatus status = GrpcFrame.TryRead(ref buffer, int.MaxValue, out ReadOnlySequence<byte> message, out _);
            byte[]? found = status == GrpcReadStatus.Done ? message.ToArray() : null;
            _input.AdvanceTo(buffer.Start, status == GrpcReadStatus.Done ? buffer.Start : buffer.End);
            if (found is not null || result.IsCompleted)
                return found;
        }
    }

    /// <summary>Reads to the end and returns how the call ended.</summary>
    public async Task<GrpcStatus> EndAsync()
    {
        while (await ReadAsync() is not null) { }
        content.End();
        return GrpcTestClient.StatusOf(response);
    }

    /// <summary>Cancels what is still open.</summary>
    public void Dispose()
    {
        content.End();
        response.Dispose();
    }
}
