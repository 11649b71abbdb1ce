namespace Conclave.Store.Tests;

/// <summary>An expiry is decided for one lease; another may bear its id by the time it is applied.</summary>
public class LeaseIncarnationTests
{
    private readonly KeyValueStore _store = new(new StoreOptions());

    [Fact]
    public void An_expiry_of_an_earlier_lease_leaves_the_one_that_was_granted_anew()
    {
        Grant(7, incarnation: 11);
        Apply(CommandKind.LeaseRevoke, CommandBody.LeaseRevoke(7));
        Grant(7, incarnation: 12);
        Apply(CommandKind.Put, new PutOf("k", "v") { Lease = 7 }.ToBytes());

        Assert.Equal(StoreError.LeaseNotFound, Apply(CommandKind.LeaseRevoke, CommandBody.LeaseRevoke(7, 11)).Error);
        Assert.Equal([new LeaseState(7, 60, 12)], View.Leases);
        Assert.Equal(1, View.KeyCount);

        Assert.Equal(StoreError.None, Apply(CommandKind.LeaseRevoke, CommandBody.LeaseRevoke(7, 12)).Error);
        Assert.Empty(View.Leases);
        Assert.Equal(0, View.KeyCount);
    }

    [Fact]
    public void A_revoke_that_names_no_incarnation_ends_whichever_lease_there_is()
    {
        Grant(7, incarnation: 11);
        Assert.Equal(StoreError.None, Apply(CommandKind.LeaseRevoke, new RevokeOf(7).ToBytes()).Error);
        Assert.Empty(View.Leases);
    }

    [Fact]
    public void Entries_of_versions_without_incarnations_read_as_before()
    {
        Assert.Equal(new Proto().Number(1, 60).Number(2, 7).ToArray(), CommandBody.LeaseGrant(7, 60));
        Assert.Equal(new Proto().Number(1, 7).ToArray(), CommandBody.LeaseRevoke(7));
        Apply(CommandKind.LeaseGrant, CommandBody.LeaseGrant(7, 60));
        Assert.Equal([new LeaseState(7, 60)], View.Leases);
        Assert.Equal(StoreError.None, Apply(CommandKind.LeaseRevoke, CommandBody.LeaseRevoke(7)).Error);
    }

    [Fact]
    public void A_saved_state_keeps_incarnations_and_reads_leases_without()
    {
        Grant(7, incarnation: ulong.MaxValue);
        Grant(8, incarnation: 0);
        byte[] saved = SavedStateTests.Save(View);
        KeyValueStore loaded = SavedStateTests.Load(saved);
        Assert.Equal([new LeaseState(7, 60, ulong.MaxValue), new LeaseState(8, 60)], loaded.View.Leases);
        Assert.Equal(saved, SavedStateTests.Save(loaded.View));
    }

    [Fact]
    public void The_leaders_clock_names_the_lease_that_runs()
    {
        var lessor = new Lessor();
        lessor.Promote(0, View, TimeSpan.Zero);
        lessor.Granted(new LeaseState(7, 1, 11), 0);
        Assert.Equal(11UL, lessor.IncarnationOf(7));
        lessor.Revoked(7);
        lessor.Granted(new LeaseState(7, 1, 12), 500);
        Assert.Equal(12UL, lessor.IncarnationOf(7));

        Grant(9, incarnation: 13);
        lessor.Promote(1000, View, TimeSpan.Zero);
        Assert.Equal((0UL, 13UL), (lessor.IncarnationOf(7), lessor.IncarnationOf(9)));
    }

    private StoreView View
    {
        get
        {
            _store.Publish();
            return _store.View;
        }
    }

    private void Grant(long id, ulong incarnation) => Assert.Equal(StoreError.None, Apply(CommandKind.LeaseGrant, CommandBody.LeaseGrant(id, 60, incarnation)).Error);

    private ApplyOutcome Apply(CommandKind kind, byte[] body) => _store.Apply(_store.AppliedIndex + 1, 1, new Command(kind, 1, 1, body), wantResponse: true);
}
