using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Conclave.Raft;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Peers;

/// <summary>Accepts connections from other members, checks who they are, and hands them on.</summary>
/// <param name="clusterId">The cluster.</param>
/// <param name="self">This member.</param>
/// <param name="incarnation">Of this member's data directory.</param>
/// <param name="isMember">Whether there is such another member.</param>
/// <param name="known">Judges the callers' data directories.</param>
/// <param name="logger">Log of refusals.</param>
internal sealed class PeerListener(ulong clusterId, NodeId self, Guid incarnation, Func<NodeId, bool> isMember, KnownIncarnations known, ILogger logger) : IAsyncDisposable
{
    private const int ConnectionsMax = 256;   // members have two or three each; anything near this is not a cluster
    private static readonly TimeSpan GreetingTimeout = TimeSpan.FromSeconds(5);

    private readonly List<Socket> _listeners = [];
    private readonly List<Task> _loops = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<NodeId, string> _refusals = [];   // the last one per member, so that it is logged once and not at every try
    private int _connections;

    /// <summary>Binds every address before the first connection is taken.</summary>
    /// <exception cref="SocketException">An address cannot be bound.</exception>
    public void Bind(IEnumerable<Uri> urls)
    {
        foreach (Uri url in urls)
        {
            IPAddress address = url.HostNameType is UriHostNameType.IPv4 or UriHostNameType.IPv6
                ? IPAddress.Parse(url.DnsSafeHost)
                : Dns.GetHostAddresses(url.DnsSafeHost)[0];
            var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            _listeners.Add(listener);
            listener.Bind(new IPEndPoint(address, url.Port));
            listener.Listen(64);
        }
    }

    /// <param name="serve">Runs one accepted connection to its end; the socket is closed after it.</param>
    public void Start(Func<PeerHello, Socket, CancellationToken, Task> serve)
    {
        foreach (Socket listener in _listeners) _loops.Add(AcceptAsync(listener, serve));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        foreach (Socket listener in _listeners) listener.Dispose();
        await Task.WhenAll(_loops).ConfigureAwait(false);
    }

    private async Task AcceptAsync(Socket listener, Func<PeerHello, Socket, CancellationToken, Task> serve)
    {
        while (!_stop.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await listener.AcceptAsync(_stop.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException e)
            {
                Log.PeerAcceptFailed(logger, e.Message);   // out of descriptors, for one: it may pass
                await Task.Delay(100, CancellationToken.None).ConfigureAwait(false);
                continue;
            }

            if (Interlocked.Increment(ref _connections) > ConnectionsMax)
            {
                Interlocked.Decrement(ref _connections);
                socket.Dispose();
                continue;
            }

            _ = GreetAndServeAsync(socket, serve);
        }
    }

    private async Task GreetAndServeAsync(Socket socket, Func<PeerHello, Socket, CancellationToken, Task> serve)
    {
        try
        {
            using (socket)
            {
                PeerSocket.Prepare(socket);
                PeerHello? hello;
                string reason;
                using (var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token))
                {
                    limit.CancelAfter(GreetingTimeout);
                    byte[] bytes = new byte[PeerHello.Bytes];
                    await PeerLink.ReceiveExactlyAsync(socket, bytes, limit.Token).ConfigureAwait(false);
                    hello = PeerHello.Decode(bytes, out reason);
                    if (hello is { } caller) reason = caller.Objection(clusterId, self, isMember);
                    if (hello is { } member && reason.Length == 0) reason = known.Objection(member.From, member.Incarnation);
                    await PeerLink.SendAllAsync(socket, reason.Length == 0 ? PeerWelcome.Accept(incarnation) : PeerWelcome.Refuse(reason), limit.Token).ConfigureAwait(false);
                }

                if (hello is null || reason.Length > 0)
                {
                    if (IsNews(hello, reason)) Log.PeerRefused(logger, socket.RemoteEndPoint?.ToString() ?? "?", reason);
                    return;
                }

                _refusals.TryRemove(hello.Value.From, out _);

                await serve(hello.Value, socket, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The other side went away or said nothing in time. It dials again; there is nobody to tell.
        }
        catch (Exception e)
        {
            Log.PeerConnectionFailed(logger, e);
        }
        finally
        {
            Interlocked.Decrement(ref _connections);
        }
    }

    private bool IsNews(PeerHello? hello, string reason)
    {
        if (hello is not { } caller || !isMember(caller.From)) return true;
        bool isNews = !_refusals.TryGetValue(caller.From, out string? last) || last != reason;
        _refusals[caller.From] = reason;
        return isNews;
    }
}
