using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Conclave.Bench.Load;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Bench.Overload;

/// <summary>Holders of leases who renew them three times in each term, over a connection of their own. One thread.</summary>
internal sealed class Renewals : LoadConnection.ISink, IDisposable
{
    public const long FirstLease = 0x6f76_6572_0000;
    public const int Leases = 64, TtlSeconds = 6;
    private const int PerTerm = 3, TtlField = 3;

    private readonly LoadConnection _connection;
    private readonly int[] _streams = new int[Leases];
    private readonly long[] _sent = new long[Leases];
    private volatile bool _stop;
    private int _waiting;

    public Renewals(IPEndPoint endpoint)
    {
        _connection = new LoadConnection(endpoint);
        for (int i = 0; i < Leases; i++)
            _streams[i] = _connection.Open("/etcdserverpb.Lease/LeaseKeepAlive", i);
    }

    public LatencyHistogram Latencies { get; } = new();

    /// <summary>Renewals that found the lease gone, and streams that the server ended.</summary>
    public int Lost { get; private set; }

    /// <summary>Renews until it is told to stop.</summary>
    public void Run()
    {
        while (!_stop)
        {
            long begun = Stopwatch.GetTimestamp();
            for (int i = 0; i < Leases; i++)
            {
                _sent[i] = Stopwatch.GetTimestamp();
                _connection.Write(_streams[i], new LeaseKeepAliveRequest { ID = FirstLease + i }.ToByteArray(), end: false);
            }
            _waiting = Leases;
            _connection.Flush();
            try
            {
                while (_waiting > 0)
                    _connection.Pump(this);
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                Lost += _waiting;   // no answer in 30 s, or no connection
                return;
            }
            while (!_stop && Stopwatch.GetElapsedTime(begun) < TimeSpan.FromSeconds((double)TtlSeconds / PerTerm))
                Thread.Sleep(20);
        }
    }

    public void Stop() => _stop = true;

    void LoadConnection.ISink.OnMessage(int tag, ReadOnlySpan<byte> message)
    {
        _waiting--;
        Latencies.Add(Stopwatch.GetElapsedTime(_sent[tag]));
        if (ProtoScan.Number(message, TtlField) == 0)
            Lost++;
    }

    void LoadConnection.ISink.OnEnd(int tag, bool hadMessage)
    {
        _waiting--;
        Lost++;
    }

    public void Dispose() => _connection.Dispose();
}
