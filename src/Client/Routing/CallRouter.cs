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
        CallAsync(call, request, CallKind.Read, needsLeader ? LeaderMetadata : null, endpoint: null, cancellationToken);

    public ValueTask<T> WriteAsync<T>(Call<T> call, IMessage request, CancellationToken cancellationToken)
        where T : IMessage<T> =>
        CallAsync(call, request, CallKind.Write, LeaderMetadata, endpoint: null, cancellationToken);

    /// <summary>Sends a write that the cluster carries out once however often it comes: so it is repeated like a read.</summary>
    public ValueTask<T> WriteInSessionAsync<T>(Call<T> call, IMessage request, RpcMetadata session, CancellationToken cancellationToken)
        where T : IMessage<T> =>
        CallAsync(call, request, CallKind.SessionWrite, options.RequireLeader ? session.With("hasleader", "true") : session, endpoint: null, cancellationToken);

    /// <summary>Asks one member once, never another.</summary>
    public ValueTask<T> AskAsync<T>(int endpoint, Call<T> call, IMessage request, bool writes, CancellationToken cancellationToken)
        where T : IMessage<T> =>
        CallAsync(call, request, writes ? CallKind.Write : CallKind.Read, metadata: null, endpoint, cancellationToken);

    public void Dispose() => endpoints.Dispose();

    private enum CallKind
    {
        Read,
        Write,
        SessionWrite,
    }

    private RpcMetadata? LeaderMetadata => options.RequireLeader ? RpcMetadata.RequireLeader : null;

    private async ValueTask<T> CallAsync<T>(
        Call<T> call, IMessage request, CallKind kind, RpcMetadata? metadata, int? endpoint, CancellationToken cancellationToken)
        where T : IMessage<T>
    {
        cancellationToken.ThrowIfCancellationRequested();
        RequestFrame frame = RequestFrame.Of(request);
        Attempts attempts = new(endpoints, options, writes: kind == CallKind.Write, endpoint);
        bool mayHaveBeenApplied = false;
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

                mayHaveBeenApplied = kind == CallKind.SessionWrite
                    ? Certainty.MayHaveBeenAppliedInSession(failure, mayHaveBeenApplied)
                    : Certainty.MayHaveBeenApplied(failure, writes: kind == CallKind.Write);
                if (!attempts.MayRepeat(failure, out TimeSpan wait)) throw ConclaveException.Judged(failure, mayHaveBeenApplied);
                if (wait > TimeSpan.Zero) await Task.Delay(wait, options.Time, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            frame.Release();
        }
    }
}
