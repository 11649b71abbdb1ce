using System.Buffers;
using System.Collections.Concurrent;
using System.Net;
using Conclave.Wire.Grpc;

namespace Conclave.Client.Rpc;

/// <summary>
/// gRPC calls to one endpoint with the messages' raw bytes in and out. Thread-safe. Connects on the first call, reconnects on
/// the first call after a loss, and opens further connections only under load.
/// </summary>
/// <remarks>
/// This layer neither retries nor fails over. A warm call costs about 6 to 9 us of processor
/// time with 64 in flight.
/// </remarks>
public sealed class RpcChannel : IDisposable
{
    private const int FirstReadBytes = 4096, GrowthBytesMax = 1 << 20;
    private readonly RpcChannelOptions _options;
    private readonly RpcConnection[] _connections;
    private readonly ConcurrentDictionary<string, Uri> _addresses = new(StringComparer.Ordinal);

    /// <param name="endpoint">Scheme <c>http</c> (cleartext HTTP/2) or <c>https</c>, host and port.</param>
    /// <param name="options">How to connect; null means the defaults.</param>
    /// <exception cref="ArgumentException">The scheme is another one, or a limit is out of its range.</exception>
    public RpcChannel(Uri endpoint, RpcChannelOptions? options = null)
    {
        if (endpoint.Scheme is not ("http" or "https"))
            throw new ArgumentException($"{endpoint} is not an http or https address.", nameof(endpoint));
        Endpoint = endpoint;
        _options = options ?? new RpcChannelOptions();
        if (_options.ConnectionsMax < 1 || _options.CallsPerConnectionMax < 1)
            throw new ArgumentException("ConnectionsMax and CallsPerConnectionMax must be 1 or more.", nameof(options));
        _connections = new RpcConnection[_options.ConnectionsMax];
        for (int i = 0; i < _connections.Length; i++) _connections[i] = new RpcConnection(_options);
    }

    /// <summary>The endpoint all calls go to.</summary>
    public Uri Endpoint { get; }

    /// <summary>One request, one answer.</summary>
    /// <param name="method">Path of the method, such as <c>/etcdserverpb.KV/Range</c>.</param>
    /// <param name="message">The encoded request; copied before the first await.</param>
    /// <param name="metadata">Further request headers, in lower case.</param>
    /// <param name="cancellationToken">Abandons the call. The server may still carry out what it has already received.</param>
    /// <returns>The encoded answer, to be disposed.</returns>
    /// <exception cref="RpcException">The call failed; <see cref="RpcException.Fate"/> says how far it got.</exception>
    /// <exception cref="OperationCanceledException">The call was abandoned; a write may still happen.</exception>
    public async ValueTask<RpcReply> CallAsync(
        string method, ReadOnlyMemory<byte> message, RpcMetadata? metadata = null, CancellationToken cancellationToken = default)
    {
        RequestFrame frame = RequestFrame.Of(message.Span);
        try
        {
            return await CallFramedAsync(method, frame, metadata, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            frame.Release();
        }
    }

    internal async ValueTask<RpcReply> CallFramedAsync(string method, RequestFrame frame, RpcMetadata? metadata, CancellationToken cancellationToken)
    {
        frame.BeginAttempt();
        using UnaryContent content = new(frame);
        RpcConnection connection = LeastUsed();
        connection.Enter();
        try
        {
            using HttpRequestMessage request = NewRequest(method, content, metadata);
            using HttpResponseMessage response = await connection.Invoker.SendAsync(request, cancellationToken).ConfigureAwait(false);
            return await ReadReplyAsync(response, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (RpcFailure.IsTransport(e))
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw RpcFailure.OfTransport(e, Endpoint, frame.MayHaveLeft);
        }
        finally
        {
            connection.Leave();
        }
    }

    /// <summary>Opens a streaming call. The server's first word, even a refusal, is seen by the first read.</summary>
    /// <param name="method">Path of the method, such as <c>/etcdserverpb.Watch/Watch</c>.</param>
    /// <param name="metadata">Further request headers, in lower case.</param>
    /// <param name="cancellationToken">Ends the opening, and later the whole stream.</param>
    /// <exception cref="RpcException">No connection, or the call was refused before a message could be written.</exception>
    public ValueTask<RpcStream> OpenAsync(string method, RpcMetadata? metadata = null, CancellationToken cancellationToken = default)
    {
        DuplexContent content = new();
        HttpRequestMessage request = NewRequest(method, content, metadata);
        return RpcStream.OpenAsync(_connections[0].Invoker, request, content, Endpoint, _options.ReceiveBytesMax, cancellationToken);
    }

    /// <summary>Closes all connections; calls in flight fail.</summary>
    public void Dispose()
    {
        foreach (RpcConnection connection in _connections) connection.Dispose();
    }

    private HttpRequestMessage NewRequest(string method, HttpContent content, RpcMetadata? metadata)
    {
        HttpRequestMessage request = new(HttpMethod.Post, _addresses.GetOrAdd(method, static (path, root) => new Uri(root, path), Endpoint))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        request.Headers.TryAddWithoutValidation("te", "trailers");
        metadata?.AddTo(request.Headers);
        return request;
    }

    private RpcConnection LeastUsed()
    {
        RpcConnection best = _connections[0];
        foreach (RpcConnection connection in _connections)
        {
            if (connection.InFlight < _options.CallsPerConnectionMax) return connection;
            if (connection.InFlight < best.InFlight) best = connection;
        }

        return best;
    }

    private async ValueTask<RpcReply> ReadReplyAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(FirstReadBytes);
        try
        {
            Stream body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            int filled = 0, frameBytes = GrpcFrame.PrefixBytes, read;
            while ((read = await body.ReadAsync(buffer.AsMemory(filled), cancellationToken).ConfigureAwait(false)) > 0)
            {
                filled += read;
                if (filled >= GrpcFrame.PrefixBytes) frameBytes = FrameBytes(buffer);
                if (filled > frameBytes) throw RpcFailure.Malformed("sent more than one message in answer to a unary call.", Endpoint);
                if (filled == buffer.Length) Grow(ref buffer, filled, frameBytes);
            }

            // The status comes after the message, so it is known only now.
            if (RpcFailure.OfStatus(response, Endpoint) is { } failure) throw failure;
            if (filled < frameBytes) throw RpcFailure.Malformed("ended the call with success but without a whole message.", Endpoint);
            RpcReply reply = new(buffer, GrpcFrame.PrefixBytes, filled - GrpcFrame.PrefixBytes);
            buffer = [];
            return reply;
        }
        finally
        {
            if (buffer.Length > 0) ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private int FrameBytes(byte[] buffer)
    {
        ReadOnlySequence<byte> prefix = new(buffer, 0, GrpcFrame.PrefixBytes);
        GrpcReadStatus status = GrpcFrame.TryRead(ref prefix, _options.ReceiveBytesMax, out _, out uint messageBytes);
        if (status is GrpcReadStatus.Done or GrpcReadStatus.NeedMore) return GrpcFrame.PrefixBytes + (int)messageBytes;
        throw RpcFailure.OfFrame(status, messageBytes, _options.ReceiveBytesMax, Endpoint);
    }

    // Grows with what has arrived, not with what was announced. One byte more than the frame, so that a surplus shows.
    private static void Grow(ref byte[] buffer, int filled, int frameBytes)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(filled + 1, Math.Min(frameBytes + 1, filled + Math.Max(filled, GrowthBytesMax))));
        buffer.AsSpan(0, filled).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = larger;
    }
}
