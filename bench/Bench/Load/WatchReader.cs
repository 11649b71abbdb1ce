using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Bench.Load;

/// <summary>One thread that reads many watch streams of one connection and counts events. Values begin with the time at which their put was sent.</summary>
internal sealed class WatchReader : LoadConnection.ISink, IDisposable
{
    private const int CreatedField = 3, EventField = 11, EventKeyValueField = 2, KeyValueValueField = 5;
    private readonly LoadConnection _connection;
    private readonly LoadWindow _window;
    private readonly int _watchers;
    private readonly TaskCompletionSource _allCreated = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _created;

    public WatchReader(IPEndPoint endpoint, string prefix, int watchers, LoadWindow window)
    {
        (_connection, _window, _watchers) = (new LoadConnection(endpoint), window, watchers);
        byte[] key = System.Text.Encoding.ASCII.GetBytes(prefix), end = [.. key[..^1], (byte)(key[^1] + 1)];
        byte[] request = new WatchRequest { CreateRequest = new WatchCreateRequest { Key = ByteString.CopyFrom(key), RangeEnd = ByteString.CopyFrom(end) } }.ToByteArray();
        for (int i = 0; i < watchers; i++)
            _connection.Write(_connection.Open("/etcdserverpb.Watch/Watch", i), request, end: false);
        _connection.Flush();
    }

    public LatencyHistogram Latencies { get; } = new();

    /// <summary>Done when every watcher is registered.</summary>
    public Task AllCreated => _allCreated.Task;

    /// <summary>Runs until the window is over; needs the writers to go on a little longer, so that it wakes up.</summary>
    public void Run()
    {
        while (!_window.IsOver)
            _connection.Pump(this);
    }

    void LoadConnection.ISink.OnMessage(int tag, ReadOnlySpan<byte> message)
    {
        bool measuring = _window.IsMeasuring;
        long now = Stopwatch.GetTimestamp();
        while (ProtoScan.TryNext(ref message, out int field, out ulong number, out ReadOnlySpan<byte> bytes))
        {
            if (field == EventField && measuring)
                Latencies.Add(Stopwatch.GetElapsedTime(SentAt(bytes), now));
            else if (field == CreatedField && number == 1 && ++_created == _watchers)
                _allCreated.SetResult();
        }
    }

    void LoadConnection.ISink.OnEnd(int tag, bool hadMessage)
    {
        var failure = new IOException("The server ended a watch stream.");
        _allCreated.TrySetException(failure);
        throw failure;
    }

    private static long SentAt(ReadOnlySpan<byte> watchEvent)
    {
        while (ProtoScan.TryNext(ref watchEvent, out int field, out _, out ReadOnlySpan<byte> keyValue))
        {
            if (field != EventKeyValueField)
                continue;
            while (ProtoScan.TryNext(ref keyValue, out int inner, out _, out ReadOnlySpan<byte> value))
            {
                if (inner == KeyValueValueField)
                    return BinaryPrimitives.ReadInt64LittleEndian(value);
            }
        }
        throw new InvalidDataException("An event without a value.");
    }

    public void Dispose() => _connection.Dispose();
}
