using Conclave.Client.Rpc;
using Google.Protobuf;

namespace Conclave.Client.Routing;

/// <summary>Sends unary calls: picks the endpoint, keeps the time limit, repeats what may be repeated, and names what failed.</summary>
internal sealed class CallRouter(EndpointSet endpoints, ConclaveClientOptions options) : IDisposable
{
    public EndpointSet Endpoints => endpoints;

    public ConclaveClientOptions Options => options;

    public ValueTask<T> ReadAsync<T>(Call<T> call, IMessage request, CancellationToken cancellationToken, bool needsLeader = true)
        where T : IMessage<T> =>
        CallAsync(call, request, writes: false, needsLeader ? LeaderMetadata : null, endpoint: null, cancellationToken);

    public ValueTask<T> WriteAsync<T>(Call<T> call, IMessage request, CancellationToken cancellationToken)
        where T : IMessage<T> =>
        CallAsync(call, request, writes: true, LeaderMetadata, endpoint: null, cancellationToken);

    /// <summary>Asks one member once, never another.</summary>
    public ValueTask<T> AskAsync<T>(int endpoint, Call<T> call, IMessage request, bool writes, CancellationToken cancellationToken)
        where T : IMessage<T> =>
        CallAsync(call, request, writes, metadata: null, endpoint, cancellationToken);

    public void Dispose() => endpoints.Dispose();

    private RpcMetadata? LeaderMetadata => options.RequireLeader ? RpcMetadata.RequireLeader : null;

    private async ValueTask<T> CallAsync<T>(
        Call<T> call, IMessage request, bool writes, RpcMetadata? metadata, int? endpoint, CancellationToken cancellationToken)
        where T : IMessage<T>
    {
        cancellationToken.ThrowIfCancellationRequested();
        RequestFrame frame = RequestFrame.Of(request);
        Attempts attempts = new(endpoints, options, writes, endpoint);
        try
        {
            while (true)
            {
                RpcException failure;
                RpcChannel channel = attempts.Next(out TimeSpan timeLeft);
                using (CallDeadline deadline = CallDeadline.Start(timeLeft, cancellationToken))
                {
                    try
                    {
                        using RpcReply reply = await channel.CallFramedAsync(call.Method, frame, metadata, deadline.Token).ConfigureAwait(false);
                        attempts.Succeeded();
                        return call.Parser.ParseFrom(reply.Message.Span);
                    }
                    catch (RpcException e)
                    {
                        failure = e;
                    }
                    catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
                    {
                        failure = attempts.TimedOut(timeLeft, frame.MayHaveLeft);
                    }
                }

                if (!attempts.MayRepeat(failure, out TimeSpan wait)) throw ConclaveException.Of(failure, writes);
                if (wait > TimeSpan.Zero) await Task.Delay(wait, options.Time, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            frame.Release();
        }
    }
}
