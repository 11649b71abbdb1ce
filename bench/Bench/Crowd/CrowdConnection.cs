using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Conclave.Bench.Load;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Bench.Crowd;

/// <summary>One connection with many watch streams, driven by one thread. The values of the events begin with a number.</summary>
internal sealed class CrowdConnection : LoadConnection.ISink, IDisposable
{
    private const int Nothing = -1, CreatedField = 3, CanceledField = 4, CompactRevisionField = 5, EventField = 11, EventKeyValueField = 2, KeyValueValueField = 5;
    private readonly LoadConnection _connection;
    private readonly Action<int> _got;
    private readonly int[] _last;
    private readonly bool[] _isOver;
    private int _created;
    private volatile bool _stop;

    /// <param name="endpoint">The node.</param>
    /// <param name="requests">One stream for each.</param>
    /// <param name="streamWindowBytes">See <see cref="LoadConnection"/>.</param>
    /// <param name="got">Called with the number of each event.</param>
    public CrowdConnection(IPEndPoint endpoint, IReadOnlyList<WatchCreateRequest> requests, int streamWindowBytes, Action<int> got)
    {
        (_connection, _got, _last, _isOver) = (new LoadConnection(endpoint, streamWindowBytes), got, new int[requests.Count], new bool[requests.Count]);
        Array.Fill(_last, Nothing);
        for (int i = 0; i < requests.Count; i++)
            _connection.Write(_connection.Open("/etcdserverpb.Watch/Watch", i), new WatchRequest { CreateRequest = requests[i] }.ToByteArray(), end: false);
        _connection.Flush();
        while (_created < requests.Count)
            _connection.Pump(this);
    }

    /// <summary>Streams that were told that history was compacted under them.</summary>
    public int ToldCompacted { get; private set; }

    /// <summary>Events that came though one before them had not.</summary>
    public int Gaps { get; private set; }

    public long Events { get; private set; }

    /// <summary>Reads until it is told to stop, at the next message.</summary>
    public void Run()
    {
        while (!_stop)
            _connection.Pump(this);
    }

    public void Stop() => _stop = true;

    /// <summary>Begins to read late, until each stream has this event or was told that history was compacted, or nothing more comes.</summary>
    /// <returns>Streams that had neither when the connection fell silent.</returns>
    public int ReadUpTo(int number)
    {
        _connection.SetStreamWindows(int.MaxValue);
        _connection.Flush();
        int Missing() => Enumerable.Range(0, _last.Length).Count(i => !_isOver[i] && _last[i] < number);
        try
        {
            while (Missing() > 0)
                _connection.Pump(this);
        }
        catch (SocketException silence) when (silence.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
        {
            // Told as what it is: a server may have forgotten them.
        }
        return Missing();
    }

    void LoadConnection.ISink.OnMessage(int tag, ReadOnlySpan<byte> message)
    {
        bool isCanceled = false;
        ulong compactRevision = 0;
        while (ProtoScan.TryNext(ref message, out int field, out ulong number, out ReadOnlySpan<byte> bytes))
        {
            if (field == EventField)
                OnEvent(tag, Number(bytes));
            else if (field == CreatedField && number == 1)
                _created++;
            else if (field == CanceledField)
                isCanceled = number == 1;
            else if (field == CompactRevisionField)
                compactRevision = number;
        }
        if (!isCanceled)
            return;
        if (compactRevision == 0)
            throw new InvalidDataException("The server cancelled a watch and gave no compact revision.");
        _isOver[tag] = true;
        ToldCompacted++;
    }

    private void OnEvent(int tag, int number)
    {
        if (number != _last[tag] + 1 && _last[tag] != Nothing)
            Gaps++;
        _last[tag] = number;
        Events++;
        _got(number);
    }

    void LoadConnection.ISink.OnEnd(int tag, bool hadMessage) => throw new IOException("The server ended a watch stream.");

    private static int Number(ReadOnlySpan<byte> watchEvent)
    {
        while (ProtoScan.TryNext(ref watchEvent, out int field, out _, out ReadOnlySpan<byte> keyValue))
        {
            if (field != EventKeyValueField)
                continue;
            while (ProtoScan.TryNext(ref keyValue, out int inner, out _, out ReadOnlySpan<byte> value))
            {
                if (inner == KeyValueValueField)
                    return BinaryPrimitives.ReadInt32LittleEndian(value);
            }
        }
        throw new InvalidDataException("An event without a value.");
    }

    public void Dispose() => _connection.Dispose();
}
