using Conclave.Node.Services.Locks;
using Conclave.Store;
using Conclave.Wire.Etcd.Mvccpb;
using Google.Protobuf;
using Etcd = Conclave.Wire.Etcd.Etcdserverpb;

namespace Conclave.Simulator;

/// <summary>
/// A call that waits for its turn at one member, as the server has it: <see cref="QueuePlace"/> and <see cref="QueueRequests"/> are the server's own, what is around them
/// does what its LockQueue does.
/// </summary>
/// <param name="world">Everything.</param>
/// <param name="node">The member that was asked.</param>
/// <param name="random">The client's.</param>
/// <param name="name">Of the lock.</param>
/// <param name="lease">Of the client.</param>
/// <param name="done">Once: with the ticket when it holds, with the reason when it will not.</param>
internal sealed class QueueCall(SimWorld world, SimNode node, RandomStream random, ByteString name, long lease, Action<QueueTicket?, QueueStep> done)
{
    private readonly int _life = node.Life;
    private QueueTicket? _ticket;
    private WatchStream? _watch;
    private long _startMs, _askedAt;
    private bool _isFresh, _isOver;

    public SimNode Node => node;

    public void Begin()
    {
        (_startMs, _askedAt) = (node.ClockMs, world.Events);
        world.Statistics.QueueWaits++;
        node.Services!.Waiting.Add(this); // it runs, as the caller knows
        Etcd.TxnRequest enter = QueueRequests.Enter(QueueKeys.Key(name, lease), lease, value: null);
        world.Clients.Requests.Send(node, [world.Clients.Requests.Create(random, _ => QueueTxnRequest.Of(enter))], result =>
        {
            if (result.End != WriteEnd.Acknowledged || result.Outcome.Error != StoreError.None)
            {
                End(null, result.End == WriteEnd.Acknowledged ? QueueStep.Lost : QueueStep.Wait);
                return;
            }
            _ticket = QueueTicket.Of(name, lease, result.Outcome.Revision, Etcd.TxnResponse.Parser.ParseFrom(result.Outcome.Body.Span));
            // The answer is here before the state that shows it is published.
            node.Call(random.Between(1, 1_000), () =>
            {
                _isFresh = node.ClockMs - _startMs < world.Plan.ElectionTimeoutUs / 1_000;
                LookWhenPublished();
            });
        });
    }

    /// <summary>The client hangs up: the key goes, unless another call of the same lease has it by now.</summary>
    public void Cancel()
    {
        if (_isOver) return;
        QueueTicket? ticket = _ticket;
        End(null, QueueStep.Wait, tell: false);
        if (ticket is null || !IsAlive) return;
        KeyValue? before = ticket.IsShared ? QueuePlace.Before(View, ticket) : null;
        if (ticket.IsShared && before is null) return;
        Etcd.TxnRequest leave = QueueRequests.Leave(ticket, before is null ? null : (before.Key, before.CreateRevision));
        world.Clients.Requests.Send(node, [world.Clients.Requests.Create(random, _ => QueueTxnRequest.Of(leave))], done: null);
    }

    /// <summary>The process ended, and the connection with it.</summary>
    public void OnNodeGone() => End(null, QueueStep.Wait);

    private bool IsAlive => node.IsUp && node.Life == _life;

    private StoreView View => ((StoreMachine)node.Machine).View;

    private void LookWhenPublished()
    {
        if (_isOver) return;
        if (View.Revision < _ticket!.ModRevision) node.Call(1_000, LookWhenPublished); // entered, as whoever calls this first knows
        else Look();
    }

    private void Look()
    {
        if (_isOver || !IsAlive) return;
        QueueTicket ticket = _ticket!; // as above
        (QueueStep step, KeyValue? before) = QueuePlace.Next(View, ticket, _isFresh);
        if (step == QueueStep.Confirm && world.Has(DriverFaults.GrantUnconfirmed)) (step, _askedAt) = (QueueStep.Hold, world.Events);
        if (step == QueueStep.Lost && world.Has(DriverFaults.GrantWithoutLook) && QueuePlace.Before(View, ticket) is null) (step, _askedAt) = (QueueStep.Hold, world.Events);
        if (step == QueueStep.Wait && world.Has(DriverFaults.GrantByArrival) && !node.Services!.IsWaitingBefore(this)) step = QueueStep.Hold; // it runs
        switch (step)
        {
            case QueueStep.Lost:
                world.Statistics.QueueTurnsLost++;
                End(null, step);
                break;
            case QueueStep.Hold:
                world.Checker.Contents!.Queues.OnGranted(node, ticket, _askedAt); // only with the real store
                End(ticket, step);
                break;
            case QueueStep.Wait:
                _isFresh = false;
                Watch(View.Revision + 1, ticket.Key, before!.Key); // there is one to wait for
                break;
            default:
                _askedAt = world.Events;
                world.Clients.Requests.SendRead(node, served =>
                {
                    _isFresh = true;
                    if (served is null) End(null, QueueStep.Wait); // the server says that it is unavailable
                    else Look();
                });
                break;
        }
    }

    /// <summary>The server's own watches, so that nothing is missed over a compaction or a snapshot either.</summary>
    private void Watch(long revision, params ReadOnlySpan<ByteString> keys)
    {
        CloseWatch();
        _watch = node.Services!.OpenWatch(random, OnMessage); // it runs
        foreach (ByteString key in keys)
        {
            var create = new Etcd.WatchCreateRequest { Key = key, StartRevision = revision, Filters = { Etcd.WatchCreateRequest.Types.FilterType.Noput } };
            _watch.Submit(new Etcd.WatchRequest { CreateRequest = create }.ToByteArray());
        }
    }

    private void OnMessage(ReadOnlyMemory<byte> message)
    {
        Etcd.WatchResponse response = Etcd.WatchResponse.Parser.ParseFrom(message.Span);
        if (_isOver || (!response.Canceled && response.Events.Count == 0)) return;
        CloseWatch();
        Look();
    }

    private void CloseWatch()
    {
        if (_watch is not null && IsAlive) node.Services!.CloseWatch(_watch); // it runs
        _watch = null;
    }

    private void End(QueueTicket? ticket, QueueStep step, bool tell = true)
    {
        if (_isOver) return;
        _isOver = true;
        CloseWatch();
        if (IsAlive) node.Services!.Waiting.Remove(this); // it runs
        if (tell) done(ticket, step);
    }

    /// <summary>Whether both are for the same lock.</summary>
    public bool IsFor(QueueCall other) => name == other.Name;

    private ByteString Name => name;
}
