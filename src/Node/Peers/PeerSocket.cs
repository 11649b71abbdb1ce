using System.Net.Sockets;

namespace Conclave.Node.Peers;

/// <summary>What every connection between members asks of TCP, so that a dead one ends in seconds and not in a quarter of an hour.</summary>
internal static class PeerSocket
{
    private const int KeepAliveIdleSeconds = 5, KeepAliveIntervalSeconds = 1, KeepAliveProbes = 3;
    private const int UnacknowledgedMillisecondsMax = 5_000;

    /// <summary>A silent connection is probed: a host that vanished without a word is noticed after 8 s.</summary>
    public static void Prepare(Socket socket)
    {
        socket.NoDelay = true;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, KeepAliveIdleSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, KeepAliveIntervalSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, KeepAliveProbes);
    }

    /// <summary>Bytes that nobody acknowledges for 5 s end the connection. Keep-alive does not see this: it only probes where nothing is under way.</summary>
    /// <remarks>Linux counts a full receive window likewise: a member that reads nothing for 5 s, stuck in a sync, is dialled anew.</remarks>
    public static void LimitUnacknowledged(Socket socket)
    {
        const int ProtocolTcp = 6, TcpUserTimeout = 18;   // Linux's numbers; elsewhere 18 may mean something else
        if (OperatingSystem.IsLinux()) socket.SetRawSocketOption(ProtocolTcp, TcpUserTimeout, BitConverter.GetBytes(UnacknowledgedMillisecondsMax));
    }
}
