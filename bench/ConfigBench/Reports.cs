using System.Diagnostics;
using System.Net;
using Conclave.Bench.Load;
using Conclave.Wire.V1;

namespace Conclave.ConfigBench;

/// <summary>Agents that say what they run: each at once when that changes, and again in every round of heartbeats. One connection, one thread.</summary>
internal sealed class Reports : LoadConnection.ISink, IDisposable
{
    private const string Acknowledge = "/conclave.v1.Config/Acknowledge";
    private const int UnderWay = 32;
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(20), Pause = TimeSpan.FromMilliseconds(10);

    private readonly LoadConnection _connection;
    private readonly AgentSwarm _swarm;
    private readonly int _first, _step;
    private readonly Dictionary<int, (long Release, long At)> _said = [];
    private readonly Thread _thread;
    private volatile bool _ended;
    private int _left;

    public Reports(IPEndPoint member, AgentSwarm swarm, int first, int step)
    {
        (_connection, _swarm, _first, _step) = (new LoadConnection(member), swarm, first, step);
        _thread = new Thread(Run) { IsBackground = true };
        _thread.Start();
    }

    /// <summary>Reports that were answered, and those that were refused.</summary>
    public int Sent { get; private set; }

    public int Errors { get; private set; }

    public void Dispose()
    {
        _ended = true;
        _thread.Join();
        _connection.Dispose();
    }

    void LoadConnection.ISink.OnMessage(int tag, ReadOnlySpan<byte> message)
    {
    }

    void LoadConnection.ISink.OnEnd(int tag, bool hadMessage)
    {
        Errors += hadMessage ? 0 : 1;
        Sent++;
        _left--;
    }

    private void Run()
    {
        while (!_ended)
        {
            for (int agent = _first; agent < _swarm.Count && !_ended; agent += _step)
            {
                (long release, byte[] hash) = _swarm.Has(agent);
                if (release == 0)
                    continue;
                if (_said.TryGetValue(agent, out var said) && said.Release == release && Stopwatch.GetElapsedTime(said.At) < Heartbeat)
                    continue;
                _said[agent] = (release, Stopwatch.GetTimestamp());
                var report = new AcknowledgeRequest { Node = GeneratedFleet.Host(agent), ListsAll = true };
                report.States.Add(new DocumentState { Document = GeneratedFleet.Document, State = "applied", Release = release, Hash = Google.Protobuf.ByteString.CopyFrom(hash) });
                _connection.Write(_connection.Open(Acknowledge, agent), Google.Protobuf.MessageExtensions.ToByteArray(report), end: true);
                _left++;
                Drain(UnderWay);
            }
            Drain(0);
            Thread.Sleep(Pause);
        }
    }

    private void Drain(int most)
    {
        if (_left > most || most == 0)
            _connection.Flush();
        while (_left > most)
            _connection.Pump(this);
    }
}
