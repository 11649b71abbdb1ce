using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Conclave.Node;
using Conclave.Node.Options;
using Microsoft.Extensions.Logging.Abstractions;

namespace Conclave.Fuzz.Targets;

/// <summary>A whole node in this process, alone, on free ports of loopback: cleartext and TLS for clients, and the port for members. One for all targets; it ends with the process.</summary>
internal sealed class LoopbackNode
{
    /// <summary>What a connection may take that says all it has to say and then closes its side. Far above what is used on a busy machine.</summary>
    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(30);

    private static readonly Lazy<LoopbackNode> Started = new(() => new LoopbackNode());

    private readonly HttpClient _health;
    private Exception? _fatal;
    private int _connections;

    private LoopbackNode()
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("conclave-fuzz-");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => directory.Delete(recursive: true);
        Uri clear = FreeUrl("http"), tls = FreeUrl("https"), peers = FreeUrl("http");
        (Clear, Tls, Peers) = (new IPEndPoint(IPAddress.Loopback, clear.Port), new IPEndPoint(IPAddress.Loopback, tls.Port), new IPEndPoint(IPAddress.Loopback, peers.Port));
        var options = new NodeOptions
        {
            Name = "n1",
            DataDir = Path.Combine(directory.FullName, "n1"),
            ListenClientUrls = [clear, tls],
            ListenPeerUrls = [peers],
            ClientTls = new NodeOptions().ClientTls with { Auto = true },
        };
        var node = new ConclaveNode(options, NullLoggerFactory.Instance, cause => _fatal = cause);
        node.StartAsync(CancellationToken.None).GetAwaiter().GetResult();
        _health = new HttpClient { BaseAddress = clear, Timeout = AnswerMax };
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        while (!IsHealthy() && System.Diagnostics.Stopwatch.GetElapsedTime(start) < AnswerMax) Thread.Sleep(20);
    }

    public static LoopbackNode Get() => Started.Value;

    public IPEndPoint Clear { get; }

    public IPEndPoint Tls { get; }

    public IPEndPoint Peers { get; }

    /// <summary>Why the node gave up, if it did.</summary>
    public Exception? Fatal => _fatal;

    public bool IsHealthy()
    {
        try
        {
            using HttpResponseMessage answer = _health.Send(new HttpRequestMessage(HttpMethod.Get, "/health"));
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    /// <summary>Says the bytes, closes its side, and reads until the node closes its own.</summary>
    /// <param name="port">One of the three.</param>
    /// <param name="bytes">All that is said.</param>
    /// <param name="protocol">What is agreed on by TLS; null for no TLS.</param>
    /// <returns>False when the node had not closed the connection in time.</returns>
    public bool Say(IPEndPoint port, ReadOnlySpan<byte> bytes, SslApplicationProtocol? protocol = null)
    {
        // Each connection from an address of its own: those that ended lately keep their ports for a minute.
        int number = Interlocked.Increment(ref _connections);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = (int)AnswerMax.TotalMilliseconds, SendTimeout = (int)AnswerMax.TotalMilliseconds };
        socket.Bind(new IPEndPoint(new IPAddress([127, 1, (byte)(number >> 8), (byte)number]), 0));
        try
        {
            socket.Connect(port);
            if (protocol is not { } agreed)
            {
                socket.Send(bytes);
                socket.Shutdown(SocketShutdown.Send);
                return IsClosed(buffer => socket.Receive(buffer));
            }

            using var tls = new SslStream(new NetworkStream(socket));
            tls.AuthenticateAsClient(new SslClientAuthenticationOptions { TargetHost = "localhost", RemoteCertificateValidationCallback = (_, _, _, _) => true, ApplicationProtocols = [agreed] });
            tls.Write(bytes);
            tls.ShutdownAsync().GetAwaiter().GetResult();
            socket.Shutdown(SocketShutdown.Send);
            return IsClosed(buffer => tls.Read(buffer));
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            // Closed while we still spoke, or reset: an end as well. Silence until our patience ends is not.
            return (e as SocketException ?? e.InnerException as SocketException)?.SocketErrorCode is not SocketError.TimedOut and not SocketError.WouldBlock;
        }
    }

    private static bool IsClosed(Func<byte[], int> receive)
    {
        byte[] buffer = new byte[16 << 10];
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        while (receive(buffer) > 0)
        {
            if (System.Diagnostics.Stopwatch.GetElapsedTime(start) > AnswerMax) return false;
        }

        return true;
    }

    private static Uri FreeUrl(string scheme)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return new Uri($"{scheme}://127.0.0.1:{((IPEndPoint)socket.LocalEndPoint!).Port}");   // not null: bound
    }
}
