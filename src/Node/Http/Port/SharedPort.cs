using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Conclave.Node.Http.Limits;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Http.Port;

/// <summary>
/// One socket whose connections are sorted by their first bytes: Kestrel in .NET 10 cannot tell HTTP/2 with prior knowledge
/// from HTTP/1.1 on a cleartext port, and etcd's clients need both on the same one.
/// </summary>
/// <remarks>Nothing is consumed while sorting: the protocol's own code sees the connection from its first byte.</remarks>
internal sealed class SharedPort(IPEndPoint address, ClientListenerOptions options, ClientRefusals refusals, ILogger logger)
{
    private const int SortedConnectionsMax = 512;

    private readonly Channel<ConnectionContext> _http1 = NewQueue();
    private readonly Channel<ConnectionContext> _http2 = NewQueue();
    private readonly SemaphoreSlim _bindOnce = new(1, 1);
    private readonly SilentConnections _silent = new(options.SilentConnectionsMax, refusals, options.Time);
    private readonly CancellationTokenSource _closing = new();
    private IConnectionListener? _socket;
    private Task _accepting = Task.CompletedTask;

    /// <summary>The address asked for, and from <see cref="BindAsync"/> on the one really bound.</summary>
    public EndPoint EndPoint => _socket?.EndPoint ?? address;

    /// <summary>Opens the socket for the first protocol that asks, and gives each protocol its queue of connections.</summary>
    public async ValueTask<IConnectionListener> BindAsync(
        PortProtocol protocol, IConnectionListenerFactory sockets, CancellationToken cancellationToken)
    {
        await _bindOnce.WaitAsync(cancellationToken);
        try
        {
            if (_socket is null)
            {
                _socket = await sockets.BindAsync(address, cancellationToken);
                _accepting = AcceptAsync(_socket);
            }
        }
        finally
        {
            _bindOnce.Release();
        }

        return new SharedPortListener(this, QueueOf(protocol).Reader);
    }

    /// <summary>Stops taking connections; those not sorted yet are closed. Repeating it does nothing.</summary>
    public async ValueTask UnbindAsync()
    {
        await _closing.CancelAsync();
        if (_socket is not null)
            await _socket.UnbindAsync();
        await _accepting;
    }

    public async ValueTask DisposeAsync()
    {
        await UnbindAsync();
        if (_socket is not null)
            await _socket.DisposeAsync();
    }

    private async Task AcceptAsync(IConnectionListener socket)
    {
        while (!_closing.IsCancellationRequested)
        {
            try
            {
                await _silent.WaitAsync(_closing.Token);
                if (await socket.AcceptAsync(_closing.Token) is not { } connection)
                    break;
                _ = SortAsync(connection);
            }
            catch (OperationCanceledException) when (_closing.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                // Out of file descriptors, most likely: what is open goes on, and accepting must too.
                logger.AcceptFailed(e, EndPoint);
                await Task.Delay(TimeSpan.FromMilliseconds(100), options.Time, CancellationToken.None);
            }
        }

        _http1.Writer.TryComplete();
        _http2.Writer.TryComplete();
    }

    /// <summary>Never throws: nobody waits for it.</summary>
    private async Task SortAsync(ConnectionContext connection)
    {
        LinkedListNode<SilentConnections.Silent> silent = _silent.Add(connection);
        try
        {
            using var timeout = new CancellationTokenSource(options.FirstBytesTimeout, options.Time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _closing.Token);
            if (await PeekAsync(connection.Transport.Input, either.Token) is { } protocol)
            {
                _silent.Remove(silent);
                await QueueOf(protocol).Writer.WriteAsync(connection, either.Token);
                return;
            }

            await connection.DisposeAsync();
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ConnectionAbortedException or ChannelClosedException)
        {
            logger.UnsortedConnection(e is OperationCanceledException ? null : e, connection.RemoteEndPoint);
            connection.Abort();
            await connection.DisposeAsync();
        }
        finally
        {
            _silent.Remove(silent);
        }
    }

    /// <returns>Null when the client closed before saying enough.</returns>
    private static async ValueTask<PortProtocol?> PeekAsync(PipeReader input, CancellationToken cancellationToken)
    {
        long examined = 0;
        while (true)
        {
            ReadResult result = await input.ReadAsync(cancellationToken);
            PortProtocol? protocol = ProtocolRecognition.Recognise(result.Buffer);
            if (protocol is null && !result.IsCompleted)
            {
                examined = result.Buffer.Length;
                input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                continue;
            }

            // The examined position may not move back, and leaving bytes unexamined makes the next reader see them at once.
            input.AdvanceTo(result.Buffer.Start, result.Buffer.GetPosition(examined));
            return protocol;
        }
    }

    private Channel<ConnectionContext> QueueOf(PortProtocol protocol) => protocol == PortProtocol.Http2 ? _http2 : _http1;

    private static Channel<ConnectionContext> NewQueue() =>
        Channel.CreateBounded<ConnectionContext>(new BoundedChannelOptions(SortedConnectionsMax) { SingleReader = true });
}
