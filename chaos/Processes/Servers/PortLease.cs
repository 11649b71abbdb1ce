using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Conclave.Processes.Servers;

/// <summary>Loopback ports that nobody else takes for as long as the lease lives, also across test processes.</summary>
/// <remarks>
/// They come from below the range the kernel gives to outgoing connections: a server that is killed and started
/// again would otherwise find its port in use by some client. <c>CONCLAVE_TEST_PORTS=first-last</c> moves the range.
/// </remarks>
public sealed class PortLease : IDisposable
{
    private const int FirstDefault = 24400, LastDefault = 24999;
    private readonly List<FileStream> _locks = [];

    private PortLease() { }

    /// <summary>The ports, as many as were asked for.</summary>
    public List<int> Ports { get; } = [];

    /// <exception cref="InvalidOperationException">The range has too few free ports.</exception>
    public static PortLease Take(int count)
    {
        var lease = new PortLease();
        try
        {
            lease.TakeMore(count);
            return lease;
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    /// <summary>Adds ports to the lease, at the end of <see cref="Ports"/>.</summary>
    /// <exception cref="InvalidOperationException">The range has too few free ports.</exception>
    public void TakeMore(int count)
    {
        (int first, int last) = Range();
        string directory = Path.Combine(Path.GetTempPath(), "conclave-ports");
        Directory.CreateDirectory(directory);
        // Different processes begin at different places, so they seldom try the same port.
        int offset = Environment.ProcessId * 17 % (last - first + 1), target = Ports.Count + count;
        for (int i = 0; i <= last - first && Ports.Count < target; i++)
            TryTake(first + ((offset + i) % (last - first + 1)), directory);
        if (Ports.Count == target)
            return;
        throw new InvalidOperationException($"Fewer than {count} free ports in {first}-{last}. Stop what listens there, or set CONCLAVE_TEST_PORTS=first-last.");
    }

    private void TryTake(int port, string directory)
    {
        FileStream? held = null;
        try
        {
            held = new FileStream(Path.Combine(directory, port.ToString(CultureInfo.InvariantCulture)), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
        }
        catch (Exception e) when (e is IOException or SocketException or UnauthorizedAccessException)
        {
            held?.Dispose();    // somebody has it: the next one will do
            return;
        }
        _locks.Add(held);
        Ports.Add(port);
    }

    private static (int First, int Last) Range()
    {
        string[] parts = (Environment.GetEnvironmentVariable("CONCLAVE_TEST_PORTS") ?? "").Split('-');
        return parts.Length == 2
            ? (int.Parse(parts[0], CultureInfo.InvariantCulture), int.Parse(parts[1], CultureInfo.InvariantCulture))
            : (FirstDefault, LastDefault);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (FileStream held in _locks)
            held.Dispose();
        _locks.Clear();
    }
}
