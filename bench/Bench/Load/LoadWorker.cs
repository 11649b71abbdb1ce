using System.Diagnostics;
using System.Net;

namespace Conclave.Bench.Load;

/// <summary>One thread with its connections and its clients.</summary>
/// <remarks>With one connection all clients share it. With several (only for a single client) they take turns, as a client library with a round-robin balancer does.</remarks>
internal sealed class LoadWorker : LoadConnection.ISink, IDisposable
{
    private readonly LoadConnection[] _connections;
    private readonly Slot[] _slots;
    private readonly LoadWindow _window;
    private readonly Queue<(int Tag, long Since)> _paused = new();
    private LoadConnection _current;
    private int _inFlight;

    public LoadWorker(IPEndPoint[] endpoints, IEnumerable<LoadClient> clients, LoadWindow window)
    {
        _connections = [.. endpoints.Select(endpoint => new LoadConnection(endpoint))];
        _slots = [.. clients.Select(client => new Slot(client))];
        _current = _connections[0];
        _window = window;
        if (_connections.Length > 1 && _slots.Length > 1)
            throw new ArgumentException("Only a single client takes turns between connections.", nameof(endpoints));
    }

    /// <summary>How long a client waits that was refused, before it asks again. Default 0: at once.</summary>
    public TimeSpan PauseAfterRefusal { get; set; }

    public LatencyHistogram Latencies { get; } = new();

    public long Errors { get; private set; }

    /// <summary>Operations completed in all phases, measured or not.</summary>
    public long Completed { get; private set; }

    /// <summary>Runs until the window is over and every answer is there.</summary>
    public void Run()
    {
        for (int tag = 0; tag < _slots.Length; tag++)
            Issue(tag);
        _current.Flush();
        for (int turn = 1; _inFlight > 0 || _paused.Count > 0;)
        {
            if (_inFlight > 0)
                _current.Pump(this);
            else
                Thread.Sleep(1);
            ResumePaused();
            if (_inFlight > 0 || _connections.Length == 1 || _window.IsOver)
                continue;
            _current = _connections[turn++ % _connections.Length];
            Issue(0);
            _current.Flush();
        }
    }

    /// <summary>Lets those ask again whose pause is over; nobody, once the run is.</summary>
    private void ResumePaused()
    {
        bool any = false;
        while (_paused.TryPeek(out (int Tag, long Since) next) && (_window.IsOver || Stopwatch.GetElapsedTime(next.Since) >= PauseAfterRefusal))
        {
            _paused.Dequeue();
            if (_window.IsOver)
                continue;
            Issue(next.Tag);
            any = true;
        }
        if (any)
            _current.Flush();
    }

    private void Issue(int tag)
    {
        Slot slot = _slots[tag];
        bool keeps = slot.Client.KeepsStream;
        if (!keeps || slot.StreamId == 0)
            slot.StreamId = _current.Open(slot.Client.Path, tag);
        slot.RequestSent = Stopwatch.GetTimestamp();
        if (!slot.IsWithinOperation)
            slot.OperationBegan = slot.RequestSent;
        _current.Write(slot.StreamId, slot.Client.Next(), end: !keeps);
        slot.Verdict = LoadClient.Verdict.Wrong;
        _inFlight++;
    }

    void LoadConnection.ISink.OnMessage(int tag, ReadOnlySpan<byte> message)
    {
        Slot slot = _slots[tag];
        slot.Verdict = slot.Client.Judge(message);
        if (slot.Client.KeepsStream)
            Complete(tag, slot);
    }

    void LoadConnection.ISink.OnEnd(int tag, bool hadMessage)
    {
        Slot slot = _slots[tag];
        if (!slot.Client.KeepsStream)
            Complete(tag, slot);
        else
            throw new IOException($"The server ended a {slot.Client.Path} stream.");
    }

    private void Complete(int tag, Slot slot)
    {
        _inFlight--;
        slot.IsWithinOperation = slot.Verdict == LoadClient.Verdict.GoesOn;
        if (slot.Verdict == LoadClient.Verdict.Done)
            Completed++;
        if (!slot.IsWithinOperation && _window.IsMeasuring)
        {
            if (slot.Verdict == LoadClient.Verdict.Done)
                Latencies.Add(Stopwatch.GetElapsedTime(slot.OperationBegan));
            else
                Errors++;
        }
        if (slot.Verdict == LoadClient.Verdict.Wrong && PauseAfterRefusal > TimeSpan.Zero)
            _paused.Enqueue((tag, Stopwatch.GetTimestamp()));
        else if (_connections.Length == 1 && (!_window.IsOver || slot.IsWithinOperation))
            Issue(tag);
    }

    public void Dispose()
    {
        foreach (LoadConnection connection in _connections)
            connection.Dispose();
    }

    private sealed class Slot(LoadClient client)
    {
        public readonly LoadClient Client = client;
        public int StreamId;
        public long RequestSent, OperationBegan;
        public bool IsWithinOperation;
        public LoadClient.Verdict Verdict;
    }
}
