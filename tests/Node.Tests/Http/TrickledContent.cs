using System.Net;

namespace Conclave.Node.Tests.Http;

/// <summary>A body sent in pieces, each flushed by itself.</summary>
internal sealed class TrickledContent(byte[] bytes, int pieceBytes) : HttpContent
{
    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        foreach (byte[] piece in bytes.Chunk(pieceBytes))
        {
            await stream.WriteAsync(piece);
            await stream.FlushAsync();
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
