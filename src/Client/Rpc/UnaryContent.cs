using System.Net;
using System.Net.Http.Headers;
using Conclave.Wire.Grpc;

namespace Conclave.Client.Rpc;

/// <summary>Body of a unary call. Writing it marks the frame as one that may have left.</summary>
internal sealed class UnaryContent : HttpContent
{
    internal static readonly MediaTypeHeaderValue Grpc = new(GrpcHeaders.ContentType);
    private readonly RequestFrame _frame;

    public UnaryContent(RequestFrame frame)
    {
        _frame = frame;
        Headers.ContentType = Grpc;
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> bytes = _frame.BeginWrite();
        try
        {
            await stream.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _frame.EndWrite();
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;   // gRPC needs no content-length, and without it each request is a header shorter.
    }
}
