using Conclave.Store;

namespace Conclave.Simulator;

/// <summary>One client that writes under a session. It asks anybody, often too early, sometimes twice at once, and now and then sends an old request again.</summary>
internal sealed class SessionClient(SimWorld world, RandomStream random)
{
    private const int Keys = 4;

    private readonly SessionLease _lease = new(world, random);
    private StoreRequest? _last;
    private ulong _sequence;

    public void Start() => world.Call(random.Between(0, 1_000_000), Begin);

    private void Begin()
    {
        if (!world.Clients.Active) return;
        (_sequence, _last) = (0, null);
        _lease.Grant(granted =>
        {
            if (granted) Next();
            else world.Call(random.Between(1, 1_000_000), Begin);
        });
    }

    private void Next()
    {
        if (!world.Clients.Active) return;
        StoreRequest? before = _last;
        _last = Draw() with { Session = new SessionSequence(_lease.Id, ++_sequence) };
        Try(_last);
        if (before is not null && random.Below(8) == 0) Send(before, done: null); // a copy that was on its way all the time
    }

    private void Try(StoreRequest request)
    {
        if (random.Below(4) == 0) Send(request, done: null);
        Send(request, result =>
        {
            if (request != _last) return;
            if (result.End != WriteEnd.Acknowledged) world.Call(random.Between(1, 200_000), () => Again(request));
            else if (result.Outcome.Error == StoreError.LeaseNotFound && !_lease.IsValid) Begin();
            else world.Call(random.Between(1, world.Plan.ThinkMaxUs), Next);
        });
    }

    private void Again(StoreRequest request)
    {
        // While the cluster heals nobody starts anything new.
        if (request == _last && world.Clients.Active) Try(request);
    }

    private void Send(StoreRequest request, Action<WriteResult>? done)
    {
        SimNode node = world.Clients.AnyNode(random);
        for (int tries = 0; !node.IsUp && tries < 4; tries++) node = world.Clients.AnyNode(random);
        if (node.IsUp) world.Clients.Requests.Send(node, [world.Clients.Requests.Create(random, _ => request)], done);
        else if (done is not null) world.Call(random.Between(1, 1_000_000), () => Again(request));
    }

    private StoreRequest Draw()
    {
        string key = $"s{random.Below(Keys)}", value = $"{_lease.Id}.{_sequence + 1}";
        return random.Below(6) switch
        {
            < 3 => new PutRequest(key, value) { Previous = random.Below(2) == 0, Lease = random.Below(4) == 0 ? _lease.Id : 0 },
            3 => new DeleteRequest(key, random.Below(2) == 0 ? "t" : "") { Previous = true },
            4 => new PutRequest(key, value) { Lease = 7_777 }, // of a lease that is not there: a refusal is an answer too
            _ => new TxnRequest([new CompareRequest(key, CompareTarget.Version, CompareResult.Greater, random.Below(3))],
                [new PutRequest(key, value) { Previous = true }, new RangeRequest("s", "t")], [new DeleteRequest(key) { Previous = true }]),
        };
    }
}
