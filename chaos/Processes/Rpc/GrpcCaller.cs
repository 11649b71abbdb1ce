using System.Buffers;
using System.Net.Security;
using Conclave.Client.Rpc;
using Conclave.Wire.Grpc;
using Google.Protobuf;

namespace Conclave.Processes.Rpc;

/// <summary>Unary calls over the client library's channel, with failures as values.</summary>
internal sealed class GrpcCaller(Uri endpoint, SslClientAuthenticationOptions? tls) : IDisposable
{
    private readonly RpcChannel _channel = new(endpoint, new RpcChannelOptions { ConnectionsMax = 1, Tls = tls });

    /// <summary>Sent with every call that begins from now on.</summary>
    public RpcMetadata? Metadata { get; set; }

    public async Task<RpcResult<TResponse>> CallAsync<TResponse>(string method, IMessage request, MessageParser<TResponse> parser, TimeSpan timeout, CancellationToken cancellationToken)
        where TResponse : class, IMessage<TResponse>
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(timeout);
        try
        {
            using RpcReply reply = await _channel.CallAsync(method, request.ToByteArray(), Metadata, deadline.Token).ConfigureAwait(false);
            return new(parser.ParseFrom(new ReadOnlySequence<byte>(reply.Message)), 0, "", RpcOutcome.Acknowledged);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new(null, (int)GrpcCode.DeadlineExceeded, $"no answer in {timeout.TotalSeconds:0.#} s", RpcOutcome.Unknown);
        }
        catch (RpcException e)
        {
            return new(null, (int)e.Code, e.Message, IsDefinite(e) ? RpcOutcome.Refused : RpcOutcome.Unknown);
        }
    }

    /// <summary>One message there and one back on a stream, which then ends.</summary>
    public async Task<RpcResult<TResponse>> ExchangeAsync<TResponse>(string method, IMessage request, MessageParser<TResponse> parser, TimeSpan timeout, CancellationToken cancellationToken)
        where TResponse : class, IMessage<TResponse>
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(timeout);
        try
        {
            await using RpcStream stream = await _channel.OpenAsync(method, Metadata, deadline.Token).ConfigureAwait(false);
            await stream.WriteAsync(request.ToByteArray(), deadline.Token).ConfigureAwait(false);
            return await stream.ReadAsync(deadline.Token).ConfigureAwait(false)
                ? new(parser.ParseFrom(stream.Message), 0, "", RpcOutcome.Acknowledged)
                : new(null, (int)GrpcCode.Unavailable, "the stream ended without an answer", RpcOutcome.Unknown);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new(null, (int)GrpcCode.DeadlineExceeded, $"no answer in {timeout.TotalSeconds:0.#} s", RpcOutcome.Unknown);
        }
        catch (RpcException e)
        {
            return new(null, (int)e.Code, e.Message, IsDefinite(e) ? RpcOutcome.Refused : RpcOutcome.Unknown);
        }
    }

    /// <summary>A stream that the caller disposes of.</summary>
    /// <exception cref="RpcException">No connection.</exception>
    public ValueTask<RpcStream> OpenAsync(string method, CancellationToken cancellationToken) => _channel.OpenAsync(method, Metadata, cancellationToken);

    /// <summary>Whether the server certainly did not carry it out: it never left, or the code is one that is given only to what was refused.</summary>
    private static bool IsDefinite(RpcException failure) => failure.Fate == RequestFate.NotSent
        || (failure.Fate == RequestFate.Answered && failure.Code is GrpcCode.InvalidArgument or GrpcCode.NotFound or GrpcCode.AlreadyExists or GrpcCode.PermissionDenied
            or GrpcCode.ResourceExhausted or GrpcCode.FailedPrecondition or GrpcCode.OutOfRange or GrpcCode.Unimplemented or GrpcCode.Unauthenticated);

    public void Dispose() => _channel.Dispose();
}
