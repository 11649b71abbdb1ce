using System.Buffers;
using System.IO.Pipelines;
using Conclave.Wire.Json;
using Microsoft.AspNetCore.Http.Features;

namespace Conclave.Node.Http.Gateway;

/// <summary>A streaming call as JSON: objects in, lines out.</summary>
/// <remarks>
/// One message is one line, one write and, over HTTP/1.1, one chunk with the line feed inside: etcd3gw parses each chunk by itself.
/// </remarks>
internal sealed class GatewayStream(
    ServerCall call, JsonRequestBody body, IFeatureCollection features, ListenerServices services, Action<IHttpResponseFeature> setHeaders) : RpcStream
{
    private readonly CancellationToken _cancellation = call.Cancellation;
    private readonly PipeWriter _output = features.GetRequiredFeature<IHttpResponseBodyFeature>().Writer;
    private readonly ArrayBufferWriter<byte> _line = new();
    private int _received;
    private volatile bool _ended;

    /// <summary>True once the status line is out, so that a failure can only be told in a last line.</summary>
    public bool HasStarted { get; private set; }

    public override async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken cancellationToken = default)
    {
        CheckOpen();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _cancellation);
        ReadOnlyMemory<byte>? json = await body.ReadObjectAsync(either.Token);
        bool isOnlyOne = !call.Method.ClientStreams;
        if (json is null && (!isOnlyOne || _received > 0))
            return null;
        _received++;
        // Nothing at all stands for the empty message where exactly one is due.
        byte[] message = GatewayMessages.ToBytes(json.GetValueOrDefault().Span, call.Method, services.Options.ReceiveBytesMax);
        call.Received(message.Length);
        return message;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> message, bool moreFollows, CancellationToken cancellationToken = default)
    {
        CheckOpen();
        _line.ResetWrittenCount();
        _line.Write("{\"result\":"u8);
        JsonTranscoder.Write(GatewayMessages.FromBytes(new ReadOnlySequence<byte>(message), call.Method), _line);
        _line.Write("}\n"u8);
        call.Sent(message.Length);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _cancellation);
        await WriteLineAsync(_line.WrittenMemory, either.Token);
    }

    /// <summary>Sends a ready line, with the headers before the first.</summary>
    public async ValueTask WriteLineAsync(ReadOnlyMemory<byte> line, CancellationToken cancellationToken)
    {
        if (!HasStarted)
        {
            HasStarted = true;
            setHeaders(features.GetRequiredFeature<IHttpResponseFeature>());
        }

        await _output.WriteAsync(line, cancellationToken);
    }

    public override void Abort() => call.Abort();

    /// <summary>Only once the handler has ended; the last line may still follow.</summary>
    public void End() => _ended = true;

    /// <summary>A task that a handler left behind must not touch what may already serve the next call.</summary>
    private void CheckOpen()
    {
        _cancellation.ThrowIfCancellationRequested();
        if (_ended)
            throw new OperationCanceledException("The call has ended.");
    }
}
