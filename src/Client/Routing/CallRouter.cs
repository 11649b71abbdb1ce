using System.Buffers;
using Conclave.Client.Auth;
using Conclave.Client.Rpc;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;
using Google.Protobuf;

namespace Conclave.Client.Routing;

/// <summary>Sends unary calls: picks the endpoint, keeps the time limit, repeats what may be repeated, and names what failed.</summary>
internal sealed class CallRouter : IDisposable
{
    private readonly EndpointSet _endpoints;
    private readonly ConclaveClientOptions _options;
    private readonly Login? _login;

    public CallRouter(EndpointSet endpoints, ConclaveClientOptions options)
    {
        (_endpoints, _options) = (endpoints, options);
        if (options.Credentials is { } credentials) _login = new Login(cancellationToken => AuthenticateAsync(credentials, cancellationToken));
    }

    public EndpointSet Endpoints => _endpoints;

    public ConclaveClientOptions Options => _options;

    public ValueTask<T> ReadAsync<T>(Call<T> call, IMessage request, CancellationToken cancellationToken, bool needsLeader = true)
        where T : IMessage<T> =>
        CallAsync(call, request, CallKind.Read, needsLeader ? LeaderMetadata : null, endpoint: null, cancellationToken);

    public ValueTask<T> WriteAsync<T>(Call<T> call, IMessage request, CancellationToken cancellationToken)
        where T : IMessage<T> =>
        CallAsync(call, request, CallKind.Write, LeaderMetadata, endpoint: null, cancellationToken);

    /// <summary>Sends a write that the cluster carries out once however often it comes: so it is repeated like a read.</summary>
    public ValueTask<T> WriteInSessionAsync<T>(Call<T> call, IMessage request, RpcMetadata session, CancellationToken cancellationToken)
        where T : IMessage<T> =>
        CallAsync(call, request, CallKind.SessionWrite, _options.RequireLeader ? session.With("hasleader", "true") : session, endpoint: null, cancellationToken);

    /// <summary>Asks one member once, never another.</summary>
    public ValueTask<T> AskAsync<T>(int endpoint, Call<T> call, IMessage request, bool writes, CancellationToken cancellationToken)
        where T : IMessage<T> =>
        CallAsync(call, request, writes ? CallKind.Write : CallKind.Read, metadata: null, endpoint, cancellationToken);

    /// <summary>What to send along when a stream is opened.</summary>
    /// <param name="requireLeader">Ask to be refused rather than served without a leader.</param>
    /// <param name="cancellationToken">Stops waiting for a login.</param>
    /// <exception cref="RpcException">The login got no answer.</exception>
    /// <exception cref="ConclaveException">The login was refused.</exception>
    public async ValueTask<StreamPass> PassAsync(bool requireLeader, CancellationToken cancellationToken)
    {
        RpcMetadata? metadata = requireLeader ? RpcMetadata.RequireLeader : null;
        if (_login is null) return new StreamPass(metadata, null);
        try
        {
            Login.Pass pass = await _login.GetAsync(cancellationToken).ConfigureAwait(false);
            return new StreamPass(pass.AddTo(metadata), pass);
        }
        catch (UnavailableException problem)
        {
            // For streams that go on trying whatever becomes of a connection.
            throw new RpcException(problem.Code, problem.Message, problem.Endpoint ?? _endpoints.Channels[0].Endpoint, RequestFate.NotSent, problem);
        }
    }

    /// <summary>Whether a stream was refused because its token has ended; the next one gets another.</summary>
    public bool Renews(in StreamPass used, GrpcCode code, string message)
    {
        if (used.Pass is null || !Login.IsRefusal(code, message)) return false;
        _login!.Forget(used.Pass);   // not null: it gave the pass
        return true;
    }

    public void Dispose()
    {
        _endpoints.Dispose();
        _login?.Dispose();
    }

    private enum CallKind
    {
        Read,
        Write,
        SessionWrite,
    }

    private RpcMetadata? LeaderMetadata => _options.RequireLeader ? RpcMetadata.RequireLeader : null;

    private async ValueTask<T> CallAsync<T>(
        Call<T> call, IMessage request, CallKind kind, RpcMetadata? metadata, int? endpoint, CancellationToken cancellationToken, bool isLogin = false)
        where T : IMessage<T>
    {
        cancellationToken.ThrowIfCancellationRequested();
        Login? login = isLogin ? null : _login;
        int logins = 0;
        RequestFrame frame = RequestFrame.Of(request);
        Attempts attempts = new(_endpoints, _options, writes: kind == CallKind.Write, endpoint);
        bool mayHaveBeenApplied = false;
        try
        {
            while (true)
            {
                RpcException failure;
                Login.Pass? pass = null;
                try
                {
                    if (login is not null) pass = await login.GetAsync(cancellationToken).ConfigureAwait(false);
                }
                catch (ConclaveException refused) when (mayHaveBeenApplied)
                {
                    throw new OutcomeUnknownException(refused.Code, refused.Message, refused.Endpoint, refused);   // it tells nothing of the attempt before
                }

                RpcChannel channel = attempts.Next(out TimeSpan timeLeft);
                using (CallDeadline deadline = CallDeadline.Start(timeLeft, cancellationToken))
                {
                    try
                    {
                        using RpcReply reply = await channel.CallFramedAsync(call.Method, frame, pass is null ? metadata : pass.AddTo(metadata), deadline.Token).ConfigureAwait(false);
                        attempts.Succeeded();
                        return AnswerMessage.Read(call.Parser, new ReadOnlySequence<byte>(reply.Message), channel.Endpoint);
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

                if (pass is not null && failure.Fate == RequestFate.Answered && Login.IsRefusal(failure.Code, failure.Message) && ++logins <= Login.AgainMax)
                {
                    login!.Forget(pass);   // not null: it gave the pass
                    continue;   // It was refused for who sent it, so it was not carried out.
                }

                mayHaveBeenApplied = kind == CallKind.SessionWrite
                    ? Certainty.MayHaveBeenAppliedInSession(failure, mayHaveBeenApplied)
                    : Certainty.MayHaveBeenApplied(failure, writes: kind == CallKind.Write);
                if (!attempts.MayRepeat(failure, out TimeSpan wait)) throw ConclaveException.Judged(mayHaveBeenApplied ? failure : attempts.Telling(failure), mayHaveBeenApplied);
                if (wait > TimeSpan.Zero) await Task.Delay(wait, _options.Time, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            frame.Release();
        }
    }

    private async ValueTask<string> AuthenticateAsync(Credentials credentials, CancellationToken cancellationToken)
    {
        AuthenticateRequest request = new() { Name = credentials.User, Password = credentials.Password };
        return (await CallAsync(Calls.Authenticate, request, CallKind.Read, LeaderMetadata, endpoint: null, cancellationToken, isLogin: true).ConfigureAwait(false)).Token;
    }
}

/// <summary>What a stream was opened with.</summary>
internal readonly record struct StreamPass(RpcMetadata? Metadata, Login.Pass? Pass);
