using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Conclave.Node.Tls;

namespace Conclave.Node.Peers;

/// <summary>The TLS handshake between members, and what is said when one side speaks TLS and the other does not.</summary>
internal static class PeerSecurity
{
    private const byte HandshakeRecord = 0x16;
    private const int HelloBytesMax = 16 << 10;

    public const string WantsTls = "this peer address speaks TLS, and the caller does not: write https:// in the peer URL of this member (conclave member update), and give the caller --peer-trusted-ca-file and its certificate";

    public const string WantsClear = "this peer address does not speak TLS, and the caller does: write https:// in --listen-peer-urls of this member and give it --peer-cert-file and --peer-key-file, or http:// in its peer URL";

    /// <summary>Speaks TLS as the one who calls.</summary>
    /// <param name="socket">Connected.</param>
    /// <param name="url">Its certificate has to be made out to this host.</param>
    /// <param name="tls">What to speak it with.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="IOException">The handshake failed; the message says why and what to do.</exception>
    public static async Task<PeerConnection> DialAsync(Socket socket, Uri url, TlsSide? tls, CancellationToken cancellationToken)
    {
        if (tls is null) throw new IOException("its peer URL begins with https, and this member was given nothing to speak TLS with");
        string refused = "";
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: false));
        try
        {
            await stream.AuthenticateAsClientAsync(tls.ForClient(url.DnsSafeHost, problem => refused = problem), cancellationToken).ConfigureAwait(false);
            return new PeerConnection(socket, stream);
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw new IOException(refused.Length > 0
                ? $"{refused}. Check --peer-trusted-ca-file of this member and --peer-cert-file of the other"
                : $"the TLS handshake failed ({e.Message.TrimEnd('.')}): it does not speak TLS, or not with this member. Its log says which; without TLS there, write http:// in its peer URL", e);
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Begins a connection as the one who is called.</summary>
    /// <returns>The connection, and why the caller is to be refused: empty when nothing speaks against it so far.</returns>
    /// <exception cref="EndOfStreamException">The caller left without a word.</exception>
    /// <exception cref="IOException">The handshake failed; the message says why.</exception>
    public static async Task<(PeerConnection Connection, string Refusal)> AcceptAsync(Socket socket, TlsSide? tls, CancellationToken cancellationToken)
    {
        byte[] first = new byte[1];
        if (await socket.ReceiveAsync(first, SocketFlags.Peek, cancellationToken).ConfigureAwait(false) == 0) throw new EndOfStreamException();
        bool speaksTls = first[0] == HandshakeRecord;
        if (!speaksTls) return (new PeerConnection(socket), tls is null ? "" : WantsTls);
        if (tls is null)
        {
            // Its hello is taken from the socket: what is closed with bytes unread is reset, and the answer in the clear would be lost.
            await socket.ReceiveAsync(new byte[HelloBytesMax], SocketFlags.None, cancellationToken).ConfigureAwait(false);
            await PeerLink.SendAllAsync(socket, PeerWelcome.Refuse(Raft.AdmissionReason.None, WantsClear), cancellationToken).ConfigureAwait(false);
            throw new IOException(WantsClear);
        }

        string refused = "";
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: false));
        try
        {
            // A certificate that is not let in does not end the handshake: over it the caller is told why, and then nothing else.
            await stream.AuthenticateAsServerAsync(tls.ForServer(problem =>
            {
                refused = problem;
                return true;
            }), cancellationToken).ConfigureAwait(false);
            return (new PeerConnection(socket, stream), refused);
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw new IOException($"the TLS handshake failed ({e.Message.TrimEnd('.')}); the log of the caller says more", e);
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
