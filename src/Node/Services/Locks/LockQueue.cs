using System.Collections.Concurrent;
using System.Diagnostics;
using Conclave.Node.Auth;
using Conclave.Node.Http;
using Conclave.Raft;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Etcd.Mvccpb;
using Conclave.Wire.Grpc;
using Google.Protobuf;

namespace Conclave.Node.Services.Locks;

/// <summary>Calls that wait for their turn. What a lock and an election have in common.</summary>
/// <remarks>
/// Who is in a queue, and in which order, stands in the store alone: a key for each, first come first served by create revision. A waiting call is
/// nothing but a watch on the key before its own; whatever happens to this member, another call for the same lease goes on in the same place.
/// </remarks>
internal sealed class LockQueue(ServiceContext context)
{
    /// <summary>Calls that may wait on this member at once.</summary>
    internal const int WaitingMax = 10_000;

    /// <summary>A waiting call that asked for a leader ends after this many election timeouts without one, as a watch does.</summary>
    private const int LeaderlessElectionTimeoutsMax = 3;

    private const long OwnLeaseSeconds = 60;

    private static readonly TimeSpan LeaveLimit = TimeSpan.FromSeconds(60), LeavePatience = TimeSpan.FromSeconds(1), LeaveRetryInterval = TimeSpan.FromMilliseconds(200);

    private readonly ConcurrentDictionary<KeyWatch, bool> _watches = [];
    private int _waiting;
    private TimeSpan _leaderless;

    /// <summary>Calls under way here, those included that are just taking their key away.</summary>
    public int WaitingCount => Volatile.Read(ref _waiting);

    /// <summary>Called by the node's housekeeping: ends calls that lost the leader they asked for, or whose member is not to be trusted.</summary>
    public void OnTimer(TimeSpan sinceLast)
    {
        _leaderless = context.Replica.Status.Leader == NodeId.None ? _leaderless + sinceLast : TimeSpan.Zero;
        bool lost = _leaderless >= LeaderlessElectionTimeoutsMax * context.Options.ElectionTimeout;
        foreach (KeyWatch watch in _watches.Keys)
        {
            if (context.Replica.IsQuarantined) watch.Fail(new GrpcException(ConclaveErrors.Quarantined));
            if (lost && watch.RequiresLeader) watch.Fail(new GrpcException(EtcdErrors.NoLeader));
        }
    }

    /// <summary>A watch that <see cref="OnTimer"/> looks after until it is disposed of by <see cref="Close"/>.</summary>
    public KeyWatch Open(RpcContext call)
    {
        var watch = new KeyWatch(context, call);
        _watches[watch] = true;
        return watch;
    }

    public void Close(KeyWatch watch)
    {
        _watches.TryRemove(watch, out _);
        watch.Dispose();
    }

    /// <summary>Queues for a name and waits until it is this call's turn.</summary>
    /// <param name="call">Its end takes the key away again.</param>
    /// <param name="name">Any bytes.</param>
    /// <param name="lease">0 grants one of 60 s that nobody renews.</param>
    /// <param name="value">Of the key; null leaves that of a key which is there, and is empty otherwise.</param>
    /// <returns>The key, and a revision at which it was the first.</returns>
    /// <exception cref="GrpcException">Among others: too many wait, the lease does not exist, or it ended while this call waited.</exception>
    public async ValueTask<(QueueTicket Ticket, long Revision)> TakeTurnAsync(RpcContext call, ByteString name, long lease, ByteString? value)
    {
        context.CheckLeader(call);
        // Before anything is put anywhere, as in etcd: who waits for others sees them. Whether the own key may be written is decided where it is.
        var caller = new RememberedCall(call);
        ByteString prefix = QueueKeys.Prefix(name);
        var reader = new StandingReader(context.Auth, caller, prefix, QueueKeys.EndOf(prefix));
        await reader.BeginAsync().ConfigureAwait(false);
        if (Interlocked.Increment(ref _waiting) > WaitingMax)
        {
            Interlocked.Decrement(ref _waiting);
            throw new GrpcException(EtcdErrors.TooManyRequests);
        }

        Task<QueueTicket>? entering = null;
        long ownLease = 0;
        bool isMine = false;
        try
        {
            if (lease == 0) lease = ownLease = await GrantAsync(call).ConfigureAwait(false);
            long start = Stopwatch.GetTimestamp();
            entering = EnterAsync(caller, name, lease, value);
            QueueTicket ticket = await entering.WaitAsync(call.Cancellation).ConfigureAwait(false);
            long revision = await WaitAsync(call, reader, ticket, start).ConfigureAwait(false);
            isMine = true;
            return (ticket, revision);
        }
        finally
        {
            if (isMine) Interlocked.Decrement(ref _waiting);
            else await GiveUpAsync(call, entering, ownLease).ConfigureAwait(false);
        }
    }

    private async Task<QueueTicket> EnterAsync(RememberedCall caller, ByteString name, long lease, ByteString? value)
    {
        ByteString key = QueueKeys.Key(name, lease);
        ApplyOutcome outcome = await context.ProposeToEndAsync(caller, CommandKind.Txn, QueueRequests.Enter(key, lease, value)).ConfigureAwait(false);
        return QueueTicket.Of(name, lease, outcome.Revision, TxnResponse.Parser.ParseFrom(outcome.Body.Span));
    }

    /// <remarks>
    /// A state in which the own key is the first proves the turn, and it includes the own entry, so it is of a time after the call came. But this member
    /// may have learnt of it late, and the lease may be over since: so what was not answered at once is confirmed with the leader first, and looked at
    /// again. Whoever is told that it holds held when this member asked.
    /// </remarks>
    private async ValueTask<long> WaitAsync(RpcContext call, StandingReader reader, QueueTicket ticket, long start)
    {
        KeyWatch? watch = null;
        try
        {
            bool isFresh = Stopwatch.GetElapsedTime(start) < context.Options.ElectionTimeout;
            while (true)
            {
                StoreView view = context.View;
                reader.Check(view);
                (QueueStep step, KeyValue? before) = QueuePlace.Next(view, ticket, isFresh);
                switch (step)
                {
                    case QueueStep.Lost: throw new GrpcException(UnmappedErrors.SessionExpired);
                    case QueueStep.Hold: return view.Revision;
                    case QueueStep.Wait:
                        watch ??= Open(call);
                        watch.Watch(view.Revision + 1, Deletion(ticket.Key), Deletion(before!.Key));   // there is one to wait for
                        await watch.NextAsync().ConfigureAwait(false);
                        isFresh = false;
                        break;
                    default:
                        await context.ConfirmReadAsync(call).ConfigureAwait(false);
                        call.Cancellation.ThrowIfCancellationRequested();
                        isFresh = true;   // for the state that is looked at next
                        break;
                }
            }
        }
        finally
        {
            if (watch is not null) Close(watch);
        }
    }

    private static WatchCreateRequest Deletion(ByteString key) => new() { Key = key, Filters = { WatchCreateRequest.Types.FilterType.Noput } };

    /// <summary>Takes away what this call put there. Its client hears of the end without waiting long; the rest goes on behind it.</summary>
    private async Task GiveUpAsync(RpcContext call, Task<QueueTicket>? entering, long ownLease)
    {
        // Who is sent away because this member stops will ask another one, and finds its place in the queue again; or its lease ends.
        bool keepsPlace = call.Cancellation.IsCancellationRequested && call.CancellationStatus == EtcdErrors.Stopped && ownLease == 0;
        Task leaving = keepsPlace ? Task.CompletedTask : LeaveAsync(entering, ownLease);
        _ = leaving.ContinueWith(_ => Interlocked.Decrement(ref _waiting), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        await Task.WhenAny(leaving, Task.Delay(LeavePatience)).ConfigureAwait(false);
    }

    private async Task LeaveAsync(Task<QueueTicket>? entering, long ownLease)
    {
        try
        {
            if (ownLease != 0)
            {
                // Its key goes with it.
                if (entering is not null) await ((Task)entering).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                await context.TakeBackAsync(CommandKind.LeaseRevoke, new LeaseRevokeRequest { ID = ownLease }).ConfigureAwait(false);
            }
            else if (entering is not null)
            {
                await DeleteAsync(await entering.ConfigureAwait(false)).ConfigureAwait(false);
            }
        }
        catch (GrpcException)
        {
            // Nothing was put there, or nobody can say: then the key goes with its lease.
        }
    }

    private async Task DeleteAsync(QueueTicket ticket)
    {
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < LeaveLimit; await Task.Delay(LeaveRetryInterval).ConfigureAwait(false))
        {
            StoreView view = context.View;
            if (!QueuePlace.IsThere(view, ticket)) return;
            KeyValue? before = ticket.IsShared ? QueuePlace.Before(view, ticket) : null;
            if (ticket.IsShared && before is null) return;
            try
            {
                ApplyOutcome outcome = await context.TakeBackAsync(CommandKind.Txn, QueueRequests.Leave(ticket, before is null ? null : (before.Key, before.CreateRevision))).ConfigureAwait(false);
                // Else another call has the key now, or the one before has just gone.
                if (!ticket.IsShared || TxnResponse.Parser.ParseFrom(outcome.Body.Span).Succeeded) return;
            }
            catch (GrpcException problem) when (problem.Status.Code is GrpcCode.Unavailable or GrpcCode.ResourceExhausted)
            {
                // Doing it twice does no harm.
            }
        }
    }

    private async ValueTask<long> GrantAsync(RpcContext call)
    {
        if (context.IsOutOfSpace) Statuses.ThrowIf(StoreError.NoSpace);
        long id = LeaseService.NewId();
        await context.ProposeAsync(call, CommandKind.LeaseGrant, CommandBody.LeaseGrant(id, Math.Max(OwnLeaseSeconds, context.Options.LeaseTtlSecondsMin), LeaseService.NewIncarnation())).ConfigureAwait(false);
        return id;
    }
}
