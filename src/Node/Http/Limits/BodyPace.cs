using System.IO.Pipelines;
using Conclave.Wire.Grpc;

namespace Conclave.Node.Http.Limits;

/// <summary>Gives up on the body of a unary call that comes too slowly: somebody may want to hold what it costs for as long as possible.</summary>
/// <remarks>Costs nothing for a body that is there when it is first looked at, as nearly all are.</remarks>
internal struct BodyPace(ListenerServices services) : IDisposable
{
    private CancellationTokenSource? _limit;
    private long _begun;

    /// <summary>Waits for more of the body.</summary>
    /// <exception cref="ClientGoneException">The client ended the call.</exception>
    /// <exception cref="GrpcException">It is too slow.</exception>
    public ValueTask<ReadResult> ReadAsync(PipeReader input, long bytesSoFar)
    {
        ClientListenerOptions options = services.Options;
        if (_limit is null)
        {
            _begun = options.Time.GetTimestamp();
            _limit = new CancellationTokenSource(options.BodyGrace, options.Time);
        }
        else
        {
            TimeSpan left = options.BodyGrace + TimeSpan.FromSeconds((double)bytesSoFar / options.BodyBytesPerSecondMin) - options.Time.GetElapsedTime(_begun);
            _limit.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        }

        return ReadAsync(services.Refusals, input, _limit.Token);
    }

    public void Dispose() => _limit?.Dispose();

    private static async ValueTask<ReadResult> ReadAsync(ClientRefusals refusals, PipeReader input, CancellationToken limit)
    {
        try
        {
            return await RequestBody.ReadAsync(input, limit);
        }
        catch (OperationCanceledException e) when (e is not ClientGoneException && limit.IsCancellationRequested)
        {
            refusals.Count(RefusalReason.SlowRequest);
            throw new GrpcException(GrpcCode.DeadlineExceeded, "the request arrived too slowly and was given up");
        }
    }
}
