using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using Conclave.Node.Http.Limits;
using Conclave.Wire.Grpc;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Conclave.Node.Http.Grpc;

/// <summary>The response side of gRPC over HTTP/2: headers, messages, trailers.</summary>
internal static class GrpcAnswer
{
    /// <summary>Up to here an answer goes out in one piece with its trailers, beyond it the connection sets the pace.</summary>
    private const int UnflushedBytesMax = 64 * 1024;

    /// <summary>With its prefix it fits into a block of the connection's memory. A larger span would come from elsewhere, where nobody counts it.</summary>
    private const int OneSpanBytesMax = ConnectionBlocks.BlockBytes - GrpcFrame.PrefixBytes;

    /// <summary>A larger one is handed over in pieces of this size: each that is taken shows that somebody reads.</summary>
    private const int PieceBytes = 64 * 1024;

    private static readonly StringValues ContentType = GrpcHeaders.ContentType;
    private static readonly StringValues Zero = "0";
    private static readonly StringValues Identity = "identity";

    public static void SetContentType(IHeaderDictionary headers) => headers.ContentType = ContentType;

    /// <summary>One message and status OK. Without a flush Kestrel sends headers, message and trailers in one packet when the handler returns.</summary>
    public static async ValueTask SendUnaryAsync(ServerCall call, IFeatureCollection features, IHttpResponseFeature response, PooledBuffer message)
    {
        SetContentType(response.Headers);
        Trailers(features)[GrpcHeaders.Status] = Zero;
        PipeWriter output = features.GetRequiredFeature<IHttpResponseBodyFeature>().Writer;
        if (message.Length <= OneSpanBytesMax && message.BlockCount == 1)
        {   // one copy into one piece of the pipe, which is the common case
            int bytes = (int)message.Length;
            Span<byte> frame = output.GetSpan(GrpcFrame.PrefixBytes + bytes);
            GrpcFrame.WritePrefix(frame, bytes);
            message.BlockAt(0).Span.CopyTo(frame[GrpcFrame.PrefixBytes..]);
            output.Advance(GrpcFrame.PrefixBytes + bytes);
            return;
        }

        GrpcFrame.WritePrefix(output.GetSpan(GrpcFrame.PrefixBytes), checked((int)message.Length));
        output.Advance(GrpcFrame.PrefixBytes);
        if (message.Length <= UnflushedBytesMax)
        {
            for (int i = 0; i < message.BlockCount; i++)
                output.Write(message.BlockAt(i).Span);
            return;
        }

        await SendBlocksAsync(call, output, message);
    }

    /// <summary>Sends what was collected, and notes what the client takes.</summary>
    public static async ValueTask SendBlocksAsync(ServerCall call, PipeWriter output, PooledBuffer message)
    {
        for (int i = 0; i < message.BlockCount; i++)
        {
            ReadOnlyMemory<byte> block = message.BlockAt(i);
            for (int at = 0; at < block.Length; at += PieceBytes)
            {
                FlushResult taken = await output.WriteAsync(block[at..Math.Min(at + PieceBytes, block.Length)]);
                if (taken.IsCompleted || taken.IsCanceled)
                    return;   // nobody is left to take the rest
                call.Taken();
            }
        }
    }

    /// <summary>A failed call without messages: one HEADERS frame.</summary>
    public static void SetTrailersOnly(IHttpResponseFeature response, in GrpcStatus status, WriteOutcome outcome = WriteOutcome.None, TimeSpan? retryAfter = null)
    {
        if (retryAfter is { } wait)
            response.Headers[GrpcHeaders.RetryPushback] = RetryHint.Milliseconds(wait);
        SetContentType(response.Headers);
        SetStatus(response.Headers, status);
        WriteOutcomes.Set(response.Headers, outcome);
        if (status.Code == GrpcCode.Unimplemented)
            response.Headers[GrpcHeaders.AcceptEncoding] = Identity; // Compressed requests end here too; this tells their sender why.
    }

    /// <summary>The end of a stream whose headers are out.</summary>
    public static void SetTrailers(IFeatureCollection features, in GrpcStatus status) => SetStatus(Trailers(features), status);

    private static void SetStatus(IHeaderDictionary headers, in GrpcStatus status)
    {
        headers[GrpcHeaders.Status] = status.IsOK ? Zero : ((int)status.Code).ToString(CultureInfo.InvariantCulture);
        if (status.Message.Length > 0)
            headers[GrpcHeaders.Message] = GrpcMessageText.Encode(status.Message);
    }

    private static IHeaderDictionary Trailers(IFeatureCollection features) =>
        features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers;
}
