using Conclave.Raft;
using Conclave.Store;

namespace Conclave.Simulator;

/// <summary>The leader's clock for leases, with the rules of the real driver around the real <see cref="Lessor"/>.</summary>
internal sealed class NodeLeases(SimWorld world, SimNode node)
{
    private const int RevokedAtOnceMax = 500;

    private readonly Lessor _lessor = new(world.Mutation.ToStoreFaults());
    private readonly List<long> _expired = [];
    private readonly List<(long Id, long TtlSeconds, bool Granted)> _changes = [];
    private Term _applied;

    private long NowMs => world.Has(DriverFaults.LeasesByWallClock) ? node.WallClockMs : node.ClockMs;

    private TimeSpan ElectionTimeout => TimeSpan.FromMilliseconds(world.Plan.ElectionTimeoutTicks * (Plan.TickUs / 1000));

    public void OnStart(Term applied) => _applied = applied;

    public void OnRole(RoleChange change)
    {
        if (change.Role != RaftRole.Leader && !world.Has(DriverFaults.KeepLeasesWhenDeposed)) _lessor.Demote();
    }

    /// <summary>An entry was applied, and is not published yet.</summary>
    public void OnApplied(in ApplyOutcome outcome)
    {
        if (outcome.LeaseId != 0) _changes.Add((outcome.LeaseId, outcome.LeaseTtlSeconds, outcome.LeaseTtlSeconds > 0));
    }

    /// <summary>Everything up to an entry of this term is in the published state.</summary>
    public void OnPublished(Term term)
    {
        foreach ((long id, long ttlSeconds, bool granted) in _changes)
        {
            if (granted) _lessor.Granted(id, ttlSeconds, NowMs);
            else _lessor.Revoked(id);
        }
        _changes.Clear();
        if (term <= _applied) return;
        _applied = term;
        if (node.Core.Role == RaftRole.Leader && node.Core.Term == term) Promote();
    }

    public void OnInstalled(Term term) => _applied = term;

    /// <summary>This process did not run for a while, and nobody could renew.</summary>
    public void OnPause()
    {
        if (_lessor.IsPromoted) _lessor.Extend(NowMs, ElectionTimeout);
    }

    public void ProposeExpired()
    {
        _expired.Clear();
        _lessor.CollectExpired(NowMs, RevokedAtOnceMax, _expired);
        if (_expired.Count > 0 && !_lessor.IsPromoted) throw new SimulationFailure($"I19: {node.Id} lets lease {_expired[0]} expire, and its leases do not run: it does not lead.");
        foreach (long id in _expired)
        {
            world.Checker.Contents!.Leases.OnExpired(node, id); // only with the real store
            Proposal revoke = world.Clients.Requests.Create(world.Streams.Client(-2), _ => new LeaseRevokeRequest(id) { ExpiredAt = world.Now });
            // In this node's own term or not at all: in the hands of the next leader it would be a decision made on old facts.
            if (world.Has(DriverFaults.KeepLeasesWhenDeposed)) ProposeAnywhere(revoke);
            else if (world.Has(DriverFaults.ExpireThroughAnyLeader)) world.Call(world.Streams.Client(-2).Between(1, 2_000_000), () => ProposeAnywhere(revoke));
            else node.ProposeNow(revoke);
        }
    }

    /// <summary>A holder asks for its full time again.</summary>
    /// <param name="id">The lease.</param>
    /// <param name="done">True: it has it. False: the lease is gone. Null: nobody here can say.</param>
    public void Renew(long id, Action<bool?> done)
    {
        if (node.Core.Role != RaftRole.Leader)
        {
            done(null);
            return;
        }
        // A majority confirms, since the question came, that nobody else leads; and the state that is asked has everything committed before.
        LeaseCheck.Moment asked = LeaseCheck.Moment.Now(world);
        long askedMs = NowMs;
        if (world.Has(DriverFaults.RenewWithoutRound)) Answer(id, asked, done);
        else
            world.Clients.Requests.SendRead(node, served =>
            {
                bool late = NowMs - askedMs > ElectionTimeout.TotalMilliseconds;
                if (served is null || late || node.Core.Role != RaftRole.Leader || !_lessor.IsPromoted) done(null);
                else Answer(id, asked, done);
            });
    }

    private void Answer(long id, LeaseCheck.Moment asked, Action<bool?> done)
    {
        LeaseCheck check = world.Checker.Contents!.Leases; // only with the real store
        bool renewed = _lessor.TryRenew(id, NowMs, out _);
        if (renewed) check.OnRenewed(node, id, asked);
        else check.OnToldGone(node, id, asked);
        done(renewed);
    }

    private void ProposeAnywhere(Proposal revoke)
    {
        foreach (SimNode each in world.Nodes)
        {
            if (!each.IsUp || each.Core.Role != RaftRole.Leader) continue;
            each.Take(RaftInput.Propose(new[] { revoke }));
            return;
        }
    }

    private void Promote()
    {
        _lessor.Promote(NowMs, ((StoreMachine)node.Machine).View, ElectionTimeout);
    }
}
