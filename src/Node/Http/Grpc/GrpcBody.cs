using System.Buffers;
using System.IO.Pipelines;
using Conclave.Wire.Grpc;

namespace Conclave.Node.Http.Grpc;

/// <summary>Takes messages off a request body, one at a time, without copying those that lie in one piece.</summary>
internal struct GrpcBody(PipeReader input, int messageBytesMax)
{
    private ReadOnlySequence<byte> _buffer;
    private bool _reading;
    private bool _isCompleted;
    private byte[]? _copy;

    /// <summary>How much of the body was here and could not be taken yet when <see cref="TryRead"/> last found too little.</summary>
    public long WaitingBytes { get; private set; }

    /// <summary>Takes the next message if it is there already.</summary>
    /// <param name="message">Valid until the next call.</param>
    /// <returns>False when <see cref="WaitAsync"/> is needed, or the body is over.</returns>
    /// <exception cref="GrpcException">The bytes are no message, or it is too large or compressed.</exception>
    public bool TryRead(out ReadOnlyMemory<byte> message)
    {
        GiveCopyBack();
        while (true)
        {
            if (_reading && TryTake(out message))
                return true;
            message = default;
            if (_isCompleted)
                return false;
            Release();
            if (!input.TryRead(out ReadResult result))
                return false;
            Hold(result);
            if (result is { IsCompleted: false, Buffer.IsEmpty: true })
                return false; // A cancelled read of somebody else; waiting sorts it out.
        }
    }

    /// <summary>Waits for bytes after <see cref="TryRead"/> found none. The caller must try again.</summary>
    /// <exception cref="ClientGoneException">The client ended the call.</exception>
    public readonly ValueTask<ReadResult> WaitAsync(CancellationToken cancellationToken) => RequestBody.ReadAsync(input, cancellationToken);

    /// <summary>Keeps the result of <see cref="WaitAsync"/> until its messages are taken.</summary>
    public void Hold(in ReadResult result)
    {
        _buffer = result.Buffer;
        _isCompleted = result.IsCompleted;
        _reading = true;
    }

    /// <summary>True when no more messages can come.</summary>
    /// <exception cref="GrpcException">The body ended inside a message.</exception>
    public readonly bool IsOver => _isCompleted && (_buffer.IsEmpty
        ? true
        : throw new GrpcException(GrpcCode.Internal, "the request ended in the middle of a message"));

    /// <summary>Gives everything held back to the connection.</summary>
    public void Release()
    {
        if (!_reading)
            return;
        _reading = false;
        WaitingBytes = _buffer.Length;
        // Examined to the end: otherwise the next read would return the same bytes at once, for ever.
        input.AdvanceTo(_buffer.Start, _buffer.End);
        _buffer = default;
    }

    /// <summary>The last call on a body.</summary>
    public void End()
    {
        GiveCopyBack();
        try
        {
            Release();
        }
        catch (IOException)
        {
            // The client reset the call: its body is gone already, and what comes after this call still has to be done.
        }
    }

    private bool TryTake(out ReadOnlyMemory<byte> message)
    {
        switch (GrpcFrame.TryRead(ref _buffer, messageBytesMax, out ReadOnlySequence<byte> found, out uint bytes))
        {
            case GrpcReadStatus.Done:
                message = found.IsSingleSegment ? found.First : Copy(found);
                return true;
            case GrpcReadStatus.NeedMore:
                message = default;
                return false;
            case GrpcReadStatus.TooLarge:
                throw new GrpcException(GrpcCode.ResourceExhausted, $"grpc: received message larger than max ({bytes} vs. {messageBytesMax})");
            case GrpcReadStatus.Compressed:
                throw new GrpcException(GrpcCode.Unimplemented, "grpc: compressed messages are not supported; send them with encoding identity");
            default:
                throw new GrpcException(GrpcCode.Internal, "grpc: the request body is not gRPC framing");
        }
    }

    private ReadOnlyMemory<byte> Copy(in ReadOnlySequence<byte> message)
    {
        int bytes = (int)message.Length;
        _copy = ArrayPool<byte>.Shared.Rent(bytes);
        message.CopyTo(_copy);
        return _copy.AsMemory(0, bytes);
    }

    private void GiveCopyBack()
    {
        if (_copy is not { } copy)
            return;
        _copy = null;
        ArrayPool<byte>.Shared.Return(copy);
    }
}
