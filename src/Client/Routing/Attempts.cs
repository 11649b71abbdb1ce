using Conclave.Client.Rpc;
using Conclave.Wire.Grpc;

namespace Conclave.Client.Routing;

/// <summary>The attempts of one call: where the next one goes, how long it may take, and whether there is one.</summary>
/// <param name="endpoints">All endpoints.</param>
/// <param name="options">Time limits.</param>
/// <param name="writes">Whether carrying the request out twice could do harm.</param>
/// <param name="only">The one endpoint to ask, and to ask once; null for any.</param>
internal struct Attempts(EndpointSet endpoints, ConclaveClientOptions options, bool writes, int? only)
{
    // A member that hangs must not eat the whole time of a read that another member could answer.
    private static readonly TimeSpan ReadAttemptMax = TimeSpan.FromSeconds(3);
    private readonly long _started = options.Time.GetTimestamp();
    private Backoff _backoff = Backoff.ForCalls;
    private long? _firstFailure;
    private RpcException? _last, _lastAnswer;
    private int _endpoint;

    public RpcChannel Next(out TimeSpan timeLeft)
    {
        _endpoint = only ?? endpoints.Pick();
        timeLeft = TimeLeft;
        if (timeLeft < TimeSpan.Zero) timeLeft = TimeSpan.Zero;   // a wait took longer than it was meant to; a negative time is none that a timer takes
        bool hasAlternative = only is null && endpoints.Channels.Length > 1;
        if (!writes && hasAlternative && timeLeft > ReadAttemptMax) timeLeft = ReadAttemptMax;
        return endpoints.Channels[_endpoint];
    }

    public readonly void Succeeded() => endpoints.Succeeded(_endpoint);

    /// <summary>The failure of an attempt that was given up after <paramref name="timeout"/>.</summary>
    public readonly RpcException TimedOut(TimeSpan timeout, bool mayHaveLeft)
    {
        Uri endpoint = endpoints.Channels[_endpoint].Endpoint;
        // An attempt that got no further than connecting knows less about what is wrong than the one before it.
        if (!mayHaveLeft && _last is not null) return _last;
        string what = mayHaveLeft ? "did not answer" : "could not be reached";
        return new RpcException(GrpcCode.DeadlineExceeded, $"{endpoint.Authority} {what} within {timeout.TotalSeconds:0.###} s.", endpoint,
            mayHaveLeft ? RequestFate.Unanswered : RequestFate.NotSent);
    }

    /// <summary>Whether to try again after <paramref name="wait"/>.</summary>
    public bool MayRepeat(RpcException failure, out TimeSpan wait)
    {
        wait = TimeSpan.Zero;
        if (failure.Code is GrpcCode.Unavailable or GrpcCode.DeadlineExceeded) endpoints.Failed(_endpoint);
        _firstFailure ??= options.Time.GetTimestamp();
        _last = failure;
        if (failure.Fate == RequestFate.Answered) _lastAnswer = failure;
        if (only is not null || !Certainty.MayRepeat(failure, writes)) return false;
        if (endpoints.AllCoolingDown) wait = _backoff.Next(Random.Shared.NextDouble());
        if (failure.RetryAfter is { } hint && hint > wait) wait = hint;
        return wait < TimeLeft && options.Time.GetElapsedTime(_firstFailure.Value) + wait < options.RetryPatience;
    }

    /// <summary>The failure to report when <paramref name="last"/> ends the call: what a member said tells more than that another one could not be reached.</summary>
    /// <remarks>Both mean that nothing happened, or the call would not have been repeated.</remarks>
    public readonly RpcException Telling(RpcException last) => last.Fate == RequestFate.NotSent && _lastAnswer is not null ? _lastAnswer : last;

    private readonly TimeSpan TimeLeft => options.RequestTimeout - options.Time.GetElapsedTime(_started);
}
