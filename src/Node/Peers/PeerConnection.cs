using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace Conclave.Node.Peers;

/// <summary>One connection between members: a socket, and TLS over it where the peer URL begins with https.</summary>
/// <remarks>One may read and one may write at the same time. <see cref="Close"/> may come from any thread; <see cref="Dispose"/> is for the owner.</remarks>
internal sealed class PeerConnection(Socket socket, SslStream? tls = null) : IDisposable
{
    /// <summary>For its options and its state; bytes go through this object.</summary>
    public Socket Socket => socket;

    /// <summary>Null when the connection is not encrypted.</summary>
    public SslStream? Tls => tls;

    public EndPoint? RemoteEndPoint => socket.RemoteEndPoint;

    /// <returns>How many bytes came, at least one; 0 when the other side has closed.</returns>
    public ValueTask<int> ReceiveAsync(Memory<byte> bytes, CancellationToken cancellationToken) =>
        tls is null ? socket.ReceiveAsync(bytes, SocketFlags.None, cancellationToken) : tls.ReadAsync(bytes, cancellationToken);

    public async Task SendAllAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        if (tls is null) await PeerLink.SendAllAsync(socket, bytes, cancellationToken).ConfigureAwait(false);
        else await tls.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends it under whoever uses it.</summary>
    public void Close() => socket.Dispose();

    public void Dispose()
    {
        socket.Dispose();
        tls?.Dispose();
    }
}
