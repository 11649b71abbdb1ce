using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Net.Sockets;
using Conclave.Raft;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Peers;

/// <summary>All connections to and from the other members, whoever they are at the moment.</summary>
/// <remarks>Each pair of members has two message connections, one in each direction, and one more while a snapshot is sent.</remarks>
internal sealed class PeerTransport : IAsyncDisposable
{
    /// <summary>Links to callers that are not in the membership that this node has so far.</summary>
    private const int GuestsMax = 16;

    /// <summary>So that a connection of a process that lives is heard within each election timeout, also when one beat is late.</summary>
    private const int BeatsPerElectionTimeout = 4;

    /// <summary>Time in which a removed member may still get what it lacks, before its connections are closed and it is told why.</summary>
    private static readonly TimeSpan RemovalGrace = TimeSpan.FromSeconds(1);

    private readonly PeerGate _gate;
    private readonly TimeSpan _electionTimeout;
    private readonly ILogger _logger;
    private readonly PeerListener _listener;
    private readonly List<Task> _loops = [];   // under _changing
    private readonly CancellationTokenSource _stop = new();
    private readonly IPeerHandler _handler;
    private readonly IPeerLinkHandler _linkHandler;
    private readonly Func<PeerHello, PeerConnection, CancellationToken, Task> _onSnapshot;
    private readonly ConcurrentDictionary<NodeId, Incoming> _incoming = [];   // the newest message connection of each member
    private readonly Lock _changing = new();
    private bool _started;   // under _changing
    private Links _links = Links.None;   // written under _changing, read by all

    private sealed record Links(FrozenDictionary<NodeId, PeerLink> ById, PeerLink[] All)
    {
        public static Links None { get; } = new(FrozenDictionary<NodeId, PeerLink>.Empty, []);

        public static Links Of(IEnumerable<PeerLink> links)
        {
            PeerLink[] all = [.. links];
            return new Links(all.ToFrozenDictionary(l => l.Peer), all);
        }
    }

    private sealed class Incoming(PeerConnection connection, Guid nonce)
    {
        public long HeardAt = Stopwatch.GetTimestamp();

        public PeerConnection Connection => connection;

        public Guid Nonce => nonce;
    }

    /// <param name="gate">Who is who, and who may talk.</param>
    /// <param name="electionTimeout">A connection that was heard within it is alive; each side says something more often than that.</param>
    /// <param name="handler">Gets every frame.</param>
    /// <param name="links">Hears of connections that come and go.</param>
    /// <param name="onSnapshot">Serves a connection that brings a snapshot.</param>
    /// <param name="logger">Log of connections.</param>
    public PeerTransport(PeerGate gate, TimeSpan electionTimeout, IPeerHandler handler, IPeerLinkHandler links, Func<PeerHello, PeerConnection, CancellationToken, Task> onSnapshot, ILogger logger)
    {
        (_gate, _electionTimeout, _handler, _linkHandler, _onSnapshot, _logger) = (gate, electionTimeout, handler, links, onSnapshot, logger);
        (gate.LiveNonce, gate.HasRoomFor) = (LiveNonce, HasRoomFor);
        _listener = new PeerListener(gate, logger);
        Update();
    }

    public IReadOnlyList<PeerLink> All => Volatile.Read(ref _links).All;

    /// <summary>Connections that were refused because of TLS: not spoken, failed, or a certificate that is not let in.</summary>
    public long RefusedTlsCount => _listener.RefusedTlsCount;

    /// <summary>Connections that were refused by their greeting.</summary>
    public long RefusedCount => _listener.RefusedCount;

    /// <summary>Others can connect.</summary>
    public bool IsBound => _listener.IsBound;

    /// <summary>Does nothing when it is bound already.</summary>
    /// <exception cref="SocketException">A peer address cannot be bound.</exception>
    public void Bind(IEnumerable<Uri> urls)
    {
        lock (_changing) _listener.Bind(urls);
    }

    public void Start()
    {
        lock (_changing)
        {
            _started = true;
            // Before anybody is let in: a caller that waits already is served on this very thread, and whoever is met then gets a link that runs.
            foreach (PeerLink link in _links.All) RunUnderLock(link);
            _listener.Start(ServeAsync);
        }
    }

    /// <summary>Follows the membership: new members are dialled at once, those that are gone are left after a grace period.</summary>
    public void Update()
    {
        lock (_changing)
        {
            foreach (NodeId node in _gate.Members.Others()) AddUnderLock(node);
            foreach (PeerLink link in _links.All)
            {
                if (!IsWanted(link.Peer)) _ = CloseAfterGraceAsync(link);
            }
        }
    }

    /// <summary>Queues a message; it leaves with the next <see cref="Flush"/> at the latest.</summary>
    public void Enqueue(NodeId to, Message message)
    {
        if (Volatile.Read(ref _links).ById.TryGetValue(to, out PeerLink? link)) link.Enqueue(message);
    }

    /// <summary>Queues a frame; it leaves with the next <see cref="Flush"/> at the latest.</summary>
    /// <returns>False when it was dropped for lack of a connection or of room.</returns>
    public bool Enqueue(NodeId to, PeerFrameKind kind, ulong number, byte? tag, ReadOnlySpan<byte> rest) =>
        Volatile.Read(ref _links).ById.TryGetValue(to, out PeerLink? link) && link.Enqueue(kind, number, tag, rest);

    /// <returns>False when the frame was dropped for lack of a connection or of room.</returns>
    public bool Send(NodeId to, PeerFrameKind kind, ulong number, byte? tag, ReadOnlySpan<byte> rest)
    {
        if (!Volatile.Read(ref _links).ById.TryGetValue(to, out PeerLink? link) || !link.Enqueue(kind, number, tag, rest)) return false;
        link.Flush();
        return true;
    }

    public void Flush()
    {
        foreach (PeerLink link in Volatile.Read(ref _links).All) link.Flush();
    }

    /// <summary>Opens the extra connection that carries one snapshot.</summary>
    /// <exception cref="IOException">It is no member, or nobody has said yet where it listens.</exception>
    public Task<PeerConnection> DialForSnapshotAsync(NodeId to, CancellationToken cancellationToken) => Volatile.Read(ref _links).ById.TryGetValue(to, out PeerLink? link)
        ? link.DialBesideAsync(PeerConnectionKind.Snapshot, cancellationToken)
        : throw new IOException($"{to} is no member any more");

    /// <summary>The leader saw this member's log go back: it is not talked to any more, and its connections are closed. That is written down elsewhere: the caller leads, and must not wait for a disk.</summary>
    public void Revert(NodeId member)
    {
        _gate.RevertSoon(member);
        Disconnect(member);
        lock (_changing)
        {
            _loops.Add(Task.Run(() =>
            {
                _gate.Revert(member);
                Disconnect(member);   // it may have been let in just before
            }));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _listener.DisposeAsync().ConfigureAwait(false);
        Task[] loops;
        lock (_changing) loops = [.. _loops];
        await Task.WhenAll(loops).ConfigureAwait(false);
    }

    private bool IsWanted(NodeId node) => _gate.Members.Includes(node) || _incoming.ContainsKey(node) && !_gate.Known.IsRemoved(node);

    private PeerLink AddUnderLock(NodeId node)
    {
        if (_links.ById.TryGetValue(node, out PeerLink? known)) return known;
        var link = new PeerLink(node, _gate, _electionTimeout / BeatsPerElectionTimeout, _linkHandler, _logger);
        Volatile.Write(ref _links, Links.Of([.. _links.All, link]));
        if (_started) RunUnderLock(link);
        return link;
    }

    private void RunUnderLock(PeerLink link)
    {
        _loops.RemoveAll(loop => loop.IsCompleted);   // of links that are gone
        _loops.Add(link.RunAsync(_stop.Token));
    }

    private async Task CloseAfterGraceAsync(PeerLink link)
    {
        await Task.Delay(RemovalGrace, CancellationToken.None).ConfigureAwait(false);
        lock (_changing)
        {
            // A removal that was in force may have been taken back, and several calls may have seen the same one.
            if (IsWanted(link.Peer) || !_links.ById.ContainsKey(link.Peer)) return;
            Volatile.Write(ref _links, Links.Of(_links.All.Where(l => l != link)));
            link.Close();
        }

        Log.PeerLeft(_logger, _gate.Members.NameOf(link.Peer), link.Peer);
        Disconnect(link.Peer);
    }

    private void Disconnect(NodeId member)
    {
        if (_incoming.TryRemove(member, out Incoming? incoming)) incoming.Connection.Close();
        if (Volatile.Read(ref _links).ById.TryGetValue(member, out PeerLink? link)) link.Reset();
    }

    private bool HasRoomFor(NodeId caller)
    {
        Links links = Volatile.Read(ref _links);
        return links.ById.ContainsKey(caller) || _gate.Members.Includes(caller) || links.All.Count(l => !_gate.Members.Includes(l.Peer)) < GuestsMax;
    }

    private Guid? LiveNonce(NodeId member) =>
        _incoming.TryGetValue(member, out Incoming? incoming) && Stopwatch.GetElapsedTime(Volatile.Read(ref incoming.HeardAt)) < _electionTimeout && !IsClosed(incoming.Connection.Socket)
            ? incoming.Nonce
            : null;

    /// <summary>The end of a process arrives before its successor's greeting, but perhaps nobody has looked at it yet.</summary>
    private static bool IsClosed(Socket socket)
    {
        try
        {
            return socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return true;
        }
    }

    private async Task ServeAsync(PeerHello hello, PeerConnection connection, CancellationToken cancellationToken)
    {
        if (hello.Kind == PeerConnectionKind.Introduce)
        {
            if (Introduction.Answer(_gate.Members) is { } answer) await connection.SendAllAsync(answer, cancellationToken).ConfigureAwait(false);
            return;
        }

        if (TryMeet(hello) is not { } link) return;
        if (hello.Kind == PeerConnectionKind.Snapshot)
        {
            await _onSnapshot(hello, connection, cancellationToken).ConfigureAwait(false);
            return;
        }

        // A member dials again only when its old connection is gone on its side. Ours may be half open and would stay for seconds, one per try.
        var incoming = new Incoming(connection, hello.Credentials.BootNonce);
        Incoming? previous = null;
        _incoming.AddOrUpdate(hello.From, incoming, (_, old) =>
        {
            previous = old;
            return incoming;
        });
        previous?.Connection.Close();
        try
        {
            string? reason = await PeerReceiver.RunAsync(connection, hello.From, _handler, OnBytes, link.RoundTrips.OnBeat, cancellationToken).ConfigureAwait(false);
            if (reason is not null)
            {
                link.OnReceiveFailed();
                Log.PeerStreamEnded(_logger, hello.From, reason);
            }
        }
        finally
        {
            _incoming.TryRemove(KeyValuePair.Create(hello.From, incoming));   // unless a newer one has taken the place
            if (!_gate.Members.Includes(hello.From)) Update();   // a guest that left needs no link any more
        }

        void OnBytes(int bytes)
        {
            link.OnReceived(bytes);
            Volatile.Write(ref incoming.HeardAt, Stopwatch.GetTimestamp());
        }
    }

    /// <summary>Makes sure that there is a way back to whoever calls: this node may lack the entry that added it, or its new address.</summary>
    /// <returns>Null when there is no room for it.</returns>
    private PeerLink? TryMeet(in PeerHello hello)
    {
        ImmutableArray<Uri> urls = MemberUrls.Decode(System.Text.Encoding.UTF8.GetBytes(hello.PeerUrls));
        lock (_changing)
        {
            if (_links.ById.TryGetValue(hello.From, out PeerLink? known))
            {
                known.Suggest(urls);
                known.CampaignDelay = hello.CampaignDelay;
                return known;
            }

            if (!HasRoomFor(hello.From)) return null;   // others came at the same moment; it dials again and is told
            Log.GuestMet(_logger, hello.From, hello.PeerUrls);
            PeerLink met = AddUnderLock(hello.From);
            met.Suggest(urls);
            met.CampaignDelay = hello.CampaignDelay;
            return met;
        }
    }
}
