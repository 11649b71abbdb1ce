using System.Buffers;
using System.Collections.Concurrent;
using Conclave.Node.Http;
using Conclave.Node.Http.Limits;
using Conclave.Raft;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;

namespace Conclave.Node.Services;

/// <summary>etcdserverpb.Watch: moves bytes between a stream and its <see cref="WatchSession"/>, which knows all the rules.</summary>
internal sealed class WatchService(ServiceContext context)
{
    /// <summary>A stream that asked for a leader ends after this many election timeouts without one.</summary>
    private const int LeaderlessElectionTimeoutsMax = 3;

    /// <summary>Messages above this are written one by one, and their buffer is given back.</summary>
    private const int LargeBytes = 32 * 1024;

    private const int FirstBytes = 512;

    /// <summary>What a watch counts with on top of its keys.</summary>
    internal const int WatchBytes = 512;

    private readonly ConcurrentDictionary<WatchSession, Host> _sessions = [];
    private readonly FairBound _watchBytes = new(context.Options.Limits.WatchBytes);
    private TimeSpan _leaderless;
    private long _heldBytes;

    /// <summary>Counts watches that are refused and streams that are ended. Set once, before anything runs.</summary>
    public ClientRefusals? Refusals { get; set; }

    public int StreamCount => _sessions.Count;

    /// <summary>Bytes of messages that were taken out of sessions and not yet by their clients.</summary>
    public long HeldBytes => Interlocked.Read(ref _heldBytes);

    public void AddTo(RpcRegistry registry) =>
        registry.Add(RpcMethod.ForBidiStream<WatchRequest, WatchResponse>("/etcdserverpb.Watch/Watch", ServeAsync, "/v3/watch"));

    /// <summary>Called by the node's housekeeping; gives idle watches their progress and ends streams that lost their leader.</summary>
    public void OnTimer(long nowMilliseconds, TimeSpan sinceLast)
    {
        _leaderless = context.Replica.Status.Leader == NodeId.None ? _leaderless + sinceLast : TimeSpan.Zero;
        bool lost = _leaderless >= LeaderlessElectionTimeoutsMax * context.Options.ElectionTimeout;
        foreach ((WatchSession session, Host host) in _sessions)
        {
            session.OnTimer(nowMilliseconds);
            if (context.Replica.IsQuarantined) host.Stream.Fail(new GrpcException(ConclaveErrors.Quarantined));
            if (lost && host.RequiresLeader) host.Stream.Fail(new GrpcException(EtcdErrors.NoLeader));
        }

        if (context.Options.Limits.WatchHeldBytes is > 0 and var max && HeldBytes > max) EndUnread(HeldBytes - max, nowMilliseconds);
    }

    /// <summary>Ends streams that take nothing, whose clients go on where they were when they read again: those first that have not for longest, until so many bytes are free.</summary>
    private void EndUnread(long bytes, long nowMilliseconds)
    {
        foreach ((Host host, _) in _sessions.Values.Select(each => (each, For: each.UnreadFor(nowMilliseconds))).Where(each => each.For >= context.Options.Limits.UnreadWatchMin.TotalMilliseconds).OrderByDescending(each => each.For))
        {
            bytes -= host.HeldBytes;
            Refusals?.Count(RefusalReason.UnreadWatch);
            host.Abort();
            if (bytes <= 0) return;
        }
    }

    /// <summary>Counts a watch in, before it is made.</summary>
    /// <returns>The reason for the client when there is no room for it.</returns>
    private string? RefusalFor(WatchSession session, Host host, int requestBytes)
    {
        (int watches, long keyBytes) = session.Size;
        long cost = ((watches + 1L) * WatchBytes) + keyBytes + requestBytes, more = cost - host.WatchBytes;
        if (cost > context.Options.Limits.StreamWatchBytes)
        {
            Refusals?.Count(RefusalReason.Watches);
            return $"conclave: the {watches} watches of this stream and their keys take {cost} bytes with this one, of {context.Options.Limits.StreamWatchBytes}; cancel some, or open another stream";
        }

        if (more < 0)
        {
            _watchBytes.GiveBack(ref host.Share.WatchBytes, -more);
        }
        else if (!_watchBytes.TryTake(ref host.Share.WatchBytes, more))
        {
            Refusals?.Count(RefusalReason.Watches);
            return $"conclave: watches take all of --max-watch-bytes {context.Options.Limits.WatchBytes}, or all that one address may have; cancel some, or ask another member";
        }

        host.WatchBytes = cost;
        return null;
    }

    private async ValueTask ServeAsync(RpcContext call, RpcStream stream)
    {
        context.CheckLeader(call);
        var signal = new StreamSignal();
        var host = new Host(context, signal, stream, call.Share ?? new ClientShare(System.Net.IPAddress.None), call.RequiresLeader);
        using var session = new WatchSession(context.Replica.Watches, host);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(call.Cancellation);
        await using CancellationTokenRegistration wake = ended.Token.Register(static s => ((StreamSignal)s!).Signal(), signal);
        _sessions[session] = host;
        Task reading = ReadAsync(call, stream, session, host, ended.Token);
        try
        {
            await WriteAsync(host, stream, session, signal, ended.Token).ConfigureAwait(false);
        }
        finally
        {
            _sessions.TryRemove(session, out _);
            await ended.CancelAsync().ConfigureAwait(false);
            await reading.ConfigureAwait(false);   // never fails: what it met is in the signal
            _watchBytes.GiveBack(ref host.Share.WatchBytes, host.WatchBytes);
        }
    }

    private async Task ReadAsync(RpcContext call, RpcStream stream, WatchSession session, Host host, CancellationToken cancellationToken)
    {
        StreamSignal signal = host.Stream;
        try
        {
            // The client may finish sending and go on listening: the end of its requests does not end the stream.
            while (await stream.ReadAsync(cancellationToken).ConfigureAwait(false) is { } request)
            {
                // Looked at when a watch begins, and not again, as in etcd: whoever loses the right to read keeps the watches there are.
                string? refusal = null;
                if (RequestCheck.CreatesWatch(request.Span))
                {
                    if (context.Auth.IsOn) refusal = await context.Auth.WatchRefusalAsync(call, request).ConfigureAwait(false);
                    refusal ??= RefusalFor(session, host, request.Length);
                }

                if (refusal is null) Statuses.ThrowIf(session.Submit(request.Span));
                else session.Refuse(refusal);
                signal.Signal();
                while (!session.WantsRequests) await Task.Delay(10, cancellationToken).ConfigureAwait(false);   // a client that asks but does not read
            }
        }
        catch (Exception failure)
        {
            signal.Fail(failure);
        }
    }

    private async Task WriteAsync(Host host, RpcStream stream, WatchSession session, StreamSignal signal, CancellationToken cancellationToken)
    {
        ArrayBufferWriter<byte> next = new(FirstBytes), leaving = new(FirstBytes);
        while (true)
        {
            bool more = session.TryTake(next);
            while (more)
            {
                (next, leaving) = (leaving, next);
                next.ResetWrittenCount();
                // A large message needs packets of its own, and a client that takes it slowly must not make us hold a second one.
                bool isLarge = leaving.WrittenCount > LargeBytes;
                more = !isLarge && session.TryTake(next);   // known before the write, so that several messages share a packet
                await HoldAsync(host, leaving.WrittenCount + next.WrittenCount, stream.WriteAsync(leaving.WrittenMemory, moreFollows: more, CancellationToken.None)).ConfigureAwait(false);   // the stream itself ends with the call
                if (!isLarge) continue;
                leaving = new ArrayBufferWriter<byte>(FirstBytes);   // most streams are idle most of the time
                more = session.TryTake(next);
            }

            signal.ThrowIfFailed();
            cancellationToken.ThrowIfCancellationRequested();
            await signal.WaitAsync().ConfigureAwait(false);
        }
    }

    private ValueTask HoldAsync(Host host, int bytes, ValueTask writing)
    {
        return writing.IsCompletedSuccessfully ? writing : Counted();

        async ValueTask Counted()
        {
            Interlocked.Add(ref _heldBytes, bytes);
            host.Hold(bytes);
            try
            {
                await writing.ConfigureAwait(false);
            }
            finally
            {
                host.Hold(0);
                Interlocked.Add(ref _heldBytes, -bytes);
            }
        }
    }

    private sealed class Host(ServiceContext context, StreamSignal signal, RpcStream stream, ClientShare share, bool requiresLeader) : IWatchSessionHost
    {
        private readonly UnreadTime _unread = new();

        public ClientShare Share => share;

        /// <summary>What its watches are counted with. Only the reader of the stream changes it.</summary>
        public long WatchBytes { get; set; }

        /// <summary>What was taken from the session and not yet by the client.</summary>
        public long HeldBytes => _unread.HeldBytes;

        public void Hold(long bytes) => _unread.Hold(bytes);

        public long UnreadFor(long nowMilliseconds) => _unread.Of(stream.PiecesTaken, nowMilliseconds);

        public void Abort() => stream.Abort();

        public ulong ClusterId => context.Cluster.ClusterId;

        public ulong MemberId => context.Cluster.Self.Value;

        public ulong Term => context.Replica.Status.Term;

        public bool RequiresLeader => requiresLeader;

        public StreamSignal Stream => signal;

        public void Signal() => signal.Signal();
    }
}
