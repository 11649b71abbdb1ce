using System.IO.Pipelines;
using Conclave.Wire.Grpc;

namespace Conclave.Node.Http.Limits;

/// <summary>Gives up on a message that comes too slowly: somebody may want to hold what it costs for as long as possible.</summary>
/// <remarks>
/// So much has to come in each stretch of time, and the whole has a limit too: what came fast before does not count later. Costs nothing for a
/// message that is there when it is first looked at, as nearly all are.
/// </remarks>
internal struct BodyPace(ListenerServices services) : IDisposable
{
    private CancellationTokenSource? _limit;
    private long _begun;
    private long _bytesAtStretch;

    /// <summary>Waits for more of the message.</summary>
    /// <param name="input">Where it comes.</param>
    /// <param name="bytesSoFar">How much of it is here.</param>
    /// <param name="cancellationToken">Ends the wait for another reason.</param>
    /// <exception cref="OperationCanceledException">The client ended the call, or the token was cancelled.</exception>
    /// <exception cref="GrpcException">It is too slow.</exception>
    public ValueTask<ReadResult> ReadAsync(PipeReader input, long bytesSoFar, CancellationToken cancellationToken = default)
    {
        ClientListenerOptions options = services.Options;
        if (_limit is null)
        {
            (_begun, _bytesAtStretch) = (options.Time.GetTimestamp(), bytesSoFar);
            _limit = new CancellationTokenSource(Min(options.BodyGrace, options.BodyTimeMax), options.Time);
        }
        else if (bytesSoFar - _bytesAtStretch >= options.BodyBytesPerSecondMin * options.BodyGrace.TotalSeconds)
        {
            _bytesAtStretch = bytesSoFar;
            TimeSpan left = options.BodyTimeMax - options.Time.GetElapsedTime(_begun);
            _limit.CancelAfter(left > TimeSpan.Zero ? Min(options.BodyGrace, left) : TimeSpan.Zero);
        }

        return ReadAsync(services.Refusals, input, _limit.Token, cancellationToken);
    }

    public void Dispose() => _limit?.Dispose();

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static async ValueTask<ReadResult> ReadAsync(ClientRefusals refusals, PipeReader input, CancellationToken limit, CancellationToken cancellationToken)
    {
        using CancellationTokenSource? either = cancellationToken.CanBeCanceled ? CancellationTokenSource.CreateLinkedTokenSource(limit, cancellationToken) : null;
        try
        {
            return await RequestBody.ReadAsync(input, either?.Token ?? limit);
        }
        catch (OperationCanceledException e) when (e is not ClientGoneException && limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            refusals.Count(RefusalReason.SlowRequest);
            throw new GrpcException(GrpcCode.DeadlineExceeded, "the request arrived too slowly and was given up");
        }
    }
}
