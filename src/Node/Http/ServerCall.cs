using System.Diagnostics.CodeAnalysis;
using System.Net;
using Conclave.Node.Http.Limits;
using Conclave.Node.Http.Port;
using Conclave.Wire.Grpc;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Conclave.Node.Http;

/// <summary>A call as the listener sees it. Everything that costs is made on first use, because most calls never wait.</summary>
internal sealed class ServerCall : RpcContext
{
    private readonly ListenerServices _services;
    private readonly IFeatureCollection _features;
    private readonly RequestState _state;
    private readonly IHeaderDictionary _headers;
    private readonly TimeSpan? _timeout;
    private readonly long _startedAt;
    private volatile bool _ended;
    private readonly ClientShare _share;
    private readonly CallKind _kind;
    private bool _isAdmitted;
    private long _requestBytes;
    private long _heldBytes;
    private long _answerBytes;
    private long _waitsForRoomSince;   // 0 when it never had to
    private Waiting? _waiting;

    private ServerCall(
        ListenerServices services, RpcMethod method, RequestState state, IHeaderDictionary headers, bool viaGateway, TimeSpan? timeout)
    {
        (_services, Method, _features, _headers, ViaGateway, _timeout) = (services, method, state.Features, headers, viaGateway, timeout);
        (_state, _share, _kind) = (state, state.Share, CallKinds.Of(method));
        _startedAt = services.Options.Time.GetTimestamp();
        if (services.Options.CertificatesNameUsers) CertificateName = _features.Get<CertifiedClient>()?.CommonName;
        services.Options.Observer?.Started(method);
    }

    /// <summary>False with a status when the request's deadline cannot be read.</summary>
    public static bool TryStart(
        ListenerServices services, RpcMethod method, RequestState state, IHeaderDictionary headers, bool viaGateway,
        [NotNullWhen(true)] out ServerCall? call, out GrpcStatus problem)
    {
        (call, problem) = (null, GrpcStatus.OK);
        TimeSpan? timeout = null;
        if (headers.TryGetValue(GrpcHeaders.Timeout, out StringValues given) && given.Count > 0)
        {
            if (!GrpcTimeout.TryParse(given.ToString(), out TimeSpan parsed))
            {
                problem = new GrpcStatus(GrpcCode.Internal, $"malformed grpc-timeout: {given}");
                return false;
            }

            timeout = parsed;
        }

        call = new ServerCall(services, method, state, headers, viaGateway, timeout);
        state.Add(call);
        return true;
    }

    /// <summary>When a refused call may come again; null when nothing is known of that.</summary>
    public TimeSpan? RetryAfter { get; private set; }

    public override RpcMethod Method { get; }

    public override bool ViaGateway { get; }

    public override string? CertificateName { get; }

    internal override ClientShare Share => _share;

    internal override bool IsRepeat => _waitsForRoomSince != 0;

    public override TimeSpan? Timeout => _timeout;

    public override CancellationToken Cancellation => Wait().Token;

    public override GrpcStatus CancellationStatus => _waiting?.Reason switch
    {
        CancelReason.Deadline => EtcdErrors.DeadlineExceeded,
        CancelReason.Stopping => EtcdErrors.Stopped,
        _ => EtcdErrors.RequestCanceled,
    };

    public override string Peer =>
        !_ended && _features.Get<IHttpConnectionFeature>() is { RemoteIpAddress: { } address } connection
            ? new IPEndPoint(address, connection.RemotePort).ToString()
            : "";

    /// <summary>True when somebody used <see cref="Cancellation"/> and it fired.</summary>
    public bool IsCancelled => _waiting is { } waiting && waiting.Token.IsCancellationRequested;

    public override string? Metadata(string key)
    {
        if (_ended)
            return null;
        if (ViaGateway && key != "authorization")
            key = "Grpc-Metadata-" + key;
        return _headers.TryGetValue(key, out StringValues values) && values.Count > 0 ? values[0] : null;
    }

    /// <summary>Before anything else; false when there is too much to do.</summary>
    public bool TryAdmit()
    {
        _isAdmitted = _services.Budget.TryAdmit(_kind, _share, out TimeSpan retryAfter);
        if (_isAdmitted)
            return true;
        (RetryAfter, Outcome) = (retryAfter, WriteOutcome.Refused);
        return false;
    }

    /// <summary>So much of a unary request is here: said whenever more of it has come, and before that is waited for or handled.</summary>
    /// <exception cref="GrpcException">Too much is held already.</exception>
    public void Hold(long bytes)
    {
        if (bytes <= _requestBytes)
            return;
        _services.Budget.CountBytes(bytes - _requestBytes);
        _requestBytes = bytes;
        HoldNow(bytes);
    }

    /// <summary>So much of what the client sent is kept now, for messages of a stream, which come and go.</summary>
    /// <exception cref="GrpcException">Too much is held already.</exception>
    public void HoldNow(long bytes)
    {
        if (bytes <= RequestBudget.SmallBytes)
            bytes = 0;
        long more = bytes - _heldBytes;
        if (more < 0)
        {
            _services.Budget.Release(_share, -more);
        }
        else if (more > 0 && !_services.Budget.TryHold(_share, more, out TimeSpan retryAfter))
        {
            (RetryAfter, Outcome) = (retryAfter, WriteOutcome.Refused);
            throw new GrpcException(EtcdErrors.TooManyRequests);
        }

        _heldBytes = bytes;
    }

    /// <summary>The answer is to take so much now.</summary>
    /// <returns>False when there is no room for it. Only reads are told so: anything else has been done, and is answered.</returns>
    public bool TryHoldAnswer(long bytes)
    {
        if (bytes <= RequestBudget.SmallBytes || bytes <= _answerBytes)
            return true;
        if (_ended || !Method.IsRead || Outcome != WriteOutcome.None)
            _services.Budget.Answers.Take(_share, bytes - _answerBytes);
        else if (!_services.Budget.Answers.TryTake(_share, bytes - _answerBytes, bytes))
            return false;
        _answerBytes = bytes;
        return true;
    }

    /// <summary>Forgets an answer that found no room, and waits until there is as much as it takes; then it is to be made again.</summary>
    /// <exception cref="GrpcException">There was none for too long, or too many wait already.</exception>
    /// <exception cref="OperationCanceledException">The call has ended, as by its deadline.</exception>
    public async ValueTask WaitForRoomAsync(PooledBuffer answer)
    {
        long bytes = answer.BytesNeeded;
        answer.Reset();
        ReleaseAnswer();   // who waits holds nothing
        TimeProvider time = _services.Options.Time;
        if (_waitsForRoomSince == 0)
            _waitsForRoomSince = time.GetTimestamp();
        TimeSpan left = _services.Options.AnswerWait - time.GetElapsedTime(_waitsForRoomSince);
        if (left > TimeSpan.Zero && await _services.Budget.Answers.WaitAsync(_share, bytes, left, Cancellation))
        {
            _answerBytes = bytes;
            return;
        }

        _services.Refusals.Count(RefusalReason.AnswerBytes);
        (RetryAfter, Outcome) = (RequestBudget.RetryUnknown, WriteOutcome.Refused);
        throw new GrpcException(EtcdErrors.TooManyRequests);
    }

    public void Received(int messageBytes) => _services.Options.Observer?.Received(Method, messageBytes);

    public void Sent(int messageBytes) => _services.Options.Observer?.Sent(Method, messageBytes);

    /// <summary>The status for whatever a handler threw.</summary>
    public GrpcStatus StatusOf(Exception exception)
    {
        if (exception is GrpcException refused)
        {
            if (refused.Status == EtcdErrors.TooManyRequests)
                RetryAfter ??= RequestBudget.RetryUnknown;
            return refused.Status;
        }

        if (exception is InvalidProtocolBufferException malformed)
            return new GrpcStatus(GrpcCode.Internal, "grpc: error unmarshalling request: " + malformed.Message);
        if (IsCancelled)
            return CancellationStatus;
        if (exception is ClientGoneException || _features.Get<IHttpRequestLifetimeFeature>() is { RequestAborted.IsCancellationRequested: true })
            return EtcdErrors.RequestCanceled;
        _services.Logger.HandlerFailed(exception, Method.Path, Peer);
        return new GrpcStatus(GrpcCode.Internal, "internal error; the node's log says more");
    }

    /// <summary>To be called once, while the request's features are still valid, and before its answer is sent.</summary>
    public void End(GrpcCode code)
    {
        _ended = true;
        _waiting?.Dispose();
        HoldNow(0);
        TimeProvider time = _services.Options.Time;
        long now = time.GetTimestamp();
        _state.Sending(now);
        _services.Options.Observer?.Completed(Method, code, time.GetElapsedTime(_startedAt, now));
    }

    /// <summary>Ends the call without an answer: for a client that takes nothing, so that none would arrive. From any thread.</summary>
    public void Abort() => _state.Abort(this);

    /// <summary>The client has taken a piece of the answer.</summary>
    public void Taken() => _state.Sending(_services.Options.Time.GetTimestamp());

    /// <summary>The last call, when the answer is with Kestrel, or never will be: until then it counts as under way.</summary>
    public void Close()
    {
        if (_isAdmitted)
            _services.Budget.Leave(_kind, _share);
        _isAdmitted = false;
        ReleaseAnswer();
    }

    private void ReleaseAnswer()
    {
        if (_answerBytes == 0)
            return;
        _services.Budget.Answers.GiveBack(_share, _answerBytes);
        _answerBytes = 0;
    }

    private Waiting Wait()
    {
        if (_waiting is { } made)
            return made;
        TimeProvider time = _services.Options.Time;
        TimeSpan? left = _timeout is { } timeout ? timeout - time.GetElapsedTime(_startedAt) : null;
        CancellationToken client = _ended ? new CancellationToken(canceled: true)
            : _features.Get<IHttpRequestLifetimeFeature>()?.RequestAborted ?? CancellationToken.None;
        var mine = new Waiting(client, _services.Lifetime.EndOf(Method), left, time);
        if (Interlocked.CompareExchange(ref _waiting, mine, null) is not { } other)
            return mine;
        mine.Dispose();
        return other;
    }

    private enum CancelReason
    {
        None,
        Client,
        Deadline,
        Stopping,
    }

    /// <summary>Joins the three reasons to give up and remembers which came first.</summary>
    private sealed class Waiting : IDisposable
    {
        private static readonly TimeSpan TimerMax = TimeSpan.FromDays(40);

        private readonly CancellationTokenSource _source = new();
        private readonly CancellationTokenRegistration _client;
        private readonly CancellationTokenRegistration _stopping;
        private readonly ITimer? _deadline;
        private int _reason;

        public Waiting(CancellationToken client, CancellationToken stopping, TimeSpan? left, TimeProvider time)
        {
            _stopping = stopping.UnsafeRegister(static me => ((Waiting)me!).Cancel(CancelReason.Stopping), this);
            _client = client.UnsafeRegister(static me => ((Waiting)me!).Cancel(CancelReason.Client), this);
            if (left is not { } wait || wait > TimerMax)
                return;
            if (wait <= TimeSpan.Zero)
                Cancel(CancelReason.Deadline);
            else
                _deadline = time.CreateTimer(static me => ((Waiting)me!).Cancel(CancelReason.Deadline), this, wait, System.Threading.Timeout.InfiniteTimeSpan);
        }

        public CancellationToken Token => _source.Token;

        public CancelReason Reason => (CancelReason)Volatile.Read(ref _reason);

        public void Dispose()
        {
            // Not the source: a handler may have kept the token, and a source without timer or links holds nothing.
            _stopping.Unregister();
            _client.Unregister();
            _deadline?.Dispose();
        }

        private void Cancel(CancelReason reason)
        {
            if (Interlocked.CompareExchange(ref _reason, (int)reason, (int)CancelReason.None) == (int)CancelReason.None)
                _source.Cancel();
        }
    }
}
