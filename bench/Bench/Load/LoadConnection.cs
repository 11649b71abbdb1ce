using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace Conclave.Bench.Load;

/// <summary>One HTTP/2 connection of the load generator, driven by one thread that blocks in <see cref="Pump"/>.</summary>
/// <remarks>
/// A general client costs 13 to 30 us of CPU per call, more than the server it measures, on the same cores. This one knows only
/// what gRPC on loopback needs and costs about 2 us. It does not decode response headers: a unary answer that is OK carries a
/// message, a refused one consists of headers alone, so a stream that ends without a message counts as an error.
/// </remarks>
internal sealed class LoadConnection : IDisposable
{
    private const int FrameHeaderBytes = 9, PrefixBytes = 5, HeaderBytesMax = 2_048, WindowReplenishBytes = 1 << 29;
    private const byte Data = 0, Headers = 1, Reset = 3, Settings = 4, Ping = 6, GoAway = 7, WindowUpdate = 8;
    private const byte EndStream = 1, Ack = 1, EndHeaders = 4, Padded = 8;

    private readonly Socket _socket;
    private readonly SslStream? _stream;
    private readonly RequestHeaders _headers;
    private readonly Dictionary<int, Stream> _streams = [];
    private readonly Stack<Stream> _spare = new();
    private readonly Queue<(int Id, byte[] Message, bool End)> _waiting = new();
    private byte[] _send = new byte[64 * 1024];
    private int _sendBytes;
    private byte[] _receive = new byte[256 * 1024];
    private int _receiveBytes;
    private long _sendWindow = 65_535, _unreplenishedBytes;
    private int _nextId = 1;

    /// <param name="endpoint">Where to connect.</param>
    /// <param name="streamWindowBytes">What the server may send on a stream before it is read; as large as can be by default, so that the generator never holds a server back.</param>
    public LoadConnection(IPEndPoint endpoint, int streamWindowBytes = int.MaxValue)
    {
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = 30_000 };
        _socket.Connect(endpoint);
        _stream = LoadTls.IsOn ? LoadTls.Open(_socket) : null;
        _headers = new RequestHeaders(endpoint.ToString(), LoadTokens.Of(endpoint), LoadTls.IsOn);
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.CopyTo(_send);
        _sendBytes = 24;
        SetStreamWindows(streamWindowBytes);
        BinaryPrimitives.WriteInt32BigEndian(AddFrame(WindowUpdate, 0, 0, 4), int.MaxValue - 65_535);
        Flush();
    }

    /// <summary>Changes what the server may send on every stream, of now and later.</summary>
    public void SetStreamWindows(int bytes)
    {
        // No push, and the initial window, whose change counts for streams that are open as well.
        ReadOnlySpan<byte> settings = [0, 2, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0];
        Span<byte> frame = AddFrame(Settings, 0, 0, settings.Length);
        settings.CopyTo(frame);
        BinaryPrimitives.WriteInt32BigEndian(frame[8..], bytes);
    }

    /// <summary>What happens on streams, called from <see cref="Pump"/>.</summary>
    public interface ISink
    {
        /// <summary>A whole message came; the span is valid during the call only.</summary>
        void OnMessage(int tag, ReadOnlySpan<byte> message);

        /// <summary>The server ended the stream.</summary>
        void OnEnd(int tag, bool hadMessage);
    }

    /// <summary>Opens a stream.</summary>
    /// <param name="path">gRPC method.</param>
    /// <param name="tag">Comes back with every event of this stream.</param>
    /// <returns>Its id.</returns>
    public int Open(string path, int tag)
    {
        int id = _nextId;
        _nextId += 2;
        Stream stream = _spare.TryPop(out Stream? used) ? used : new Stream();
        (stream.Tag, stream.HadMessage, stream.PartialBytes) = (tag, false, 0);
        _streams.Add(id, stream);
        Span<byte> block = stackalloc byte[HeaderBytesMax];
        int bytes = _headers.Write(block, path);
        block[..bytes].CopyTo(AddFrame(Headers, EndHeaders, id, bytes));
        return id;
    }

    /// <summary>Sends one message of at most 16 KiB; waits in a queue when the peer's window is full.</summary>
    public void Write(int id, ReadOnlySpan<byte> message, bool end)
    {
        if (_waiting.Count > 0 || _sendWindow < message.Length + PrefixBytes)
            _waiting.Enqueue((id, message.ToArray(), end));
        else
            WriteNow(id, message, end);
    }

    private void WriteNow(int id, ReadOnlySpan<byte> message, bool end)
    {
        int bytes = PrefixBytes + message.Length;
        Span<byte> frame = AddFrame(Data, end ? EndStream : (byte)0, id, bytes);
        frame[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(frame[1..], message.Length);
        message.CopyTo(frame[PrefixBytes..]);
        _sendWindow -= bytes;
    }

    /// <summary>Hands everything written so far to the kernel.</summary>
    public void Flush()
    {
        _stream?.Write(_send.AsSpan(0, _sendBytes));
        for (int at = 0; _stream is null && at < _sendBytes;)
            at += _socket.Send(_send.AsSpan(at, _sendBytes - at));
        _sendBytes = 0;
    }

    /// <summary>Waits for bytes, reports what they say, then flushes what the sink wrote in answer.</summary>
    /// <exception cref="IOException">The server closed the connection.</exception>
    public void Pump(ISink sink)
    {
        if (_receiveBytes == _receive.Length)
            Array.Resize(ref _receive, 2 * _receive.Length);
        int received = _stream?.Read(_receive.AsSpan(_receiveBytes)) ?? _socket.Receive(_receive.AsSpan(_receiveBytes));
        if (received == 0)
            throw new IOException("The server closed the connection.");
        _receiveBytes += received;
        int at = 0;
        while (_receiveBytes - at >= FrameHeaderBytes)
        {
            ReadOnlySpan<byte> header = _receive.AsSpan(at, FrameHeaderBytes);
            int length = (header[0] << 16) | (header[1] << 8) | header[2];
            if (_receiveBytes - at - FrameHeaderBytes < length)
                break;
            int id = BinaryPrimitives.ReadInt32BigEndian(header[5..]) & int.MaxValue;
            OnFrame(header[3], header[4], id, _receive.AsSpan(at + FrameHeaderBytes, length), sink);
            at += FrameHeaderBytes + length;
        }
        _receive.AsSpan(at, _receiveBytes - at).CopyTo(_receive);
        _receiveBytes -= at;
        Flush();
    }

    private void OnFrame(byte type, byte flags, int id, ReadOnlySpan<byte> payload, ISink sink)
    {
        switch (type)
        {
            case Data:
                OnData((flags & Padded) != 0 ? payload[1..^payload[0]] : payload, id, sink);
                Replenish(payload.Length);
                if ((flags & EndStream) != 0)
                    End(id, sink);
                break;
            case Headers when (flags & EndStream) != 0:
            case Reset:
                End(id, sink);
                break;
            case Settings when (flags & Ack) == 0:
                AddFrame(Settings, Ack, 0, 0);
                break;
            case Ping when (flags & Ack) == 0:
                payload.CopyTo(AddFrame(Ping, Ack, 0, payload.Length));
                break;
            case WindowUpdate when id == 0:
                _sendWindow += BinaryPrimitives.ReadInt32BigEndian(payload) & int.MaxValue;
                while (_waiting.TryPeek(out var next) && _sendWindow >= next.Message.Length + PrefixBytes)
                {
                    _waiting.Dequeue();
                    WriteNow(next.Id, next.Message, next.End);
                }
                break;
            case GoAway:
                throw new IOException($"The server sent GOAWAY with error {BinaryPrimitives.ReadInt32BigEndian(payload[4..])}.");
            default:
                break;   // response headers, window updates of streams that send less than any window, acknowledgements
        }
    }

    private void OnData(ReadOnlySpan<byte> payload, int id, ISink sink)
    {
        if (!_streams.TryGetValue(id, out Stream? stream))
            return;
        if (stream.PartialBytes > 0)
        {
            stream.Add(payload);
            payload = stream.Partial.AsSpan(0, stream.PartialBytes);
        }
        while (payload.Length >= PrefixBytes)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(payload[1..]);
            if (payload.Length < PrefixBytes + length)
                break;
            stream.HadMessage = true;
            sink.OnMessage(stream.Tag, payload.Slice(PrefixBytes, length));
            payload = payload[(PrefixBytes + length)..];
        }
        stream.Keep(payload);
    }

    private void End(int id, ISink sink)
    {
        if (!_streams.Remove(id, out Stream? stream))
            return;
        _spare.Push(stream);
        sink.OnEnd(stream.Tag, stream.HadMessage);
    }

    private void Replenish(int bytes)
    {
        _unreplenishedBytes += bytes;
        if (_unreplenishedBytes < WindowReplenishBytes)
            return;
        BinaryPrimitives.WriteInt32BigEndian(AddFrame(WindowUpdate, 0, 0, 4), (int)_unreplenishedBytes);
        _unreplenishedBytes = 0;
    }

    /// <summary>Room for a frame's payload, its header already written.</summary>
    private Span<byte> AddFrame(byte type, byte flags, int id, int length)
    {
        int needed = _sendBytes + FrameHeaderBytes + length;
        if (needed > _send.Length)
            Array.Resize(ref _send, Math.Max(needed, 2 * _send.Length));
        Span<byte> frame = _send.AsSpan(_sendBytes);
        (frame[0], frame[1], frame[2], frame[3], frame[4]) = ((byte)(length >> 16), (byte)(length >> 8), (byte)length, type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame[5..], id);
        _sendBytes = needed;
        return frame.Slice(FrameHeaderBytes, length);
    }

    public void Dispose()
    {
        _stream?.Dispose();
        _socket.Dispose();
    }

    /// <summary>An open stream; a message cut by frame borders gathers in <see cref="Partial"/>.</summary>
    private sealed class Stream
    {
        public int Tag;
        public bool HadMessage;
        public byte[] Partial = [];
        public int PartialBytes;

        public void Add(ReadOnlySpan<byte> bytes)
        {
            if (Partial.Length < PartialBytes + bytes.Length)
                Array.Resize(ref Partial, Math.Max(2 * Partial.Length, PartialBytes + bytes.Length));
            bytes.CopyTo(Partial.AsSpan(PartialBytes));
            PartialBytes += bytes.Length;
        }

        public void Keep(ReadOnlySpan<byte> rest)
        {
            PartialBytes = 0;
            if (rest.Length > 0)
                Add(rest);   // moves down within the same array when it came from there
        }
    }
}
