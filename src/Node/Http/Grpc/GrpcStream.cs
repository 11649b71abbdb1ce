using System.Buffers;
using System.IO.Pipelines;
using Conclave.Node.Http.Limits;
using Conclave.Wire.Grpc;

namespace Conclave.Node.Http.Grpc;

/// <summary>A streaming call over HTTP/2.</summary>
internal sealed class GrpcStream(ServerCall call, PipeReader input, PipeWriter output, ListenerServices services) : RpcStream
{
    /// <summary>A caller that always says "more follows" is flushed nevertheless, so that the connection can slow it down.</summary>
    private const int UnflushedBytesMax = 32 * 1024;

    /// <summary>More than this is handed over in pieces, each when the client has taken the one before: what a client does not take lies here once, and not a second time on its way.</summary>
    private const int PieceBytes = 64 * 1024;

    private readonly CancellationToken _cancellation = call.Cancellation;
    private GrpcBody _body = new(input, services.Options.ReceiveBytesMax);
    private volatile bool _ended;
    private long _piecesTaken;
    private Action? _taken;

    public override long PiecesTaken => Volatile.Read(ref _piecesTaken);

    public override ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken cancellationToken = default)
    {
        CheckOpen();
        if (_body.TryRead(out ReadOnlyMemory<byte> message))
        {
            call.HoldNow(message.Length);
            call.Received(message.Length);
            return new ValueTask<ReadOnlyMemory<byte>?>(message);
        }

        return _body.IsOver ? new ValueTask<ReadOnlyMemory<byte>?>((ReadOnlyMemory<byte>?)null) : WaitAsync(cancellationToken);
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> message, bool moreFollows, CancellationToken cancellationToken = default)
    {
        CheckOpen();
        if (message.Length > PieceBytes)
        {
            call.Sent(message.Length);
            await WriteInPiecesAsync(output, message, _taken ??= () => Interlocked.Increment(ref _piecesTaken), _cancellation);
            return;
        }

        GrpcFrame.Write(output, message.Span);
        call.Sent(message.Length);
        if (moreFollows && output.UnflushedBytes < UnflushedBytesMax)
            return;
        using CancellationTokenSource? either = Join(ref cancellationToken);
        await output.FlushAsync(cancellationToken);
    }

    /// <summary>Writes and flushes a message piece by piece.</summary>
    /// <param name="output">Holds back whoever flushes while what was flushed before is not taken.</param>
    /// <param name="message">Of any size.</param>
    /// <param name="taken">Called after each piece.</param>
    /// <param name="cancellationToken">The end of the call and nothing else: nothing could follow half a message.</param>
    internal static async ValueTask WriteInPiecesAsync(PipeWriter output, ReadOnlyMemory<byte> message, Action taken, CancellationToken cancellationToken)
    {
        GrpcFrame.WritePrefix(output.GetSpan(GrpcFrame.PrefixBytes), message.Length);
        output.Advance(GrpcFrame.PrefixBytes);
        for (int at = 0; at < message.Length; at += PieceBytes)
        {
            output.Write(message.Span[at..Math.Min(at + PieceBytes, message.Length)]);
            await output.FlushAsync(cancellationToken);
            taken();
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    public override void Abort() => call.Abort();

    /// <summary>Gives back what is still held of the request. Only once the handler has ended.</summary>
    public void End()
    {
        _ended = true;
        _body.End();
    }

    /// <summary>A task that a handler left behind must not touch what may already serve the next call.</summary>
    private void CheckOpen()
    {
        _cancellation.ThrowIfCancellationRequested();
        if (_ended)
            throw new OperationCanceledException("The call has ended.");
    }

    private async ValueTask<ReadOnlyMemory<byte>?> WaitAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource? either = Join(ref cancellationToken);
        var pace = new BodyPace(services);
        try
        {
            while (true)
            {
                call.HoldNow(_body.WaitingBytes);
                // Between messages a stream may be silent for as long as it likes, within one it may not.
                _body.Hold(await (_body.WaitingBytes == 0 ? _body.WaitAsync(cancellationToken) : pace.ReadAsync(input, _body.WaitingBytes, cancellationToken)));
                if (_body.TryRead(out ReadOnlyMemory<byte> message))
                {
                    call.HoldNow(message.Length);
                    call.Received(message.Length);
                    return message;
                }

                if (_body.IsOver)
                    return null;
            }
        }
        finally
        {
            pace.Dispose();
        }
    }

    /// <summary>Makes the token fire for the call's end too. Null when no joining was needed.</summary>
    private CancellationTokenSource? Join(ref CancellationToken cancellationToken)
    {
        CancellationTokenSource? either = null;
        if (cancellationToken.CanBeCanceled && cancellationToken != _cancellation)
            either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _cancellation);
        cancellationToken = either?.Token ?? _cancellation;
        return either;
    }
}
