using System.Buffers;
using System.Buffers.Binary;
using System.Net.Security;
using System.Net.Sockets;
using Conclave.Raft;

namespace Conclave.Node.Peers;

/// <summary>The outgoing half of one connection to a member: frames are gathered, and sent with as few calls as the moment allows.</summary>
/// <remarks>
/// A send that the socket takes at once happens on the caller's thread: handing it to another thread costs more than the system call.
/// While one send is under way further frames gather behind it. On a broken connection, or with too much waiting, frames are dropped and counted:
/// Raft repeats what it needs, and callers of everything else have a time limit. A new connection gets a new object, so half a frame of the old
/// one can never reach it.
/// </remarks>
internal sealed class PeerOutput
{
    /// <summary>Frames waiting for a slow member. Above the replication window per peer, so that only a stuck connection reaches it.</summary>
    public const int WaitingBytesMax = 32 << 20;

    private readonly SocketAsyncEventArgs _operation = new();
    private readonly Lock _gate = new();
    private readonly PeerConnection _connection;

    // Under _gate.
    private ArrayBufferWriter<byte> _gathering = new(64 << 10);
    private ArrayBufferWriter<byte> _leaving = new(64 << 10);
    private bool _broken;
    private bool _sending;
    private int _sentBytes;
    private long _droppedFrames;
    private long _totalBytes;

    public PeerOutput(PeerConnection connection)
    {
        _connection = connection;
        _operation.Completed += (_, _) => Continue();
    }

    public long DroppedFrames => Interlocked.Read(ref _droppedFrames);

    public long TotalBytes => Interlocked.Read(ref _totalBytes);

    public void Enqueue(Message message)
    {
        lock (_gate)
        {
            if (!MayEnqueueUnderLock()) return;
            int start = BeginFrameUnderLock();
            MessageCodec.Write(_gathering, message);
            EndFrameUnderLock(start, PeerFrameKind.Raft);
        }
    }

    /// <summary>A frame whose body is a number and bytes; with <paramref name="tag"/> a byte stands between them.</summary>
    /// <returns>False when it was dropped.</returns>
    public bool Enqueue(PeerFrameKind kind, ulong number, byte? tag, ReadOnlySpan<byte> rest)
    {
        lock (_gate)
        {
            if (!MayEnqueueUnderLock()) return false;
            int start = BeginFrameUnderLock();
            BinaryPrimitives.WriteUInt64LittleEndian(_gathering.GetSpan(8), number);
            _gathering.Advance(8);
            if (tag is { } value)
            {
                _gathering.GetSpan(1)[0] = value;
                _gathering.Advance(1);
            }

            _gathering.Write(rest);
            EndFrameUnderLock(start, kind);
            return true;
        }
    }

    /// <summary>Closes the connection under whoever uses it.</summary>
    public void Close() => _connection.Close();

    /// <summary>Sends what has gathered, unless a send is under way; then that one goes on with it.</summary>
    public void Flush()
    {
        lock (_gate)
        {
            if (_sending || _broken || _gathering.WrittenCount == 0) return;
            BeginSendUnderLock();
        }

        Pump();
    }

    private bool MayEnqueueUnderLock()
    {
        if (!_broken && _gathering.WrittenCount < WaitingBytesMax) return true;
        _droppedFrames++;
        return false;
    }

    private int BeginFrameUnderLock()
    {
        int start = _gathering.WrittenCount;
        _gathering.GetSpan(PeerFrame.HeaderBytes);
        _gathering.Advance(PeerFrame.HeaderBytes);
        return start;
    }

    private void EndFrameUnderLock(int start, PeerFrameKind kind)
    {
        // ArrayBufferWriter only lends read-only memory back, and the length is known only now.
        Memory<byte> written = System.Runtime.InteropServices.MemoryMarshal.AsMemory(_gathering.WrittenMemory);
        PeerFrame.Seal(written.Span[start..], kind);
    }

    private void BeginSendUnderLock()
    {
        (_gathering, _leaving) = (_leaving, _gathering);
        _gathering.ResetWrittenCount();
        _sending = true;
        _sentBytes = 0;
    }

    private void Continue()
    {
        if (Sent(_operation.SocketError == SocketError.Success, _operation.BytesTransferred)) Pump();
    }

    private void Pump()
    {
        while (true)
        {
            Memory<byte> next;
            lock (_gate) next = System.Runtime.InteropServices.MemoryMarshal.AsMemory(_leaving.WrittenMemory[_sentBytes..]);
            if (_connection.Tls is { } tls)
            {
                if (!SendEncrypted(tls, next)) return;
                continue;
            }

            try
            {
                _operation.SetBuffer(next);
                if (_connection.Socket.SendAsync(_operation)) return;   // Continue() takes over when it completes
            }
            catch (ObjectDisposedException)
            {
                // The connection was closed between the look and the send; its owner notices and dials again.
                lock (_gate) _broken = true;
                return;
            }

            if (!Sent(_operation.SocketError == SocketError.Success, _operation.BytesTransferred)) return;
        }
    }

    /// <returns>True when it was sent at once and there is more to send; else whoever finishes it goes on.</returns>
    private bool SendEncrypted(SslStream tls, ReadOnlyMemory<byte> next)
    {
        Task writing;
        try
        {
            ValueTask write = tls.WriteAsync(next);
            if (write.IsCompletedSuccessfully) return Sent(succeeded: true, next.Length);
            writing = write.AsTask();
        }
        catch (ObjectDisposedException)
        {
            return Sent(succeeded: false, 0);
        }

        _ = FinishAsync(writing, next.Length);
        return false;
    }

    private async Task FinishAsync(Task writing, int bytes)
    {
        // Whatever it failed of, the connection is of no use any more; its reader says what happened.
        await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (Sent(writing.IsCompletedSuccessfully, bytes)) Pump();
    }

    /// <returns>True when there is more to send.</returns>
    private bool Sent(bool succeeded, int bytes)
    {
        lock (_gate)
        {
            if (!succeeded)
            {
                _broken = true;
                _connection.Close();   // wakes the reader of this connection, which reports the link as down
                return false;
            }

            _totalBytes += bytes;
            _sentBytes += bytes;
            if (_sentBytes < _leaving.WrittenCount) return true;
            if (_leaving.Capacity > 1 << 20) _leaving = new ArrayBufferWriter<byte>(64 << 10);   // one large burst is not kept for ever
            else _leaving.ResetWrittenCount();
            if (_gathering.WrittenCount == 0)
            {
                _sending = false;
                return false;
            }

            BeginSendUnderLock();
            return true;
        }
    }
}
