using System.Runtime.CompilerServices;
using Conclave.Client.Auth;
using Conclave.Client.Routing;
using Conclave.Client.Rpc;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;

namespace Conclave.Client.Watching;

/// <summary>One watch: keeps a stream open to some endpoint and feeds what comes into its position.</summary>
internal sealed class Watch : IAsyncDisposable
{
    // A server acknowledges a watch before anything else, so one that stays silent here hangs.
    private static readonly TimeSpan AcknowledgeTimeout = TimeSpan.FromSeconds(5);
    private readonly CallRouter _router;
    private readonly WatchOptions _options;
    private readonly WatchPosition _position;
    private Backoff _backoff = Backoff.ForStreams;
    private RpcStream? _stream;
    private StreamPass _pass;
    private int _logins;
    private int _endpoint;
    private long? _firstFailure;

    private Watch(CallRouter router, KeyRange range, WatchOptions options)
    {
        (_router, _options) = (router, options);
        _position = new WatchPosition(range, options);
    }

    public static async IAsyncEnumerable<WatchUpdate> RunAsync(
        CallRouter router, KeyRange range, WatchOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using Watch watch = new(router, range, options);
        while (true) yield return await watch.NextAsync(cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        if (_stream is not null) await _stream.DisposeAsync().ConfigureAwait(false);
        _stream = null;
    }

    private async ValueTask<WatchUpdate> NextAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                WatchResponse response = _stream is null
                    ? await OpenAsync(cancellationToken).ConfigureAwait(false)
                    : await ReadAsync(cancellationToken).ConfigureAwait(false);
                if (_position.Accept(response) is { } update) return update;
            }
            catch (ConclaveException refused) when (_logins < Login.AgainMax && _router.Renews(_pass, refused.Code, refused.Message))
            {
                _logins++;
                await DisposeAsync().ConfigureAwait(false);
            }
            catch (RpcException failure)
            {
                await RecoverAsync(failure, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Opens a stream, asks for the watch, and returns the server's first word.</summary>
    private async ValueTask<WatchResponse> OpenAsync(CancellationToken cancellationToken)
    {
        _endpoint = _router.Endpoints.Pick();
        RpcChannel channel = _router.Endpoints.Channels[_endpoint];
        _pass = await _router.PassAsync(_router.Options.RequireLeader, cancellationToken).ConfigureAwait(false);
        using CallDeadline deadline = CallDeadline.Start(AcknowledgeTimeout, cancellationToken);
        try
        {
            // The stream outlives the deadline, so it gets the caller's token; what happens to it now gets the deadline's.
            _stream = await channel.OpenAsync(Methods.Watch, _pass.Metadata, cancellationToken).ConfigureAwait(false);
            await _stream.AskAsync(RequestFrame.Of(_position.Request()), deadline.Token).ConfigureAwait(false);
            WatchResponse first = await ReadAsync(deadline.Token).ConfigureAwait(false);
            _router.Endpoints.Succeeded(_endpoint);
            _backoff.Reset();
            _firstFailure = null;
            if (!first.Canceled) _logins = 0;
            return first;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new RpcException(GrpcCode.Unavailable,
                $"{channel.Endpoint.Authority} did not take the watch within {AcknowledgeTimeout.TotalSeconds} s.", channel.Endpoint, RequestFate.Unanswered);
        }
    }

    private async ValueTask<WatchResponse> ReadAsync(CancellationToken cancellationToken)
    {
        RpcStream stream = _stream!;   // both callers have just set or checked it
        Uri endpoint = _router.Endpoints.Channels[_endpoint].Endpoint;
        if (await stream.ReadAsync(cancellationToken).ConfigureAwait(false)) return AnswerMessage.Read(WatchResponse.Parser, stream.Message, endpoint);
        throw new RpcException(GrpcCode.Unavailable, $"{endpoint.Authority} ended the watch.", endpoint, RequestFate.Unanswered);
    }

    private async ValueTask RecoverAsync(RpcException failure, CancellationToken cancellationToken)
    {
        await DisposeAsync().ConfigureAwait(false);
        _router.Endpoints.Failed(_endpoint);
        // Like etcd's own client: these two mean "come again", everything else the server says is final.
        bool isPassing = failure.Fate != RequestFate.Answered || failure.Code is GrpcCode.Unavailable or GrpcCode.Internal;
        ConclaveException error = ConclaveException.Of(failure, writes: false);
        if (!isPassing) throw error;
        bool isFirst = _firstFailure is null;
        _firstFailure ??= _router.Options.Time.GetTimestamp();
        if (!_position.Started && _router.Options.Time.GetElapsedTime(_firstFailure.Value) >= _router.Options.RetryPatience) throw error;
        if (isFirst && _position.Started) _options.Interrupted?.Invoke(error);
        if (_router.Endpoints.AllCoolingDown)
            await Task.Delay(_backoff.Next(Random.Shared.NextDouble()), _router.Options.Time, cancellationToken).ConfigureAwait(false);
    }
}
