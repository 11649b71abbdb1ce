using System.Net;
using Conclave.Bench.Load;
using Conclave.Wire.V1;
using Google.Protobuf;

namespace Conclave.ConfigBench;

/// <summary>The first report of every agent: its facts, some under way at a time.</summary>
internal sealed class FactReports : LoadConnection.ISink
{
    private const string Acknowledge = "/conclave.v1.Config/Acknowledge";
    private const int UnderWay = 64;

    private readonly LoadConnection _connection;
    private readonly int _end, _step;
    private int _next, _left;

    public FactReports(IPEndPoint member, int first, int end, int step)
    {
        (_connection, _next, _end, _step) = (new LoadConnection(member), first, end, step);
        _left = (end - first + step - 1) / step;
    }

    /// <summary>Reports that were refused.</summary>
    public int Errors { get; private set; }

    public void Run()
    {
        for (int i = 0; i < UnderWay; i++)
            SendNext();
        _connection.Flush();
        while (_left > 0)
            _connection.Pump(this);
        _connection.Dispose();
    }

    void LoadConnection.ISink.OnMessage(int tag, ReadOnlySpan<byte> message)
    {
    }

    void LoadConnection.ISink.OnEnd(int tag, bool hadMessage)
    {
        Errors += hadMessage ? 0 : 1;
        _left--;
        SendNext();
    }

    private void SendNext()
    {
        if (_next >= _end)
            return;
        var report = new AcknowledgeRequest { Node = GeneratedFleet.Host(_next), HasFacts = true };
        report.Facts["mgmt_ip"] = GeneratedFleet.Fact(_next);
        _connection.Write(_connection.Open(Acknowledge, _next), report.ToByteArray(), end: true);
        _next += _step;
    }
}
