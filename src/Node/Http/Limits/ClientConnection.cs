using Microsoft.AspNetCore.Connections;

namespace Conclave.Node.Http.Limits;

/// <summary>A connection as the limits see it: whose it is, and what is going on over it. A feature of the connection.</summary>
internal sealed class ClientConnection(ClientShare share, ConnectionMemory memory, ConnectionContext connection, long openedAt)
{
    /// <summary>A request object that Kestrel has let go of is forgotten when there are so many more than at the last look.</summary>
    private const int PruneStep = 64;

    private readonly Lock _gate = new();
    private readonly List<WeakReference<RequestState>> _states = [];   // under _gate, as is the next
    private int _pruneAt = PruneStep;
    private long _lastUsed = openedAt;

    /// <summary>Of its address.</summary>
    public ClientShare Share => share;

    /// <summary>What is on its way over it.</summary>
    public ConnectionMemory Memory => memory;

    /// <summary>A new request object of Kestrel's; it serves one request after the other, of this connection only.</summary>
    public void Add(RequestState state)
    {
        lock (_gate)
        {
            _states.Add(new WeakReference<RequestState>(state));
            if (_states.Count < _pruneAt) return;
            _states.RemoveAll(known => !known.TryGetTarget(out _));
            _pruneAt = 2 * _states.Count + PruneStep;
        }
    }

    /// <summary>A call of it has ended. Kept here, since Kestrel lets go of request objects that rest for some seconds.</summary>
    /// <param name="at">Time stamp.</param>
    public void Used(long at) => Volatile.Write(ref _lastUsed, at);

    /// <summary>Ends the calls whose answer has been ready since before a time stamp, and whose client has taken nothing of it since.</summary>
    /// <returns>How many there were.</returns>
    public int EndUnread(long before)
    {
        int ended = 0;
        foreach (RequestState state in States())
        {
            if (state.TryEndUnread(before)) ended++;
        }

        return ended;
    }

    /// <summary>Time stamp of the end of its last call; of its beginning when there was none; null while there is a call.</summary>
    public long? IdleSince()
    {
        return States().Exists(state => state.IsBusy) ? null : Volatile.Read(ref _lastUsed);
    }

    /// <summary>Who it is.</summary>
    public System.Net.EndPoint? Peer => connection.RemoteEndPoint;

    public void Abort(string why) => connection.Abort(new ConnectionAbortedException(why));

    private List<RequestState> States()
    {
        var states = new List<RequestState>();
        lock (_gate)
        {
            foreach (WeakReference<RequestState> known in _states)
            {
                if (known.TryGetTarget(out RequestState? state)) states.Add(state);
            }
        }

        return states;
    }
}
