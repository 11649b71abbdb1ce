using System.Net;
using System.Net.Http.Headers;
using Conclave.Wire.Grpc;

namespace Conclave.Client.Rpc;

/// <summary>Body of a unary call, which also remembers whether any of it may have left.</summary>
internal sealed class UnaryContent : HttpContent
{
    internal static readonly MediaTypeHeaderValue Grpc = new(GrpcHeaders.ContentType);
    private readonly RequestFrame _frame;

    public UnaryContent(RequestFrame frame)
    {
        _frame = frame;
        Headers.ContentType = Grpc;
    }

    /// <summary>False: not a byte of the message was handed to the connection, so no server can have acted on it.</summary>
    public bool MayHaveLeft { get; private set; }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        MayHaveLeft = true;
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
