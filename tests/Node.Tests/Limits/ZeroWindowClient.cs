using System.Net;
using Conclave.Node.Tests.Http;
using Conclave.Node.Tests.Http.Port;

namespace Conclave.Node.Tests.Limits;

/// <summary>A gRPC client that asks and takes nothing: it gives its streams a window of no bytes.</summary>
internal sealed class ZeroWindowClient : IDisposable
{
    private const byte Data = 0, Settings = 4;

    private readonly RawConnection _connection;
    private int _next = 1;

    private ZeroWindowClient(RawConnection connection) => _connection = connection;

    public static async Task<ZeroWindowClient> ConnectAsync(IPEndPoint endPoint)
    {
        var connection = new RawConnection(endPoint);
        await connection.SendAsync(Http2Bytes.Preface);
        await connection.SendAsync(Http2Bytes.Frame(Settings, 0, 0, [0, 4, 0, 0, 0, 0]));   // SETTINGS_INITIAL_WINDOW_SIZE = 0
        return new ZeroWindowClient(connection);
    }

    /// <param name="path">gRPC method.</param>
    /// <param name="message">The only message.</param>
    /// <param name="end">Whether the request ends with it.</param>
    public async Task CallAsync(string path, byte[] message, bool end = true)
    {
        int id = _next;
        _next += 2;
        byte[] post = [0x83, 0x86], block = [.. post, .. Http2Bytes.Literal(4, path, huffman: false), .. Http2Bytes.Authority("a", huffman: false), .. Http2Bytes.Literal(31, "application/grpc", huffman: false)];
        await _connection.SendAsync(Http2Bytes.HeadersFrame(block, id, Http2Bytes.EndHeaders));
        await _connection.SendAsync(Http2Bytes.Frame(Data, end ? Http2Bytes.EndStream : (byte)0, id, GrpcTestClient.Frame(message)));
    }

    public void Dispose() => _connection.Dispose();
}
