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
    private const int FailedHandshakesMax = 64, StrangersMax = 64;
    private static readonly TimeSpan StrangerAgain = TimeSpan.FromMinutes(1);   // it tries once a second, for days
    private static readonly TimeSpan GreetingTimeout = TimeSpan.FromSeconds(5);

    private readonly List<(Socket Socket, bool IsTls)> _listeners = [];
    private readonly List<Task> _loops = [];
    private Func<PeerHello, PeerConnection, CancellationToken, Task>? _serve;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<NodeId, string> _refusals = [];   // the last one per member, so that it is logged once and not at every try
    private readonly ConcurrentDictionary<IPAddress, string> _failedHandshakes = [];   // the same for callers that nobody knows by name yet
    private readonly ConcurrentDictionary<(IPAddress, string), long> _strangers = [];   // the same for callers that are no members: when it was said last
    private int _connections;
    private long _refused, _refusedTls;

    /// <summary>Refused by their greeting.</summary>
    public long RefusedCount => Interlocked.Read(ref _refused);

    /// <summary>Refused because of TLS.</summary>
    public long RefusedTlsCount => Interlocked.Read(ref _refusedTls);

    /// <summary>Binds every address before the first connection is taken.</summary>
    /// <exception cref="SocketException">An address cannot be bound.</exception>
    public void Bind(IEnumerable<Uri> urls)
    {
        if (_listeners.Count > 0) return;
        var bound = new List<(Socket Socket, bool IsTls)>();
        try
        {
            BindAll(urls, bound);
        }
        catch
        {
            foreach ((Socket listener, _) in bound) listener.Dispose();
            throw;
        }

        _listeners.AddRange(bound);
        if (_serve is not null) AcceptAll(_serve);
    }

    public bool IsBound => _listeners.Count > 0;

    /// <param name="serve">Runs one accepted connection to its end; the socket is closed after it.</param>
    public void Start(Func<PeerHello, PeerConnection, CancellationToken, Task> serve)
    {
        _serve = serve;
        AcceptAll(serve);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        foreach ((Socket listener, _) in _listeners) listener.Dispose();
        await Task.WhenAll(_loops).ConfigureAwait(false);
    }

    private void AcceptAll(Func<PeerHello, PeerConnection, CancellationToken, Task> serve)
    {
        foreach ((Socket listener, bool isTls) in _listeners) _loops.Add(AcceptAsync(listener, isTls, serve));
    }

    private static void BindAll(IEnumerable<Uri> urls, List<(Socket Socket, bool IsTls)> bound)
    {
        foreach (Uri url in urls)
        {
            IPAddress address = url.HostNameType is UriHostNameType.IPv4 or UriHostNameType.IPv6
                ? IPAddress.Parse(url.DnsSafeHost)
                : Dns.GetHostAddresses(url.DnsSafeHost)[0];
            var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            bound.Add((listener, url.Scheme == "https"));
            listener.Bind(new IPEndPoint(address, url.Port));
            listener.Listen(64);
        }
    }

    private async Task AcceptAsync(Socket listener, bool isTls, Func<PeerHello, PeerConnection, CancellationToken, Task> serve)
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

            _ = GreetAndServeAsync(socket, isTls, serve);
        }
    }

    private async Task GreetAndServeAsync(Socket socket, bool isTls, Func<PeerHello, PeerConnection, CancellationToken, Task> serve)
    {
        PeerConnection? connection = null;
        try
        {
            using (socket)
            {
                PeerSocket.Prepare(socket);
                PeerHello? hello;
                string reason, insecure;
                using (var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token))
                {
                    limit.CancelAfter(GreetingTimeout);
                    (connection, insecure) = await SecureAsync(socket, isTls, limit.Token).ConfigureAwait(false);
                    if (connection is null) return;
                    (hello, reason) = await PeerHello.ReceiveAsync(connection, limit.Token).ConfigureAwait(false);
                    AdmissionReason kind = AdmissionReason.None;
                    if (insecure.Length > 0) (hello, reason) = (null, insecure);   // what it says of itself is not even looked at
                    if (hello is { } caller) (kind, reason) = gate.Judge(caller);
                    byte[] welcome = hello is not { } met || reason.Length > 0 ? PeerWelcome.Refuse(kind, reason)
                        : PeerWelcome.Accept(met.Kind == PeerConnectionKind.Introduce ? default : gate.OwnFor(met.From), met.Speaks);
                    await connection.SendAllAsync(welcome, limit.Token).ConfigureAwait(false);
                }

                if (hello is null || reason.Length > 0)
                {
                    if (insecure.Length == 0) Interlocked.Increment(ref _refused);
                    if (IsNews(hello, socket, reason)) Log.PeerRefused(logger, socket.RemoteEndPoint?.ToString() ?? "?", reason);
                    return;
                }

                _refusals.TryRemove(hello.Value.From, out _);

                await serve(hello.Value, connection, _stop.Token).ConfigureAwait(false);
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
            connection?.Dispose();
            Interlocked.Decrement(ref _connections);
        }
    }

    /// <returns>Null when no TLS came about, and why the caller is to be refused, if it is to be told.</returns>
    private async Task<(PeerConnection? Connection, string Insecure)> SecureAsync(Socket socket, bool isTls, CancellationToken cancellationToken)
    {
        string problem;
        try
        {
            (PeerConnection connection, problem) = await PeerSecurity.AcceptAsync(socket, isTls ? gate.Tls : null, cancellationToken).ConfigureAwait(false);
            if (problem.Length > 0) Interlocked.Increment(ref _refusedTls);
            return (connection, problem);
        }
        catch (EndOfStreamException)
        {
            return (null, "");   // somebody looked whether the port is open
        }
        catch (IOException e)
        {
            problem = e.Message;
        }

        Interlocked.Increment(ref _refusedTls);
        if (_failedHandshakes.Count > FailedHandshakesMax) _failedHandshakes.Clear();
        IPAddress address = (socket.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
        bool isNews = !_failedHandshakes.TryGetValue(address, out string? last) || last != problem;
        _failedHandshakes[address] = problem;
        if (isNews) Log.PeerRefused(logger, socket.RemoteEndPoint?.ToString() ?? "?", problem);
        return (null, problem);
    }

    private bool IsNews(PeerHello? hello, Socket socket, string reason)
    {
        bool isNews;
        if (hello is { } caller && gate.Members.Includes(caller.From))
        {
            isNews = !_refusals.TryGetValue(caller.From, out string? last) || last != reason;
            _refusals[caller.From] = reason;
            return isNews;
        }

        // By address and not by port: each try comes from another one.
        (IPAddress, string) stranger = ((socket.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None, reason);
        isNews = !_strangers.TryGetValue(stranger, out long said) || TimeProvider.System.GetElapsedTime(said) >= StrangerAgain;
        if (!isNews) return false;
        if (_strangers.Count >= StrangersMax) _strangers.Clear();
        _strangers[stranger] = TimeProvider.System.GetTimestamp();
        return true;
    }
}
