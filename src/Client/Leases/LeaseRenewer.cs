using Conclave.Client.Auth;
using Conclave.Client.Routing;
using Conclave.Client.Rpc;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;

namespace Conclave.Client.Leases;

/// <summary>Renews one lease over a stream that it keeps open, and opens again elsewhere when it fails.</summary>
internal sealed class LeaseRenewer(CallRouter router, long id) : IAsyncDisposable
{
    private static readonly TimeSpan AttemptMax = TimeSpan.FromSeconds(3);
    private RpcStream? _stream;
    private StreamPass _pass;
    private int _endpoint;

    /// <param name="patience">How long to go on trying.</param>
    /// <param name="cancellationToken">Gives up; the renewal may still happen.</param>
    /// <returns>Null: the lease is gone.</returns>
    /// <exception cref="UnavailableException">No answer in that time.</exception>
    public async ValueTask<LeaseRenewal?> RenewAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        TimeProvider time = router.Options.Time;
        long started = time.GetTimestamp();
        Backoff backoff = Backoff.ForCalls;
        int logins = 0;
        while (true)
        {
            TimeSpan left = patience - time.GetElapsedTime(started);
            try
            {
                return await AttemptAsync(left < AttemptMax ? left : AttemptMax, cancellationToken).ConfigureAwait(false);
            }
            catch (RpcException failure)
            {
                await DisposeAsync().ConfigureAwait(false);
                if (failure.Fate == RequestFate.Answered && router.Renews(_pass, failure.Code, failure.Message) && ++logins <= Login.AgainMax) continue;
                router.Endpoints.Failed(_endpoint);
                TimeSpan wait = router.Endpoints.AllCoolingDown ? backoff.Next(Random.Shared.NextDouble()) : TimeSpan.Zero;
                bool isPassing = failure.Fate != RequestFate.Answered || failure.Code is GrpcCode.Unavailable or GrpcCode.Internal;
                if (!isPassing || time.GetElapsedTime(started) + wait >= patience) throw ConclaveException.Of(failure, writes: false);
                if (wait > TimeSpan.Zero) await Task.Delay(wait, time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_stream is not null) await _stream.DisposeAsync().ConfigureAwait(false);
        _stream = null;
    }

    private async ValueTask<LeaseRenewal?> AttemptAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        using CallDeadline deadline = CallDeadline.Start(timeout > TimeSpan.Zero ? timeout : TimeSpan.Zero, cancellationToken);
        try
        {
            if (_stream is null)
            {
                _endpoint = router.Endpoints.Pick();
                RpcChannel channel = router.Endpoints.Channels[_endpoint];
                _pass = await router.PassAsync(requireLeader: true, deadline.Token).ConfigureAwait(false);
                _stream = await channel.OpenAsync(Methods.LeaseKeepAlive, _pass.Metadata, cancellationToken).ConfigureAwait(false);
            }

            await _stream.AskAsync(RequestFrame.Of(new LeaseKeepAliveRequest { ID = id }), deadline.Token).ConfigureAwait(false);
            if (!await _stream.ReadAsync(deadline.Token).ConfigureAwait(false)) throw Failure("ended the renewals.");
            LeaseKeepAliveResponse answer = AnswerMessage.Read(LeaseKeepAliveResponse.Parser, _stream.Message, router.Endpoints.Channels[_endpoint].Endpoint);
            router.Endpoints.Succeeded(_endpoint);
            return answer.TTL > 0 ? new LeaseRenewal(id, TimeSpan.FromSeconds(answer.TTL), ResponseHeader.Of(answer.Header)) : null;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await DisposeAsync().ConfigureAwait(false);   // an answer that is still under way would be taken for the next one's
            throw;
        }
        catch (OperationCanceledException)
        {
            throw Failure($"did not renew the lease within {timeout.TotalSeconds:0.###} s.");
        }
    }

    private RpcException Failure(string what)
    {
        Uri endpoint = router.Endpoints.Channels[_endpoint].Endpoint;
        return new RpcException(GrpcCode.Unavailable, $"{endpoint.Authority} {what}", endpoint, RequestFate.Unanswered);
    }
}
