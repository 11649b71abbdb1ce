using Conclave.Store;

namespace Conclave.Simulator;

/// <summary>
/// The usual recipe: a lease of its own, the lock's key created if there is none, its create revision as the fencing token, renewals three times per TTL.
/// Where it does not know how something ended it walks away, and the lease cleans up.
/// </summary>
internal sealed class LockClient(SimWorld world, RandomStream random, LockCheck check, string name)
{
    private const int Locks = 2;

    private LockCheck.Holder _me = new(name);
    private long _lease, _ttlSeconds, _token;
    private int _life; // what belongs to an earlier one is void
    private int _node;
    private string _lock = "";

    public void Start() => world.Call(random.Between(0, 1_000_000), Begin);

    /// <summary>A client counts its lease from when it asked, and shorter where it knows that clocks may run at double speed.</summary>
    private long ValidUs => 1_000_000 * _ttlSeconds / (world.Plan.ClocksDrift ? 2 : 1);

    private void Begin()
    {
        _life++;
        if (!world.Clients.Active) return;
        _me = new LockCheck.Holder($"{name}.{_life}");
        _lock = $"lock/{(char)('a' + random.Below(Locks))}";
        _ttlSeconds = 1 + random.Below(5);
        _token = 0;
        long asked = world.Now;
        LeaseGrantRequest? grant = null;
        if (!Send(id => grant = new LeaseGrantRequest(1_000 + (long)id, _ttlSeconds), Granted)) AgainLater();

        void Granted(WriteResult result)
        {
            if (result.End != WriteEnd.Acknowledged)
            {
                AgainLater();
                return;
            }
            _lease = grant!.Id; // sent above
            _me.Until = asked + ValidUs;
            KeepAliveLater();
            Acquire();
        }
    }

    private void Acquire()
    {
        // lock = the key if there is none; the value says whose it is
        var create = new TxnRequest([new CompareRequest(_lock, CompareTarget.Create, CompareResult.Equal, 0)], [new PutRequest(_lock, _me.Name) { Lease = _lease }], []);
        if (!Send(_ => create, Tried)) Later(100_000, Acquire);

        void Tried(WriteResult result)
        {
            bool mine = result.End == WriteEnd.Acknowledged && result.Outcome.Error == StoreError.None && StoreAnswer.Succeeded(result.Outcome.Body.Span);
            if (result.End == WriteEnd.Unknown || result.Outcome.Error != StoreError.None || _me.Until <= world.Now)
            {
                AgainLater();
            }
            else if (!mine)
            {
                Later(random.Between(1, 300_000), Acquire);
            }
            else
            {
                _token = result.Outcome.Revision;
                check.OnAcquired(_lock, _token, _me);
                Later(random.Between(1, 3_000_000), LetGo);
            }
        }
    }

    private void LetGo()
    {
        _me.Until = Math.Min(_me.Until, world.Now); // it stops before it says so
        switch (random.Below(3))
        {
            case 0:
                Send(_ => new TxnRequest([new CompareRequest(_lock, CompareTarget.Create, CompareResult.Equal, _token)], [new DeleteRequest(_lock)], []), _ => { });
                break;
            case 1:
                Send(_ => new LeaseRevokeRequest(_lease), _ => { });
                break;
            default:
                WakeLate();
                break;
        }
        AgainLater();
    }

    /// <summary>It did not run for a while, does not know it, and goes on renewing when its time is over or nearly so.</summary>
    private void WakeLate()
    {
        long lease = _lease;
        for (int i = 0; i < 4; i++)
            world.Call(1_000_000 * _ttlSeconds + random.Between(0, 2_000_000), () => world.Clients.AnyNode(random).Services?.Leases.Renew(lease, _ => { }));
    }

    private void KeepAliveLater() => Later(1_000_000 * _ttlSeconds / 3, KeepAlive);

    private void KeepAlive()
    {
        KeepAliveLater();
        SimNode node = world.Nodes[_node];
        if (!node.IsUp || node.Services is null)
        {
            _node = world.Clients.AnyNode(random).Slot;
            return;
        }
        (long asked, int life) = (world.Now, _life);
        node.Services.Leases.Renew(_lease, renewed =>
        {
            if (life != _life) return;
            if (renewed == true) _me.Until = Math.Max(_me.Until, asked + ValidUs);
            else if (renewed == false) AgainLater();
            else _node = world.Clients.AnyNode(random).Slot;
        });
    }

    private bool Send(Func<ulong, StoreRequest> draw, Action<WriteResult> done)
    {
        SimNode node = world.Nodes[_node];
        if (!node.IsUp)
        {
            _node = world.Clients.AnyNode(random).Slot;
            return false;
        }
        int life = _life;
        world.Clients.Requests.Send(node, [world.Clients.Requests.Create(random, draw)], result =>
        {
            if (result.End == WriteEnd.Refused) _node = result.Leader.Value == 0 ? world.Clients.AnyNode(random).Slot : world[result.Leader].Slot;
            if (life == _life) done(result);
        });
        return true;
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
