namespace Conclave.Store.Tests;

/// <summary>Bugs by which watches lost events, repeated them, or promised too much.</summary>
public class WatchBugs
{
    [Fact]
    public void Bug_09_A_watch_does_not_go_back_in_time_after_a_snapshot_is_installed() => InstallUnderWatch(StoreFaults.None);

    [Fact]
    public void Bug_10_Progress_does_not_overtake_events() => ProgressBehindEvents(StoreFaults.None);

    [Fact]
    public void Bug_10_A_watch_from_a_future_revision_is_told_nothing_before_it() => FutureRevision(StoreFaults.None);

    [Fact]
    public void Bug_11_A_slow_watch_gets_the_delete_at_the_compacted_revision() => DeleteAtCompactedRevision(StoreFaults.None);

    [Fact]
    public void Bug_11_A_starved_watch_loses_nothing_or_is_cancelled() => StarvedWatch(StoreFaults.None);

    [Fact]
    public void Events_of_one_message_are_in_order() => EventsInOrder(StoreFaults.None);

    /// <summary>A member was cut off until it needed a snapshot; its watchers were then sent revisions that they had had.</summary>
    internal static void InstallUnderWatch(StoreFaults faults)
    {
        var leader = new Scenario(StoreFaults.None);
        var member = new Scenario(faults);
        foreach (Scenario store in (Scenario[])[leader, member])
        {
            store.Do(new PutOf("k", "1"));
            store.Do(new PutOf("k", "2"));
        }

        using var one = new WatchClient(member.Store);
        using var range = new WatchClient(member.Store);
        one.Create("k");
        range.Create("a", "z", start: 2);
        foreach (Scenario store in (Scenario[])[leader, member])
            store.Do(new PutOf("k", "3"));
        Assert.Equal(("4", "2 3 4"), (Scenario.Revisions(one.TakeAll()), Scenario.Revisions(range.TakeAll())));

        leader.Do(new PutOf("k", "4"));   // the member is cut off, and then gets a snapshot
        leader.Do(new DeleteOf("k"));
        member.Install(leader.Save());
        member.Do(new PutOf("k", "5"));
        Assert.Equal(("5 6 7", "5 6 7"), (Scenario.Revisions(one.TakeAll()), Scenario.Revisions(range.TakeAll())));
    }

    /// <summary>A progress message with the current revision while older events were still queued: who resumed from it lost them.</summary>
    internal static void ProgressBehindEvents(StoreFaults faults)
    {
        var store = new Scenario(faults);
        for (int i = 0; i < 2_500; i++)
            store.Do(new PutOf("k", $"{i}"));
        using var client = new WatchClient(store.Store);
        client.Create("k", start: 2);
        long seen = 1;
        for (bool any = true; any;)
        {
            client.AskProgress();
            any = client.Take() is { } message && See(message);
        }

        Assert.Equal(2_501, seen);

        bool See(WatchMsg message)
        {
            foreach (WatchEvent change in message.Events)
                seen = change.Revision;
            if (message.IsProgress)
                Assert.True(message.Header <= seen, $"told of {message.Header}, had {seen}");
            return !message.IsProgress;
        }
    }

    /// <summary>A client goes on at a member that lags: the member must not name a revision below the one it asked for, nor send events below it.</summary>
    internal static void FutureRevision(StoreFaults faults)
    {
        var store = new Scenario(faults);
        store.Do(new PutOf("k", "1"));
        using var client = new WatchClient(store.Store);
        client.Create("k", start: 5);
        client.AskProgress();
        Assert.DoesNotContain(client.TakeAll(), message => message.IsProgress);
        for (int i = 0; i < 4; i++)
            store.Do(new PutOf("k", $"{i}"));
        Assert.Equal("5 6", Scenario.Revisions(client.TakeAll()));
    }

    /// <summary>A slow reader and a compaction at the revision of a delete: the delete never arrived.</summary>
    internal static void DeleteAtCompactedRevision(StoreFaults faults)
    {
        foreach (string end in (string[])["", "z"])
        {
            var store = new Scenario(faults);
            store.Do(new PutOf("k", "1"));
            store.Do(new DeleteOf("k"));
            store.Do(new PutOf("other"));
            store.Do(new CompactTo(3));
            for (int i = 0; i < 5; i++)
                store.Store.Publish();
            using var client = new WatchClient(store.Store);
            client.Create("k", end, start: 3);
            Assert.Equal(end == "" ? "3" : "3 4", Scenario.Revisions(client.TakeAll()));
        }
    }

    /// <summary>A stream that takes nothing while thousands of changes pass: it gets all of them later, or is told that it cannot.</summary>
    internal static void StarvedWatch(StoreFaults faults)
    {
        var store = new Scenario(faults);
        using var patient = new WatchClient(store.Store);
        patient.Create("a", "z");
        patient.TakeAll();
        for (int i = 0; i < 6_000; i++)
            store.Do(i % 7 == 6 ? new DeleteOf("k") : new PutOf("k", $"{i}"));
        Assert.Equal(string.Join(" ", Enumerable.Range(2, 6_000)), Scenario.Revisions(patient.TakeAll()));

        for (int i = 0; i < 6_000; i++)
            store.Do(new PutOf("k", $"{i}"));
        store.Do(new CompactTo(store.Store.View.Revision - 1));
        List<WatchMsg> rest = patient.TakeAll();
        Assert.True(rest.Count > 0 && rest[^1].Canceled && rest[^1].Compacted == store.Store.View.CompactRevision, "it has lost events and was not told");
    }

    internal static void EventsInOrder(StoreFaults faults)
    {
        var store = new KeyValueStore(new StoreOptions(), faults);
        using var client = new WatchClient(store);
        client.Create("a", "z");
        foreach (string key in (string[])["a", "b", "a"])
            StorePair.ApplyTo(store, new PutOf(key));
        store.Publish();
        Assert.Equal("2 3 4", Scenario.Revisions(client.TakeAll()));
    }
}
