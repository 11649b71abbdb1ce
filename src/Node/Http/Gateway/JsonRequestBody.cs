using System.Buffers;
using System.IO.Pipelines;
using Conclave.Node.Http.Limits;
using Conclave.Wire.Grpc;
using Conclave.Wire.Json;

namespace Conclave.Node.Http.Gateway;

/// <summary>The text of a request body: whole, or one JSON object at a time. Holds at most <see cref="ClientListenerOptions.JsonBytesMax"/>.</summary>
internal sealed class JsonRequestBody(PipeReader input, ListenerServices services, ServerCall call) : IDisposable
{
    private readonly int _bytesMax = services.Options.JsonBytesMax;
    private JsonObjectScanner _scanner;
    private byte[] _text = [];
    private int _start;
    private int _scanned;
    private int _end;
    private bool _isCompleted;

    /// <exception cref="GrpcException">The body is too large, or comes too slowly.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReadToEndAsync()
    {
        var pace = new BodyPace(services);
        try
        {
            while (!_isCompleted)
            {
                Take(await pace.ReadAsync(input, _end - _start));
                call.Hold(_end - _start);
            }
        }
        finally
        {
            pace.Dispose();
        }

        return _text.AsMemory(_start, _end - _start);
    }

    /// <summary>Waits for the next object.</summary>
    /// <returns>Its text, valid until the next read; null at the end of the body.</returns>
    /// <exception cref="GrpcException">The body is not a row of JSON objects, or one of them is too large.</exception>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadObjectAsync(CancellationToken cancellationToken)
    {
        var pace = new BodyPace(services);
        try
        {
            while (true)
            {
                JsonScanStatus status = _scanner.Scan(_text.AsSpan(_scanned, _end - _scanned), out int length);
                _scanned += length;
                if (status == JsonScanStatus.Corrupt)
                    throw new GrpcException(GrpcCode.InvalidArgument, "the request body is not a sequence of JSON objects");
                if (status == JsonScanStatus.Done)
                {
                    ReadOnlyMemory<byte> found = _text.AsMemory(_start, _scanned - _start);
                    _start = _scanned;
                    return found;
                }

                if (_isCompleted)
                {
                    return _scanner.IsBetweenObjects ? null
                        : throw new GrpcException(GrpcCode.InvalidArgument, "the request body ends inside a JSON object");
                }

                // Between objects a stream may be silent for as long as it likes, within one it may not.
                Take(await (_scanner.IsBetweenObjects ? RequestBody.ReadAsync(input, cancellationToken) : pace.ReadAsync(input, _end - _start, cancellationToken)));
                call.HoldNow(_end - _start);
            }
        }
        finally
        {
            pace.Dispose();
        }
    }

    public void Dispose()
    {
        byte[] text = _text;
        _text = [];
        if (text.Length > 0)
            ArrayPool<byte>.Shared.Return(text);
    }

    /// <summary>Takes what has arrived, as far as the limit allows: a later object may well be there already.</summary>
    private void Take(in ReadResult result)
    {
        int unread = _end - _start;
        ReadOnlySequence<byte> taken = result.Buffer.Slice(0, Math.Min(result.Buffer.Length, _bytesMax - unread));
        bool isFull = taken.IsEmpty && !result.Buffer.IsEmpty;
        if (!isFull)
        {
            MakeRoom(unread + (int)taken.Length);
            taken.CopyTo(_text.AsSpan(_end));
            _end += (int)taken.Length;
            _isCompleted = result.IsCompleted && taken.Length == result.Buffer.Length;
        }

        input.AdvanceTo(taken.End);
        if (isFull)
            throw new GrpcException(GrpcCode.ResourceExhausted, $"the request body is larger than {_bytesMax} bytes");
    }

    /// <summary>Moves the unread text to the front of an array with room for <paramref name="needed"/> bytes in all.</summary>
    private void MakeRoom(int needed)
    {
        int unread = _end - _start;
        if (_start + needed <= _text.Length)
            return;
        byte[] old = _text;
        if (needed > old.Length)
            _text = ArrayPool<byte>.Shared.Rent(Math.Min(Math.Max(needed, 2 * old.Length), Math.Max(_bytesMax, needed)));
        old.AsSpan(_start, unread).CopyTo(_text);
        if (!ReferenceEquals(old, _text) && old.Length > 0)
            ArrayPool<byte>.Shared.Return(old);
        (_start, _scanned, _end) = (0, _scanned - _start, unread);
    }
}
