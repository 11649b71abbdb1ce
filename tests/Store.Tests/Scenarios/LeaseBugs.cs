namespace Conclave.Store.Tests;

/// <summary>Bugs around the leader's clock for leases. What the shell adds (a revoke is proposed for one term only, a renewal is confirmed by a majority) is tested there.</summary>
public class LeaseBugs
{
    [Fact]
    public void Bug_06_A_leader_that_was_blocked_expires_no_leases_once_it_is_demoted() => OldLeaderRevokes(StoreFaults.None);

    [Fact]
    public void Bug_08_A_lease_that_has_expired_or_was_revoked_cannot_be_renewed() => RenewAfterRevoke(StoreFaults.None);

    /// <summary>A leader blocks on its disk, renewals go to the new one, the old one wakes and expires everything: all locks drop.</summary>
    internal static void OldLeaderRevokes(StoreFaults faults)
    {
        var store = new Scenario(faults);
        store.Do(new GrantOf(1, 10));
        var old = new Lessor(faults);
        var next = new Lessor(faults);
        old.Promote(0, store.Store.View, TimeSpan.Zero);
        next.Promote(9_000, store.Store.View, TimeSpan.FromSeconds(1));   // the old one is blocked from here on
        Assert.True(next.TryRenew(1, 15_000, out _));
        old.Demote();   // it wakes at 20 s and hears of the new term
        Assert.False(old.IsPromoted);
        Assert.Empty(Expired(old, 20_000));
        Assert.Empty(Expired(next, 20_000));
        Assert.Equal([1L], Expired(next, 25_000));   // renewed at 15 s for 10 s
    }

    /// <summary>A renewal races with the revoke and wins: the client believes that it still holds what others were given.</summary>
    internal static void RenewAfterRevoke(StoreFaults faults)
    {
        var store = new Scenario(faults);
        store.Do(new GrantOf(1, 10));
        store.Do(new GrantOf(2, 10));
        var lessor = new Lessor(faults);
        lessor.Promote(0, store.Store.View, TimeSpan.Zero);
        lessor.Revoked(2);
        Assert.False(lessor.TryRenew(2, 1_000, out long ttl));
        Assert.Equal(0, ttl);

        Assert.Equal([1L], Expired(lessor, 10_000));
        Assert.False(lessor.TryRenew(1, 10_000, out ttl));   // its revoke is on the way
        Assert.Equal(0, ttl);
    }

    private static List<long> Expired(Lessor lessor, long now)
    {
        List<long> expired = [];
        lessor.CollectExpired(now, 100, expired);
        return expired;
    }
}
