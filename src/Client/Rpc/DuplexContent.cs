using System.Net;

namespace Conclave.Client.Rpc;

/// <summary>Body of a streaming call: hands the request stream out and keeps it open until told that the client is done.</summary>
internal sealed class DuplexContent : HttpContent
{
    private readonly TaskCompletionSource<Stream> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public DuplexContent() => Headers.ContentType = UnaryContent.Grpc;

    /// <summary>Completes with the request stream once the request headers are on their way. May never complete: wait for the call as well.</summary>
    public Task<Stream> Opened => _opened.Task;

    /// <summary>Half-closes the call. May be called again.</summary>
    public void Finish() => _finished.TrySetResult();

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);   // else the headers wait for the first message
        _opened.TrySetResult(stream);
        await _finished.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
