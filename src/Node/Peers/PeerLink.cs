using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Conclave.Node.Tls;
using Conclave.Raft;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Peers;

/// <summary>Keeps one outgoing connection to one member alive, and says when it comes and goes.</summary>
/// <remarks>A process that dies closes its sockets, so the end of this connection is the fastest sign of a dead member there is.</remarks>
internal sealed class PeerLink(NodeId peer, PeerGate gate, TimeSpan beatInterval, IPeerLinkHandler handler, ILogger logger)
{
    private static readonly TimeSpan DialTimeout = TimeSpan.FromSeconds(2), RetryDelayMax = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryDelayMin = TimeSpan.FromMilliseconds(20);

    private readonly CancellationTokenSource _close = new();
    private volatile PeerOutput? _output;
    private volatile Uri? _reachedAt;   // where the last connection was made
    private ImmutableArray<Uri> _saidOfItself = [];   // where its greetings say that it listens; written through ImmutableInterlocked
    private int _campaignDelay;
    private long _droppedFrames, _totalBytes, _disconnects;   // of connections that are gone
    private long _receivedBytes, _receiveFailures;   // of those that the peer made

    public NodeId Peer => peer;

    private string Name => gate.Members.NameOf(peer);

    public bool IsUp => _output is not null;

    /// <summary>What its last greeting said; see <see cref="PeerHello.CampaignDelay"/>. 0 before the first.</summary>
    public int CampaignDelay { get => Volatile.Read(ref _campaignDelay); set => Volatile.Write(ref _campaignDelay, value); }

    public long DroppedFrames => _droppedFrames + (_output?.DroppedFrames ?? 0);

    public long TotalBytes => _totalBytes + (_output?.TotalBytes ?? 0);

    /// <summary>Connections to it that ended.</summary>
    public long Disconnects => Volatile.Read(ref _disconnects);

    /// <summary>Bytes that it sent.</summary>
    public long ReceivedBytes => Interlocked.Read(ref _receivedBytes);

    /// <summary>Its connections that were closed because of what came.</summary>
    public long ReceiveFailures => Interlocked.Read(ref _receiveFailures);

    public RoundTrips RoundTrips { get; } = new(TimeProvider.System);

    public void OnReceived(int bytes) => Interlocked.Add(ref _receivedBytes, bytes);

    public void OnReceiveFailed() => Interlocked.Increment(ref _receiveFailures);

    public void Enqueue(Message message) => _output?.Enqueue(message);

    /// <returns>False when the frame was dropped.</returns>
    public bool Enqueue(PeerFrameKind kind, ulong number, byte? tag, ReadOnlySpan<byte> rest) => _output?.Enqueue(kind, number, tag, rest) ?? false;

    public void Flush() => _output?.Flush();

    /// <summary>The peer says that it listens there. The membership may lag behind that, or this node behind the membership.</summary>
    public void Suggest(ImmutableArray<Uri> urls) => ImmutableInterlocked.InterlockedExchange(ref _saidOfItself, urls);

    /// <summary>Closes the connection that there is; a new one has to be let in first.</summary>
    public void Reset() => _output?.Close();

    /// <summary>Ends <see cref="RunAsync"/>: that member is not to be talked to any more.</summary>
    public void Close() => _close.Cancel();

    public async Task RunAsync(CancellationToken stopping)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stopping, _close.Token);
        CancellationToken cancellationToken = either.Token;
        TimeSpan delay = RetryDelayMin;
        string lastProblem = "";
        for (int attempt = 0; !cancellationToken.IsCancellationRequested; attempt++)
        {
            string problem;
            try
            {
                Uri url = NextUrl(attempt);
                using PeerConnection connection = await DialAsync(url, gate.Hello(PeerConnectionKind.Messages, peer), gate, cancellationToken).ConfigureAwait(false);
                _reachedAt = url;
                (delay, lastProblem) = (RetryDelayMin, "");
                problem = await ServeAsync(connection, cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is SocketException or IOException or PeerRefusedException or ObjectDisposedException or TimeoutException)
            {
                problem = e.Message;
                if (e is PeerRefusedException { Reason: AdmissionReason.Removed, ByOther: true }) handler.OnRemoved(peer);
            }
            catch (Exception e)
            {
                // Without this loop the member would stay unreachable until the next restart, which is worse than any surprise in a dial.
                problem = e.Message;
                if (problem != lastProblem) Log.PeerDialFailed(logger, Name, peer, e);
            }

            if (problem != lastProblem) Log.PeerUnreachable(logger, Name, peer, problem);   // once per reason, not once per try
            lastProblem = problem;
            try
            {
                await Task.Delay(delay, cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            delay = delay * 2 < RetryDelayMax ? delay * 2 : RetryDelayMax;
        }
    }

    /// <summary>Opens a connection and greets; for messages here, and for one snapshot at a time elsewhere.</summary>
    /// <param name="url">Where.</param>
    /// <param name="hello">Who, whom and what for.</param>
    /// <param name="gate">Judges the other side; null when this node is nobody yet.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="tls">For https while there is no gate.</param>
    /// <exception cref="IOException">It cannot be reached, or TLS cannot be spoken with it; the message says why.</exception>
    /// <exception cref="PeerRefusedException">The other side does not want to talk to us, and said why; or we do not want to talk to it.</exception>
    /// <exception cref="TimeoutException">No answer in 2 s.</exception>
    public static async Task<PeerConnection> DialAsync(Uri url, PeerHello hello, PeerGate? gate, CancellationToken cancellationToken, TlsSide? tls = null)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(DialTimeout);
        Socket? socket = null;
        PeerConnection? connection = null;
        try
        {
            IPAddress[] addresses = await Dns.GetHostAddressesAsync(url.DnsSafeHost, limit.Token).ConfigureAwait(false);
            if (addresses.Length == 0) throw new SocketException((int)SocketError.HostNotFound);
            socket = new Socket(addresses[0].AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            PeerSocket.Prepare(socket);
            if (hello.Kind == PeerConnectionKind.Messages) PeerSocket.LimitUnacknowledged(socket);   // snapshots have a limit of their own
            await socket.ConnectAsync(new IPEndPoint(addresses[0], url.Port), limit.Token).ConfigureAwait(false);
            connection = url.Scheme == "https" ? await PeerSecurity.DialAsync(socket, url, gate?.Tls ?? tls, limit.Token).ConfigureAwait(false) : new PeerConnection(socket);
            await connection.SendAllAsync(hello.Encode(), limit.Token).ConfigureAwait(false);
            byte[] head = new byte[PeerWelcome.Bytes];
            await ReceiveExactlyAsync(connection, head, limit.Token).ConfigureAwait(false);
            PeerWelcome welcome = PeerWelcome.Decode(head);
            byte[] rest = new byte[welcome.RestBytes];
            await ReceiveExactlyAsync(connection, rest, limit.Token).ConfigureAwait(false);
            string refusal = welcome.Accepted ? "" : Encoding.UTF8.GetString(rest);
            if (refusal.Length > 0 && hello.Speaks > PeerHello.VersionOldest && PeerHello.IsRefusalOfVersion3(refusal))
            {
                connection.Dispose();
                return await DialAsync(url, hello with { Speaks = PeerHello.VersionOldest }, gate, cancellationToken, tls).ConfigureAwait(false);
            }

            if (!welcome.Accepted) throw new PeerRefusedException(welcome.Reason, $"refused: {refusal}") { ByOther = true };
            if (gate is not null && gate.Judge(hello.To, welcome.Shown(rest)) is { Words.Length: > 0 } objection) throw new PeerRefusedException(objection.Reason, objection.Words);
            gate?.Starts?.Confirm(hello.To);   // it let this start in, so it remembers it
            return connection;
        }
        catch (Exception e)
        {
            socket?.Dispose();
            connection?.Dispose();
            if (e is OperationCanceledException && !cancellationToken.IsCancellationRequested) throw new TimeoutException($"no answer from {url.Authority} in {DialTimeout.TotalSeconds} s");
            throw;
        }
    }

    public static async Task SendAllAsync(Socket socket, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (bytes.Length > 0) bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None, cancellationToken).ConfigureAwait(false)..];
    }

    public static async Task ReceiveExactlyAsync(PeerConnection connection, Memory<byte> bytes, CancellationToken cancellationToken)
    {
        while (bytes.Length > 0)
        {
            int read = await connection.ReceiveAsync(bytes, cancellationToken).ConfigureAwait(false);
            if (read == 0) throw new IOException("the connection was closed");
            bytes = bytes[read..];
        }
    }

    /// <summary>Two followers have nothing to say to each other. The other side has to know all the same that this process lives: a copy of its directory may want its place.</summary>
    private async Task BeatAsync(PeerOutput output, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(beatInterval);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
            {
                Beat(output);
                output.Flush();
            }
        }
        catch (OperationCanceledException)
        {
            // The connection has ended.
        }
    }

    private void Beat(PeerOutput output)
    {
        Span<byte> echo = stackalloc byte[RoundTrips.EchoBytes];
        ulong number = RoundTrips.Next(echo, out int echoBytes);
        output.Enqueue(PeerFrameKind.Beat, number, null, echo[..echoBytes]);
    }

    /// <summary>One connection beside the one for messages: where that one got through, else wherever the peer may listen, one address after the other.</summary>
    /// <exception cref="IOException">Nobody has said yet where it listens.</exception>
    /// <remarks>Fails like <see cref="DialAsync"/>, with the reason of the last address.</remarks>
    public async Task<PeerConnection> DialBesideAsync(PeerConnectionKind kind, CancellationToken cancellationToken)
    {
        Uri? reached = _reachedAt;
        Uri[] urls = [.. Urls().OrderBy(url => url == reached ? 0 : 1)];   // the order is kept among equals
        if (urls.Length == 0) throw NowhereKnown();
        for (int i = 0; ; i++)
        {
            try
            {
                return await DialAsync(urls[i], gate.Hello(kind, peer), gate, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (i < urls.Length - 1 && (e is SocketException or IOException or TimeoutException or PeerRefusedException))
            {
                // The next address may be reachable.
            }
        }
    }

    private Uri NextUrl(int attempt)
    {
        ImmutableArray<Uri> urls = Urls();
        return urls.IsEmpty ? throw NowhereKnown() : urls[attempt % urls.Length];
    }

    private ImmutableArray<Uri> Urls() => [.. gate.Members.UrlsOf(peer).Concat(_saidOfItself).Distinct()];

    private static IOException NowhereKnown() => new("nobody has said yet where it listens");

    private async Task<string> ServeAsync(PeerConnection connection, CancellationToken cancellationToken)
    {
        var output = new PeerOutput(connection);
        _output = output;
        handler.OnLink(peer, up: true);
        Log.PeerConnected(logger, Name, peer);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task beating = BeatAsync(output, ended.Token);
        try
        {
            // Nothing comes this way: the read ends when the other side is gone.
            int read = await connection.ReceiveAsync(new byte[1], cancellationToken).ConfigureAwait(false);
            return read == 0 ? "it closed the connection" : "it sent bytes on a one-way connection";
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            await beating.ConfigureAwait(false);
            _output = null;
            _droppedFrames += output.DroppedFrames;
            _totalBytes += output.TotalBytes;
            _disconnects++;
            handler.OnLink(peer, up: false);
        }
    }
}

/// <summary>Hears of connections to other members.</summary>
internal interface IPeerLinkHandler
{
    void OnLink(NodeId peer, bool up);

    /// <summary>That member says that this one was removed from the cluster. It only says so of removals that are committed.</summary>
    void OnRemoved(NodeId by);
}

/// <summary>One of the two members refused the greeting of the other; the message is the reason.</summary>
internal sealed class PeerRefusedException(AdmissionReason reason, string words) : Exception(words)
{
    public AdmissionReason Reason { get; } = reason;

    /// <summary>The other side refused us; else we refused it.</summary>
    public bool ByOther { get; init; }
}
