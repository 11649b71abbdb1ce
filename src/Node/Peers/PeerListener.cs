using System.Net;
using System.Net.Sockets;
using Conclave.Raft;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Peers;

/// <summary>Accepts connections from other members, checks who they are, and hands them on.</summary>
internal sealed class PeerListener(ulong clusterId, NodeId self, Func<NodeId, bool> isMember, ILogger logger) : IAsyncDisposable
{
    private const int ConnectionsMax = 256;   // members have two or three each; anything near this is not a cluster
    private static readonly TimeSpan GreetingTimeout = TimeSpan.FromSeconds(5);

    private readonly List<Socket> _listeners = [];
    private readonly List<Task> _loops = [];
    private readonly CancellationTokenSource _stop = new();
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
                socket.NoDelay = true;
                PeerHello? hello;
                string reason;
                using (var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token))
                {
                    limit.CancelAfter(GreetingTimeout);
                    byte[] bytes = new byte[PeerHello.Bytes];
                    await PeerLink.ReceiveExactlyAsync(socket, bytes, limit.Token).ConfigureAwait(false);
                    hello = PeerHello.Decode(bytes, out reason);
                    if (hello is { } caller) reason = caller.Objection(clusterId, self, isMember);
                    await PeerLink.SendAllAsync(socket, PeerHello.Welcome(reason), limit.Token).ConfigureAwait(false);
                }

                if (hello is null || reason.Length > 0)
                {
                    Log.PeerRefused(logger, socket.RemoteEndPoint?.ToString() ?? "?", reason);
                    return;
                }

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
}
