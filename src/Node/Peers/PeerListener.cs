using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Conclave.Raft;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Peers;

/// <summary>Accepts connections from other members, checks who they are, and hands them on.</summary>
/// <param name="gate">Judges the callers.</param>
/// <param name="logger">Log of refusals.</param>
internal sealed class PeerListener(PeerGate gate, ILogger logger) : IAsyncDisposable
{
    private const int ConnectionsMax = 256;   // members have two or three each; anything near this is not a cluster
    private static readonly TimeSpan GreetingTimeout = TimeSpan.FromSeconds(5);

    private readonly List<Socket> _listeners = [];
    private readonly List<Task> _loops = [];
    private Func<PeerHello, Socket, CancellationToken, Task>? _serve;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<NodeId, string> _refusals = [];   // the last one per member, so that it is logged once and not at every try
    private int _connections;

    /// <summary>Binds every address before the first connection is taken.</summary>
    /// <exception cref="SocketException">An address cannot be bound.</exception>
    public void Bind(IEnumerable<Uri> urls)
    {
        if (_listeners.Count > 0) return;
        var bound = new List<Socket>();
        try
        {
            BindAll(urls, bound);
        }
        catch
        {
            foreach (Socket listener in bound) listener.Dispose();
            throw;
        }

        _listeners.AddRange(bound);
        if (_serve is not null) AcceptAll(_serve);
    }

    public bool IsBound => _listeners.Count > 0;

    /// <param name="serve">Runs one accepted connection to its end; the socket is closed after it.</param>
    public void Start(Func<PeerHello, Socket, CancellationToken, Task> serve)
    {
        _serve = serve;
        AcceptAll(serve);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        foreach (Socket listener in _listeners) listener.Dispose();
        await Task.WhenAll(_loops).ConfigureAwait(false);
    }

    private void AcceptAll(Func<PeerHello, Socket, CancellationToken, Task> serve)
    {
        foreach (Socket listener in _listeners) _loops.Add(AcceptAsync(listener, serve));
    }

    private static void BindAll(IEnumerable<Uri> urls, List<Socket> bound)
    {
        foreach (Uri url in urls)
        {
            IPAddress address = url.HostNameType is UriHostNameType.IPv4 or UriHostNameType.IPv6
                ? IPAddress.Parse(url.DnsSafeHost)
                : Dns.GetHostAddresses(url.DnsSafeHost)[0];
            var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            bound.Add(listener);
            listener.Bind(new IPEndPoint(address, url.Port));
            listener.Listen(64);
        }
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
                    (hello, reason) = await PeerHello.ReceiveAsync(socket, limit.Token).ConfigureAwait(false);
                    AdmissionReason kind = AdmissionReason.None;
                    if (hello is { } caller) (kind, reason) = gate.Judge(caller);
                    byte[] welcome = hello is not { } met || reason.Length > 0 ? PeerWelcome.Refuse(kind, reason)
                        : PeerWelcome.Accept(met.Kind == PeerConnectionKind.Introduce ? default : gate.OwnFor(met.From), met.Speaks);
                    await PeerLink.SendAllAsync(socket, welcome, limit.Token).ConfigureAwait(false);
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
        if (hello is not { } caller || !gate.Members.Includes(caller.From)) return true;
        bool isNews = !_refusals.TryGetValue(caller.From, out string? last) || last != reason;
        _refusals[caller.From] = reason;
        return isNews;
    }
}
