using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Conclave.Node.Tests.Http;

/// <summary>A socket and just enough HTTP/1.1 to see how an answer is cut into chunks.</summary>
internal sealed class RawConnection : IDisposable
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _byte = new byte[1];

    public RawConnection(IPEndPoint endPoint) => _socket.Connect(endPoint);

    public Task SendAsync(string text) => SendAsync(Encoding.ASCII.GetBytes(text));

    public async Task SendAsync(byte[] bytes) => await _socket.SendAsync(bytes, TestContext.Current.CancellationToken);

    public Task PostAsync(string path, string body) => SendAsync($"POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {body.Length}\r\n\r\n{body}");

    /// <returns>The bytes received, fewer than asked for when the server closed the connection.</returns>
    public async Task<byte[]> ReceiveAsync(int bytes)
    {
        byte[] buffer = new byte[bytes];
        int have = 0;
        while (have < bytes)
        {
            int got = await _socket.ReceiveAsync(buffer.AsMemory(have), TestContext.Current.CancellationToken);
            if (got == 0)
                break;
            have += got;
        }

        return buffer[..have];
    }

    /// <summary>Reads up to and without the next CRLF.</summary>
    public async Task<string> ReadLineAsync()
    {
        var line = new StringBuilder();
        while (await _socket.ReceiveAsync(_byte, TestContext.Current.CancellationToken) == 1 && _byte[0] != '\n')
            line.Append((char)_byte[0]);
        return line.ToString().TrimEnd('\r');
    }

    /// <summary>The status line and the headers, each as received.</summary>
    public async Task<List<string>> ReadHeadAsync()
    {
        List<string> lines = [];
        while (await ReadLineAsync() is { Length: > 0 } line)
            lines.Add(line);
        return lines;
    }

    /// <summary>One chunk of a chunked body; empty at its end.</summary>
    public async Task<string> ReadChunkAsync()
    {
        int bytes = int.Parse(await ReadLineAsync(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        string chunk = Encoding.UTF8.GetString(await ReceiveAsync(bytes));
        Assert.Equal("", await ReadLineAsync());
        return chunk;
    }

    public void Dispose() => _socket.Dispose();
}
