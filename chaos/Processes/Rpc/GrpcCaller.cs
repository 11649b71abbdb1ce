using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Google.Protobuf;

namespace Conclave.Processes.Rpc;

/// <summary>Unary gRPC calls over cleartext HTTP/2.</summary>
internal sealed class GrpcCaller(Uri endpoint) : IDisposable
{
    private const int PrefixBytes = 5, DeadlineExceeded = 4, Unavailable = 14, Internal = 13;

    private readonly HttpMessageInvoker _invoker = new(new SocketsHttpHandler
    {
        EnableMultipleHttp2Connections = true,
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(2),
        PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
    });

    public async Task<RpcResult<TResponse>> CallAsync<TResponse>(string path, IMessage request, MessageParser<TResponse> parser, TimeSpan timeout, CancellationToken cancellationToken)
        where TResponse : class, IMessage<TResponse>
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(timeout);
        try
        {
            using HttpRequestMessage message = Build(path, request, timeout);
            using HttpResponseMessage answer = await _invoker.SendAsync(message, deadline.Token).ConfigureAwait(false);
            byte[] body = await answer.Content.ReadAsByteArrayAsync(deadline.Token).ConfigureAwait(false);
            return Understand(answer, body, parser);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new(null, DeadlineExceeded, $"no answer in {timeout.TotalSeconds:0.#} s", RpcOutcome.Unknown);
        }
        catch (HttpRequestException e)
        {
            bool neverSent = e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused };
            return new(null, Unavailable, e.Message, neverSent ? RpcOutcome.Refused : RpcOutcome.Unknown);
        }
        catch (IOException e)
        {
            return new(null, Unavailable, e.Message, RpcOutcome.Unknown);   // the connection broke while the body came
        }
    }

    private HttpRequestMessage Build(string path, IMessage request, TimeSpan timeout)
    {
        byte[] framed = new byte[PrefixBytes + request.CalculateSize()];
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), framed.Length - PrefixBytes);
        request.WriteTo(framed.AsSpan(PrefixBytes));
        var message = new HttpRequestMessage(HttpMethod.Post, new Uri(endpoint, path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(framed),
        };
        message.Content.Headers.ContentType = new("application/grpc");
        message.Headers.TE.Add(new("trailers"));
        message.Headers.TryAddWithoutValidation("grpc-timeout", ((long)timeout.TotalMilliseconds).ToString(CultureInfo.InvariantCulture) + "m");
        return message;
    }

    private static RpcResult<TResponse> Understand<TResponse>(HttpResponseMessage answer, byte[] body, MessageParser<TResponse> parser)
        where TResponse : class, IMessage<TResponse>
    {
        string? status = Header(answer, "grpc-status");
        if (status is null)
            return new(null, Internal, $"HTTP {(int)answer.StatusCode} without grpc-status", RpcOutcome.Unknown);
        int code = int.Parse(status, CultureInfo.InvariantCulture);
        if (code != 0)
            return new(null, code, Uri.UnescapeDataString(Header(answer, "grpc-message") ?? ""), IsDefinite(code) ? RpcOutcome.Refused : RpcOutcome.Unknown);
        if (body.Length < PrefixBytes || BinaryPrimitives.ReadInt32BigEndian(body.AsSpan(1)) != body.Length - PrefixBytes)
            return new(null, Internal, $"OK with a body of {body.Length} bytes that is not one message", RpcOutcome.Unknown);
        return new(parser.ParseFrom(body, PrefixBytes, body.Length - PrefixBytes), 0, "", RpcOutcome.Acknowledged);
    }

    /// <summary>Codes that a server gives only to what it did not carry out: InvalidArgument, NotFound, FailedPrecondition, OutOfRange, Unimplemented and the like.</summary>
    private static bool IsDefinite(int code) => code is 3 or 5 or 6 or 7 or 9 or 11 or 12 or 16;

    private static string? Header(HttpResponseMessage answer, string name) =>
        answer.TrailingHeaders.TryGetValues(name, out IEnumerable<string>? trailing) ? trailing.First()
        : answer.Headers.TryGetValues(name, out IEnumerable<string>? leading) ? leading.First() : null;

    public void Dispose() => _invoker.Dispose();
}
