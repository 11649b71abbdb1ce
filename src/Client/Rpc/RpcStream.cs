using System.Buffers;
using System.IO.Pipelines;
using Conclave.Wire.Grpc;

namespace Conclave.Client.Rpc;

/// <summary>One streaming call: messages out, messages in. One reader and one writer at a time; the two may overlap.</summary>
public sealed class RpcStream : IAsyncDisposable
{
    private const int ReadBufferBytes = 16 * 1024;
    private static readonly TimeSpan OpenPatience = TimeSpan.FromSeconds(2);
    // What the server said has arrived long before a busy machine gets round to it. A connection that broke ends the wait at once.
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(10);
    private readonly HttpRequestMessage _request;
    private readonly DuplexContent _content;
    private readonly CancellationTokenSource _lifetime;
    private readonly Uri _endpoint;
    private readonly int _receiveBytesMax;
    private readonly Task<HttpResponseMessage> _answer;
    private HttpResponseMessage? _response;
    private PipeReader? _reader;
    private SequencePosition? _consumed;
    private bool? _readAhead;   // what a read found that nobody has asked for yet

    private RpcStream(
        HttpMessageInvoker invoker, HttpRequestMessage request, DuplexContent content, Uri endpoint, int receiveBytesMax,
        CancellationToken cancellationToken)
    {
        (_request, _content, _endpoint, _receiveBytesMax) = (request, content, endpoint, receiveBytesMax);
        _lifetime = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _answer = invoker.SendAsync(request, _lifetime.Token);
    }

    internal static async ValueTask<RpcStream> OpenAsync(
        HttpMessageInvoker invoker, HttpRequestMessage request, DuplexContent content, Uri endpoint, int receiveBytesMax,
        CancellationToken cancellationToken)
    {
        RpcStream stream = new(invoker, request, content, endpoint, receiveBytesMax, cancellationToken);
        // An answer before the request stream opened is a refusal or a failed connection; the first is left to the first read.
        Task first = await Task.WhenAny(content.Opened, stream._answer).ConfigureAwait(false);
        if (first == content.Opened || stream._answer.IsCompletedSuccessfully) return stream;
        try
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            await stream._answer.ConfigureAwait(false);
            return stream;
        }
        catch (Exception e) when (RpcFailure.IsTransport(e))
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw RpcFailure.OfTransport(e, endpoint, mayHaveLeft: false);
        }
    }

    /// <summary>The message that the last <see cref="ReadAsync"/> found; valid until the next call of it.</summary>
    public ReadOnlySequence<byte> Message { get; private set; }

    /// <summary>Sends one message at once.</summary>
    /// <exception cref="RpcException">The stream has ended; read to learn the server's status.</exception>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken = default)
    {
        RequestFrame frame = RequestFrame.Of(message.Span);
        await WriteAsync(frame, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Sends one message at once, while nobody reads. A server that ends a call closes the way to it as well, and on a busy machine a writer meets that before he reads the answer: then
    /// what the server said counts, a failure as well as a whole answer, which the next reads find.
    /// </summary>
    /// <exception cref="RpcException">The server ended the call with this status; or the connection broke.</exception>
    internal async ValueTask AskAsync(RequestFrame frame, CancellationToken cancellationToken)
    {
        try
        {
            await WriteAsync(frame, cancellationToken).ConfigureAwait(false);
        }
        catch (RpcException closed) when (closed.Fate != RequestFate.Answered)
        {
            if (!await HasAnsweredAsync(cancellationToken).ConfigureAwait(false)) throw;
        }
    }

    private async ValueTask<bool> HasAnsweredAsync(CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(AnswerPatience);
        try
        {
            _readAhead = await ReadAsync(patience.Token).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is RpcException { Fate: not RequestFate.Answered } or OperationCanceledException)
        {
            // It said nothing; the writer's failure stands.
            cancellationToken.ThrowIfCancellationRequested();
            return false;
        }
    }

    internal async ValueTask WriteAsync(RequestFrame frame, CancellationToken cancellationToken)
    {
        try
        {
            if (!_content.Opened.IsCompleted) await WaitUntilOpenedAsync(cancellationToken).ConfigureAwait(false);
            Stream stream = await _content.Opened.ConfigureAwait(false);
            await stream.WriteAsync(frame.BeginWrite(), cancellationToken).ConfigureAwait(false);
            await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
            frame.EndWrite();
        }
        catch (Exception e) when (RpcFailure.IsTransport(e))
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw RpcFailure.OfTransport(e, _endpoint, mayHaveLeft: true);
        }
        finally
        {
            frame.Release();
        }
    }

    /// <summary>Tells the server that no further message will come. Reading goes on.</summary>
    public void CompleteWrites() => _content.Finish();

    /// <summary>Waits for the next message.</summary>
    /// <param name="cancellationToken">Cancelling a read ends the stream.</param>
    /// <returns>True with <see cref="Message"/> set; false when the server ended the stream with success.</returns>
    /// <exception cref="RpcException">The server ended the stream with an error, or the connection broke.</exception>
    public async ValueTask<bool> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (_readAhead is { } found)
        {
            _readAhead = null;
            return found;
        }

        try
        {
            PipeReader reader = _reader ?? await OpenReaderAsync(cancellationToken).ConfigureAwait(false);
            if (_consumed is { } consumed) reader.AdvanceTo(consumed);
            (_consumed, Message) = (null, default);
            while (true)
            {
                ReadResult result = await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
                if (TryTake(result.Buffer)) return true;
                if (result.IsCompleted)
                {
                    reader.AdvanceTo(result.Buffer.End);
                    if (RpcFailure.OfStatus(_response!, _endpoint) is { } failure) throw failure;   // set together with the reader
                    return result.Buffer.IsEmpty ? false : throw RpcFailure.Malformed("ended the stream inside a message.", _endpoint);
                }

                reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            }
        }
        catch (Exception e) when (RpcFailure.IsTransport(e))
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw RpcFailure.OfTransport(e, _endpoint, mayHaveLeft: true);
        }
    }

    /// <summary>Ends the call at once, whatever its state.</summary>
    public async ValueTask DisposeAsync()
    {
        _content.Finish();
        await _lifetime.CancelAsync().ConfigureAwait(false);
        if (_reader is not null) await _reader.CompleteAsync().ConfigureAwait(false);
        // The call may still be on its way out; its end, good or bad, no longer interests anybody.
        await ((Task)_answer).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_answer.IsCompletedSuccessfully) (await _answer.ConfigureAwait(false)).Dispose();
        _request.Dispose();
        _lifetime.Dispose();
    }

    /// <summary>
    /// On a busy machine the answer's headers come before this end has begun to send. Only an answer that is a refusal means that nothing can be sent, or one of somebody who does not
    /// speak gRPC.
    /// </summary>
    private async ValueTask WaitUntilOpenedAsync(CancellationToken cancellationToken)
    {
        if (_answer.IsCompletedSuccessfully && await _answer.ConfigureAwait(false) is var answer && (answer.Headers.Contains(GrpcHeaders.Status) || !RpcFailure.IsGrpc(answer))
            && RpcFailure.OfStatus(answer, _endpoint) is { } refusal) throw refusal;
        await Task.WhenAny(_content.Opened, Task.Delay(OpenPatience, cancellationToken)).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        if (!_content.Opened.IsCompleted)
            throw new RpcException(GrpcCode.Unavailable, $"{_endpoint.Authority} ended the stream before it was opened.", _endpoint, RequestFate.NotSent);
    }

    private async ValueTask<PipeReader> OpenReaderAsync(CancellationToken cancellationToken)
    {
        _response = await _answer.WaitAsync(cancellationToken).ConfigureAwait(false);
        Stream body = await _response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        return _reader = PipeReader.Create(body, new StreamPipeReaderOptions(bufferSize: ReadBufferBytes));
    }

    private bool TryTake(ReadOnlySequence<byte> buffer)
    {
        GrpcReadStatus status = GrpcFrame.TryRead(ref buffer, _receiveBytesMax, out ReadOnlySequence<byte> message, out uint messageBytes);
        if (status == GrpcReadStatus.NeedMore) return false;
        if (status != GrpcReadStatus.Done) throw RpcFailure.OfFrame(status, messageBytes, _receiveBytesMax, _endpoint);
        Message = message;
        _consumed = message.End;
        return true;
    }
}
