using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Store.Tests;

public class LessorTests(ITestOutputHelper output)
{
    private static StoreView ViewWith(params (long Id, long Ttl)[] leases)
    {
        var store = new KeyValueStore(new StoreOptions());
        foreach ((long id, long ttl) in leases)
            store.Apply(store.AppliedIndex + 1, 1, new Command(CommandKind.LeaseGrant, 0, 0, CommandBody.LeaseGrant(id, ttl)), false);
        store.Publish();
        return store.View;
    }

    private static List<long> Expired(Lessor lessor, long now, int max = 500)
    {
        List<long> ids = [];
        lessor.CollectExpired(now, max, ids);
        return ids;
    }

    [Fact]
    public void A_pause_gives_every_lease_its_time_again_but_those_that_were_said_to_have_expired()
    {
        var lessor = new Lessor();
        lessor.Promote(0, ViewWith(), TimeSpan.Zero);
        foreach (long id in (long[])[1, 2, 3]) lessor.Granted(id, 2, 0);
        lessor.Granted(4, 10, 0);
        Assert.Equal([1], Expired(lessor, 2_000, max: 1));   // its revoke is on its way
        Assert.False(lessor.TryRenew(2, 2_000, out _));
        lessor.Revoked(4);

        lessor.Extend(5_000, TimeSpan.FromSeconds(1));
        Assert.False(lessor.TryRenew(1, 5_000, out _));
        Assert.False(lessor.TryRenew(2, 5_000, out _));
        Assert.False(lessor.TryRenew(4, 5_000, out _));
        Assert.Equal([2, 1], Expired(lessor, 7_999));
        Assert.Equal([3], Expired(lessor, 8_000));
    }

    [Fact]
    public void A_new_leader_gives_every_lease_its_full_time_and_a_little_more()
    {
        var lessor = new Lessor();
        lessor.Promote(1_000, ViewWith((1, 10), (-2, 5)), TimeSpan.FromSeconds(1));
        Assert.True(lessor.TryRemaining(1, 1_000, out long remaining, out long granted));
        Assert.Equal((11, 10), (remaining, granted));
        Assert.Empty(Expired(lessor, 6_999));
        Assert.Equal([-2], Expired(lessor, 7_000));
        Assert.Empty(Expired(lessor, 9_999));
        Assert.Equal([-2, 1], Expired(lessor, 12_000));
    }

    [Fact]
    public void Renewing_restarts_a_lease_until_it_has_expired()
    {
        var lessor = new Lessor();
        lessor.Promote(0, ViewWith(), TimeSpan.Zero);
        lessor.Granted(7, 10, 0);
        Assert.True(lessor.TryRenew(7, 9_999, out long ttl));
        Assert.Equal(10, ttl);
        Assert.Empty(Expired(lessor, 19_998));
        Assert.True(lessor.TryRemaining(7, 19_998, out long remaining, out _));
        Assert.Equal(0, remaining);
        Assert.False(lessor.TryRenew(7, 19_999, out ttl));
        Assert.Equal(0, ttl);
        Assert.Equal([7], Expired(lessor, 19_999));
        Assert.False(lessor.TryRenew(7, 20_000, out _));
        lessor.Revoked(7);
        Assert.False(lessor.TryRemaining(7, 20_000, out _, out _));
        Assert.False(lessor.TryRenew(99, 0, out _));
    }

    [Fact]
    public void A_revoke_that_was_lost_is_asked_for_again()
    {
        var lessor = new Lessor();
        lessor.Promote(0, ViewWith((1, 2), (2, 2), (3, 2)), TimeSpan.Zero);
        Assert.Equal([1, 2], Expired(lessor, 2_000, max: 2));
        Assert.Equal([3], Expired(lessor, 2_000));
        lessor.Revoked(2);
        Assert.Empty(Expired(lessor, 2_000 + Lessor.CollectAgainMilliseconds - 1));
        Assert.Equal([1, 3], Expired(lessor, 2_000 + Lessor.CollectAgainMilliseconds));
    }

    [Fact]
    public void A_demoted_lessor_knows_no_lease()
    {
        var lessor = new Lessor();
        lessor.Granted(1, 5, 0);
        Assert.Equal(0, lessor.Count);
        lessor.Promote(0, ViewWith((1, 5)), TimeSpan.Zero);
        Assert.True(lessor.IsPromoted);
        lessor.Demote();
        Assert.False(lessor.TryRenew(1, 0, out _));
        Assert.Empty(Expired(lessor, 1_000_000));
    }

    [Fact]
    public void Expiry_agrees_with_a_plain_list() =>
        Properties.Holds(Prop.ForAll(Choices.Programs(600), program =>
        {
            var choices = new Choices(program);
            var lessor = new Lessor();
            lessor.Promote(0, ViewWith(), TimeSpan.Zero);
            var model = new Dictionary<long, (long Ttl, long Expiry, long NotBefore)>();
            long now = 0;
            while (choices.AreLeft)
            {
                now += choices.Below(900);
                long id = 1 + choices.Below(6);
                switch (choices.Below(4))
                {
                    case 0:
                        long ttl = 1 + choices.Below(4);
                        lessor.Granted(id, ttl, now);
                        model.TryAdd(id, (ttl, now + ttl * 1000, 0));
                        break;
                    case 1:
                        bool live = model.TryGetValue(id, out var lease) && now < lease.Expiry;
                        Assert.Equal(live, lessor.TryRenew(id, now, out _));
                        if (live)
                            model[id] = (lease.Ttl, now + lease.Ttl * 1000, 0);
                        break;
                    case 2:
                        lessor.Revoked(id);
                        model.Remove(id);
                        break;
                    default:
                        List<long> due = [.. model.Where(l => l.Value.Expiry <= now && l.Value.NotBefore <= now).Select(l => l.Key).Order()];
                        Assert.Equal(due, Expired(lessor, now).Order());
                        foreach (long expired in due)
                            model[expired] = model[expired] with { NotBefore = now + Lessor.CollectAgainMilliseconds };
                        break;
                }

                List<long> byExpiry = [];
                lessor.CopyByExpiry(byExpiry);
                Assert.Equal(model.OrderBy(l => l.Value.Expiry).ThenBy(l => l.Key).Select(l => l.Key), byExpiry);
            }
        }), output, tests: 300);
}
