using System.Collections.Concurrent;
using System.Net.Sockets;
using Conclave.Node.Options;
using Conclave.Raft;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Peers;

/// <summary>All connections to and from the other members.</summary>
/// <remarks>Each pair of members has two message connections, one in each direction, and one more while a snapshot is sent.</remarks>
internal sealed class PeerTransport : IAsyncDisposable
{
    private readonly ClusterIdentity _cluster;
    private readonly Guid _incarnation;
    private readonly ILogger _logger;
    private readonly PeerListener _listener;
    private readonly Dictionary<NodeId, PeerLink> _links = [];
    private readonly PeerLink[] _all;
    private readonly List<Task> _loops = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly IPeerHandler _handler;
    private readonly Func<PeerHello, Socket, CancellationToken, Task> _onSnapshot;
    private readonly KnownIncarnations _known;
    private readonly ConcurrentDictionary<NodeId, Socket> _incoming = [];   // the newest message connection of each member
    private long _receivedBytes;

    /// <param name="cluster">Who is who.</param>
    /// <param name="incarnation">Of this member's data directory.</param>
    /// <param name="known">Data directories that the other members came with before.</param>
    /// <param name="handler">Gets every frame.</param>
    /// <param name="links">Hears of connections that come and go.</param>
    /// <param name="onSnapshot">Serves a connection that brings a snapshot.</param>
    /// <param name="logger">Log of connections.</param>
    public PeerTransport(ClusterIdentity cluster, Guid incarnation, KnownIncarnations known, IPeerHandler handler, IPeerLinkHandler links, Func<PeerHello, Socket, CancellationToken, Task> onSnapshot, ILogger logger)
    {
        (_cluster, _incarnation, _known, _handler, _onSnapshot, _logger) = (cluster, incarnation, known, handler, onSnapshot, logger);
        foreach (ClusterMember member in cluster.Members)
        {
            if (member.Id != cluster.Self)
                _links.Add(member.Id, new PeerLink(member, Hello(PeerConnectionKind.Messages, member.Id), known, links, logger));
        }

        _all = [.. _links.Values];
        _listener = new PeerListener(cluster.ClusterId, cluster.Self, incarnation, _links.ContainsKey, known, logger);
    }

    public IReadOnlyList<PeerLink> Links => _all;

    public long ReceivedBytes => Interlocked.Read(ref _receivedBytes);

    /// <exception cref="SocketException">A peer address cannot be bound.</exception>
    public void Bind(IEnumerable<Uri> urls) => _listener.Bind(urls);

    public void Start()
    {
        _listener.Start(ServeAsync);
        foreach (PeerLink link in _all) _loops.Add(link.RunAsync(_stop.Token));
    }

    /// <summary>Queues a message; it leaves with the next <see cref="Flush"/> at the latest.</summary>
    public void Enqueue(NodeId to, Message message)
    {
        if (_links.TryGetValue(to, out PeerLink? link)) link.Enqueue(message);
    }

    /// <summary>Queues a frame; it leaves with the next <see cref="Flush"/> at the latest.</summary>
    /// <returns>False when it was dropped for lack of a connection or of room.</returns>
    public bool Enqueue(NodeId to, PeerFrameKind kind, ulong number, byte? tag, ReadOnlySpan<byte> rest) =>
        _links.TryGetValue(to, out PeerLink? link) && link.Enqueue(kind, number, tag, rest);

    /// <returns>False when the frame was dropped for lack of a connection or of room.</returns>
    public bool Send(NodeId to, PeerFrameKind kind, ulong number, byte? tag, ReadOnlySpan<byte> rest)
    {
        if (!_links.TryGetValue(to, out PeerLink? link) || !link.Enqueue(kind, number, tag, rest)) return false;
        link.Flush();
        return true;
    }

    public void Flush()
    {
        foreach (PeerLink link in _all) link.Flush();
    }

    /// <summary>Opens the extra connection that carries one snapshot.</summary>
    public Task<Socket> DialForSnapshotAsync(NodeId to, CancellationToken cancellationToken) =>
        PeerLink.DialAsync(_cluster.Members.First(m => m.Id == to).PeerUrls[0], Hello(PeerConnectionKind.Snapshot, to), _known, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _listener.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(_loops).ConfigureAwait(false);
    }

    private PeerHello Hello(PeerConnectionKind kind, NodeId to) => new(kind, _cluster.ClusterId, _cluster.Self, to, _incarnation);

    private async Task ServeAsync(PeerHello hello, Socket socket, CancellationToken cancellationToken)
    {
        if (hello.Kind == PeerConnectionKind.Snapshot)
        {
            await _onSnapshot(hello, socket, cancellationToken).ConfigureAwait(false);
            return;
        }

        // A member dials again only when its old connection is gone on its side. Ours may be half open and would stay for seconds, one per try.
        Socket? previous = null;
        _incoming.AddOrUpdate(hello.From, socket, (_, old) =>
        {
            previous = old;
            return socket;
        });
        previous?.Dispose();
        try
        {
            string? reason = await PeerReceiver.RunAsync(socket, hello.From, _handler, bytes => Interlocked.Add(ref _receivedBytes, bytes), cancellationToken).ConfigureAwait(false);
            if (reason is not null) Log.PeerStreamEnded(_logger, hello.From, reason);
        }
        finally
        {
            _incoming.TryRemove(KeyValuePair.Create(hello.From, socket));   // unless a newer one has taken the place
        }
    }
}
