using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Conclave.Bench.Load;
using Conclave.Wire.V1;
using Google.Protobuf;

namespace Conclave.ConfigBench;

/// <summary>Many agents in one process: each has a Watch stream of its own, and few connections carry them all. It knows of each what it has, and when it came.</summary>
internal sealed class AgentSwarm(IPEndPoint[] members, int connectionsPerMember)
{
    private const string Watch = "/conclave.v1.Config/Watch";
    private const int ToReleaseField = 2, DocumentsField = 3, HashField = 4, WholeField = 5, DocumentReleaseField = 6;

    private readonly List<Reader> _readers = [];
    private Agent[] _agents = [];
    private long _bytes, _messages, _whole;
    private volatile Wave? _wave;

    private sealed class Agent
    {
        public long Release;
        public long DocumentRelease;   // with the hash under the agent's lock
        public byte[] Hash = [];
    }

    /// <summary>Waits for all of some agents to have a release.</summary>
    private sealed class Wave(int count, Func<int, bool> concerns, long release)
    {
        private readonly long _start = Stopwatch.GetTimestamp();
        private int _left = count;

        public List<double> Milliseconds { get; } = [];
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
        public bool[] Has { get; } = new bool[100_000];

        public void OnMessage(int agent, long toRelease)
        {
            if (toRelease < release || Has[agent] || !concerns(agent))
                return;
            double took = Stopwatch.GetElapsedTime(_start).TotalMilliseconds;
            lock (Milliseconds)
            {
                Has[agent] = true;
                Milliseconds.Add(took);
                if (--_left == 0)
                    Done.SetResult();
            }
        }
    }

    public int Count => _agents.Length;

    public (long Bytes, long Messages, long Whole) Received => (Interlocked.Read(ref _bytes), Interlocked.Read(ref _messages), Interlocked.Read(ref _whole));

    /// <summary>Opens all streams at once, each from what its agent has.</summary>
    /// <returns>Milliseconds until each had its first message.</returns>
    public async Task<List<double>> ConnectAsync(int agents, TimeSpan patience)
    {
        if (_agents.Length != agents)
            _agents = [.. Enumerable.Range(0, agents).Select(i => i < _agents.Length ? _agents[i] : new Agent())];
        var wave = _wave = new Wave(agents, _ => true, 0);
        int connections = members.Length * connectionsPerMember;
        for (int c = 0; c < connections; c++)
        {
            var reader = new Reader(this, members[c % members.Length]);
            for (int agent = c; agent < agents; agent += connections)
                reader.Open(agent, Request(agent));
            _readers.Add(reader);
        }
        foreach (Reader reader in _readers)
            reader.Start();
        await wave.Done.Task.WaitAsync(patience).ConfigureAwait(false);
        return wave.Milliseconds;
    }

    /// <summary>All connections are cut at the same moment.</summary>
    public void Cut()
    {
        foreach (Reader reader in _readers)
            reader.Dispose();
        _readers.Clear();
    }

    /// <summary>Agents without a cache.</summary>
    public void Forget() => _agents = [];

    /// <summary>What an agent has of its document; release 0 for nothing yet. Any thread.</summary>
    public (long Release, byte[] Hash) Has(int index)
    {
        Agent agent = _agents[index];
        lock (agent)
            return (agent.DocumentRelease, agent.Hash);
    }

    /// <summary>Begins to wait; call the result when the publish has its release.</summary>
    public Func<TimeSpan, Task<List<double>>> Expect(int count, Func<int, bool> concerns, long release)
    {
        var wave = _wave = new Wave(count, concerns, release);
        return async patience =>
        {
            await wave.Done.Task.WaitAsync(patience).ConfigureAwait(false);
            return wave.Milliseconds;
        };
    }

    private byte[] Request(int index)
    {
        Agent agent = _agents[index];
        var request = new WatchRequest { Node = GeneratedFleet.Host(index), FromRelease = agent.Release, MinRelease = agent.Release };
        request.Documents.Add(GeneratedFleet.Document);
        if (agent.Release > 0)
            request.Have.Add(new DocumentHash { Document = GeneratedFleet.Document, Hash = ByteString.CopyFrom(agent.Hash) });
        return request.ToByteArray();
    }

    private void OnMessage(int index, ReadOnlySpan<byte> message)
    {
        Interlocked.Add(ref _bytes, message.Length);
        Interlocked.Increment(ref _messages);
        Agent agent = _agents[index];
        while (ProtoScan.TryNext(ref message, out int field, out ulong number, out ReadOnlySpan<byte> bytes))
        {
            if (field == ToReleaseField)
                agent.Release = (long)number;
            if (field != DocumentsField)
                continue;
            (byte[] hash, long release) = (agent.Hash, agent.DocumentRelease);
            while (ProtoScan.TryNext(ref bytes, out int inner, out ulong value, out ReadOnlySpan<byte> part))
            {
                if (inner == HashField)
                    hash = part.ToArray();
                if (inner == WholeField && value == 1)
                    Interlocked.Increment(ref _whole);
                if (inner == DocumentReleaseField)
                    release = (long)value;
            }
            lock (agent)
                (agent.Hash, agent.DocumentRelease) = (hash, release);
        }
        _wave?.OnMessage(index, agent.Release);
    }

    private sealed class Reader(AgentSwarm swarm, IPEndPoint member) : LoadConnection.ISink, IDisposable
    {
        private readonly LoadConnection _connection = new(member);
        private volatile bool _ended;

        public void Open(int agent, byte[] request) => _connection.Write(_connection.Open(Watch, agent), request, end: true);

        public void Start()
        {
            _connection.Flush();
            new Thread(Run) { IsBackground = true }.Start();
        }

        void LoadConnection.ISink.OnMessage(int tag, ReadOnlySpan<byte> message) => swarm.OnMessage(tag, message);

        void LoadConnection.ISink.OnEnd(int tag, bool hadMessage)
        {
            if (!_ended)
                Console.Error.WriteLine($"The stream of {GeneratedFleet.Host(tag)} ended.");
        }

        public void Dispose()
        {
            _ended = true;
            _connection.Dispose();
        }

        private void Run()
        {
            while (!_ended)
            {
                try
                {
                    _connection.Pump(this);
                }
                catch (SocketException silence) when (silence.SocketErrorCode == SocketError.TimedOut || _ended)
                {
                    // Nothing came for a while, which is what is wanted when nothing changes.
                }
                catch (Exception cut) when (_ended && cut is ObjectDisposedException or IOException)
                {
                    return;
                }
            }
        }
    }
}
