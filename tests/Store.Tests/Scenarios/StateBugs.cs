namespace Conclave.Store.Tests;

/// <summary>Bugs that stores of this kind have had, as far as the state machine is concerned. The numbers are those of the specification's list.</summary>
public class StateBugs
{
    [Fact]
    public void Bug_05_Applied_index_and_data_of_a_saved_state_are_of_one_moment() => AppliedIndexWithData(StoreFaults.None);

    [Fact]
    public void Bug_07_A_lock_cannot_be_taken_on_a_lease_that_is_gone() => LockOnDeadLease(StoreFaults.None);

    [Fact]
    public void Bug_12_The_revision_does_not_fall_when_a_crash_interrupts_a_compaction() => CrashInCompaction(StoreFaults.None);

    [Fact]
    public void Every_write_has_a_revision_of_its_own() => RevisionPerWrite(StoreFaults.None);

    [Fact]
    public void The_compacted_revision_itself_can_be_read() => CompactedRevisionIsReadable(StoreFaults.None);

    [Fact]
    public void A_revoked_lease_takes_all_its_keys_with_it() => RevokeTakesAllKeys(StoreFaults.None);

    [Fact]
    public void A_repeat_in_a_session_is_not_applied_even_after_a_restart() => RepeatAfterRestart(StoreFaults.None);

    [Fact]
    public void The_next_holder_of_a_lock_has_a_larger_fencing_token() => FencingTokenGrows(StoreFaults.None);

    [Fact]
    public void A_transaction_compares_with_what_the_one_before_it_wrote() => CompareSeesLastWrite(StoreFaults.None);

    [Fact]
    public void A_put_answers_with_what_was_there_before() => PreviousValue(StoreFaults.None);

    /// <summary>etcd 3.5 wrote the applied index apart from the data. A kill between the two applied entries twice or never, and members diverged silently.</summary>
    internal static void AppliedIndexWithData(StoreFaults faults)
    {
        Request[] log = [new PutOf("n", "1"), new TxnOf([], [new PutOf("a"), new PutOf("b")], []), new DeleteOf("a"), new PutOf("n", "2"), new PutOf("n", "3")];
        var whole = new Scenario(faults);
        foreach (Request request in log)
            whole.Do(request);
        for (int killedAfter = 0; killedAfter <= log.Length; killedAfter++)
        {
            var member = new Scenario(faults);
            byte[] saved = member.Save();
            for (int i = 0; i < killedAfter; i++)
            {
                member.Do(log[i]);
                saved = i % 2 == 0 ? member.Save() : saved;   // the last snapshot is older than the last entry half of the time
            }

            member.Restart(saved);
            for (ulong next = member.Store.AppliedIndex; next < (ulong)log.Length; next++)
                member.Do(log[next]);
            Assert.Equal(whole.Save(), member.Save());
        }

        // An entry that comes again is refused by its index, loudly.
        Assert.ThrowsAny<InvalidOperationException>(() => whole.Store.Apply((ulong)log.Length, 1, new Command(CommandKind.Put, 0, 0, log[0].ToBytes()), false));
    }

    /// <summary>A waiter blocks on a lock for longer than its TTL, and the lock is granted to it all the same: two holders.</summary>
    internal static void LockOnDeadLease(StoreFaults faults)
    {
        var store = new Scenario(faults);
        store.Do(new GrantOf(1, 10));
        store.Do(new GrantOf(2, 60));
        store.Do(new PutOf("lock", "holder 2") { Lease = 2 });
        store.Do(new RevokeOf(1));   // the waiter's lease, while it waits
        store.Do(new RevokeOf(2));
        var take = new TxnOf([new CompareOf("lock", Target: 1, Result: 0)], [new PutOf("lock", "waiter 1") { Lease = 1 }], []);
        Assert.Equal(StoreError.LeaseNotFound, store.Do(take).Error);
        Assert.Equal(StoreError.LeaseNotFound, store.Do(new PutOf("lock", "waiter 1") { Lease = 1 }).Error);
        Assert.DoesNotContain("waiter", store.Read("lock"));
    }

    /// <summary>A crash between two steps of a compaction: the next write got a revision that had been given out already.</summary>
    internal static void CrashInCompaction(StoreFaults faults)
    {
        for (int steps = 0; steps < 12; steps++)
        {
            var store = new Scenario(faults);
            for (int i = 0; i < 8; i++)
                store.Do(new PutOf($"k{i % 3}", $"{i}"));
            store.Do(new DeleteOf("k2"));
            long last = store.Do(new CompactTo(store.Store.View.Revision)).Revision;
            for (int i = 0; i < steps; i++)
                store.Store.Publish();
            store.Restart(store.Save());
            Assert.Equal(last, store.Store.View.Revision);
            Assert.Equal(last, store.Store.View.CompactRevision);
            Assert.Equal(last + 1, store.Do(new PutOf("after")).Revision);
        }
    }

    internal static void RevisionPerWrite(StoreFaults faults)
    {
        var store = new Scenario(faults);
        long previous = 1;
        foreach (Request request in (Request[])[new PutOf("a"), new DeleteOf("a"), new PutOf("b"), new PutOf("a"), new DeleteOf("a", "z"), new PutOf("c")])
            Assert.Equal(++previous, store.Do(request).Revision);
    }

    internal static void CompactedRevisionIsReadable(StoreFaults faults)
    {
        var store = new Scenario(faults);
        foreach (string value in (string[])["1", "2", "3"])
            store.Do(new PutOf("k", value));
        string before = store.Read("k", revision: 3);
        store.Do(new CompactTo(3));
        for (int i = 0; i < 5; i++)
            store.Store.Publish();
        Assert.Equal(before, store.Read("k", revision: 3));
        store.Do(new CompactTo(4));
        for (int i = 0; i < 5; i++)
            store.Store.Publish();
        Assert.Contains("=3", store.Read("k"));
    }

    internal static void RevokeTakesAllKeys(StoreFaults faults)
    {
        var store = new Scenario(faults);
        store.Do(new GrantOf(5, 60));
        foreach (string key in (string[])["a", "b", "c"])
            store.Do(new PutOf(key) { Lease = 5 });
        store.Do(new RevokeOf(5));
        Assert.Equal(0, store.Store.View.KeyCount);
        Assert.Empty(store.Store.View.LeaseKeys(5));
    }

    internal static void RepeatAfterRestart(StoreFaults faults)
    {
        var store = new Scenario(faults);
        store.Do(new GrantOf(5, 60));
        var increment = new PutOf("counter", "1") { Previous = true };
        string first = SessionClient.Text(store.DoInSession(5, 1, increment));
        string at = store.Read("counter");
        Assert.Equal(first, SessionClient.Text(store.DoInSession(5, 1, increment)));
        store.Restart(store.Save());
        Assert.Equal(first, SessionClient.Text(store.DoInSession(5, 1, increment)));
        Assert.Equal(at, store.Read("counter"));
    }

    internal static void FencingTokenGrows(StoreFaults faults)
    {
        var store = new Scenario(faults);
        long token = 0;
        for (long holder = 1; holder <= 3; holder++)
        {
            store.Do(new GrantOf(holder, 10));
            long revision = store.Do(new TxnOf([new CompareOf("lock", Target: 1, Result: 0)], [new PutOf("lock", $"{holder}") { Lease = holder }], [])).Revision;
            Assert.Contains($"c{revision} ", store.Read("lock"));
            Assert.True(revision > token);
            token = revision;
            store.Do(new RevokeOf(holder));
        }
    }

    internal static void CompareSeesLastWrite(StoreFaults faults)
    {
        var store = new KeyValueStore(new StoreOptions(), faults);
        StorePair.ApplyTo(store, new PutOf("k", "1"));
        StorePair.ApplyTo(store, new PutOf("k", "2"));   // both in one batch with what follows: nothing was published
        ApplyOutcome swap = StorePair.ApplyTo(store, new TxnOf([new CompareOf("k", Target: 3, Result: 0, Value: "2")], [new PutOf("k", "3")], []));
        Assert.True(new ProtoFields(swap.Body.ToArray()).Has(2), "the compare did not hold");
    }

    internal static void PreviousValue(StoreFaults faults)
    {
        var store = new Scenario(faults);
        store.Do(new PutOf("k", "before"));
        Assert.Equal("before", new ProtoFields(store.Do(new PutOf("k", "after") { Previous = true }).Body.ToArray()).Message(2).Text(5));
    }
}
