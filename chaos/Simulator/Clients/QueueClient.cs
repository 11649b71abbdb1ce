using Conclave.Node.Services.Locks;
using Google.Protobuf;

namespace Conclave.Simulator;

/// <summary>
/// Asks a member for a lock and waits there, under a lease of 1 to 5 s. When the member goes away it asks another one for the same; now and then it hangs up, forgets to renew while
/// it waits, or does not let go.
/// </summary>
internal sealed class QueueClient(SimWorld world, RandomStream random, LockCheck check, string name)
{
    private const int Locks = 2;
    private const long FirstLease = 2_000_000;

    private LockCheck.Holder _me = new(name);
    private QueueCall? _call;
    private ByteString _lock = ByteString.Empty;
    private long _lease, _ttlSeconds;
    private int _life; // what belongs to an earlier one is void
    private bool _renews;

    public void Start() => world.Call(random.Between(0, 1_000_000), Begin);

    public void OnNodeGone(SimNode node)
    {
        if (_call?.Node == node) _call.OnNodeGone();
    }

    /// <summary>A client counts its lease from when it asked, and shorter where it knows that clocks may run at double speed.</summary>
    private long ValidUs => 1_000_000 * _ttlSeconds / (world.Plan.ClocksDrift ? 2 : 1);

    private void Begin()
    {
        (_life, _call) = (_life + 1, null);
        if (!world.Clients.Active) return;
        _me = new LockCheck.Holder($"{name}.{_life}");
        _lock = ByteString.CopyFromUtf8($"queue{random.Below(Locks)}");
        (_ttlSeconds, _renews) = (1 + random.Below(5), random.Below(4) > 0);
        (long asked, int life) = (world.Now, _life);
        SimNode node = world.Clients.AnyNode(random);
        if (!node.IsUp)
        {
            AgainLater();
            return;
        }
        LeaseGrantRequest? grant = null;
        world.Clients.Requests.Send(node, [world.Clients.Requests.Create(random, id => grant = new LeaseGrantRequest(FirstLease + (long)id, _ttlSeconds))], result =>
        {
            if (life != _life) return;
            if (result.End != WriteEnd.Acknowledged)
            {
                AgainLater();
                return;
            }
            _lease = grant!.Id; // sent above
            _me.Until = asked + ValidUs;
            Later(1_000_000 * _ttlSeconds / 3, KeepAlive);
            Ask();
        });
    }

    private void Ask()
    {
        SimNode node = world.Clients.AnyNode(random);
        if (!world.Clients.Active || _me.Until <= world.Now)
        {
            AgainLater();
            return;
        }
        if (node.Services is null)
        {
            Later(random.Between(1, 200_000), Ask);
            return;
        }
        int life = _life;
        QueueCall? call = null;
        call = _call = new QueueCall(world, node, random, _lock, _lease, (ticket, step) =>
        {
            if (life == _life && _call == call) OnAnswer(ticket, step);
        });
        if (random.Below(4) == 0) Later(random.Between(1, 2_000_000), () => HangUp(call));
        call.Begin();
    }

    /// <summary>The member may not notice for a while, and another call of the same lease is there before it does.</summary>
    private void HangUp(QueueCall call)
    {
        if (_call != call) return;
        _call = null;
        world.Call(random.Between(0, 1_000_000), call.Cancel);
        Later(random.Between(1, 300_000), Ask);
    }

    private void OnAnswer(QueueTicket? ticket, QueueStep step)
    {
        _call = null;
        if (ticket is null)
        {
            if (step == QueueStep.Lost) AgainLater();
            else Later(random.Between(1, 200_000), Ask);
            return;
        }
        if (_me.Until <= world.Now)
        {
            AgainLater(); // it has slept through its own lease, and knows
            return;
        }
        check.OnAcquired(_lock.ToStringUtf8(), ticket.CreateRevision, _me);
        string key = System.Text.Encoding.Latin1.GetString(ticket.Key.Span);
        Later(random.Between(1, 3_000_000), () => LetGo(key));
    }

    private void LetGo(string key)
    {
        _me.Until = Math.Min(_me.Until, world.Now); // it stops before it says so
        SimNode node = world.Clients.AnyNode(random);
        StoreRequest? farewell = random.Below(3) switch { 0 => new DeleteRequest(key), 1 => new LeaseRevokeRequest(_lease), _ => null };
        if (farewell is not null && node.IsUp) world.Clients.Requests.Send(node, [world.Clients.Requests.Create(random, _ => farewell)], done: null);
        AgainLater();
    }

    private void KeepAlive()
    {
        Later(1_000_000 * _ttlSeconds / 3, KeepAlive);
        if (!_renews) return;
        (long asked, int life) = (world.Now, _life);
        world.Clients.AnyNode(random).Services?.Leases.Renew(_lease, renewed =>
        {
            if (life != _life) return;
            if (renewed == true && _me.Until > world.Now) _me.Until = Math.Max(_me.Until, asked + ValidUs);
            else if (renewed == false && _call is null) AgainLater();
        });
    }

    /// <summary>A new try with a new lease. The old one ends by itself.</summary>
    private void AgainLater()
    {
        _life++;
        Later(random.Between(1, 1_000_000), Begin);
    }

    private void Later(long us, Action what)
    {
        int life = _life;
        world.Call(us, () =>
        {
            if (life == _life) what();
        });
    }
}
